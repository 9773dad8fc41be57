/** Style photos: presets that come with the page for a label space, and those that a person adds. */
export class Styles {
  constructor() {
    this.all = []; // {name, blob, url, preset}
    this.listeners = [];
  }

  onChange(listener) { this.listeners.push(listener); }

  /** Presets of a label space in front of what the person added. */
  async preset(space) {
    this.space = space;
    this.index ??= await fetch("styles/index.json").then((response) => response.json());
    const presets = await Promise.all((this.index[space] ?? []).map(async ({ name, file }) => {
      return entry(name, await (await fetch(`styles/${file}`)).blob(), file);
    }));
    if (this.space !== space) return; // another model came meanwhile
    this.set([...presets, ...this.all.filter(({ preset }) => !preset)]);
  }

  async add(name, blob) {
    this.all.push(entry(name, blob));
    this.#tell();
    return this.all.length - 1;
  }

  set(all) {
    this.all = all;
    this.#tell();
  }

  /** Take up those of a project, {name, blob, preset}; returns their numbers here. */
  restore(saved) {
    const places = saved.map(({ name, blob, preset }) => {
      const here = this.all.findIndex((one) => preset && one.preset === preset);
      return here >= 0 ? here : this.all.push(entry(name, blob, preset)) - 1;
    });
    this.#tell();
    return places;
  }

  #tell() { for (const listener of this.listeners) listener(); }
}

function entry(name, blob, preset = null) {
  return { name, blob, preset, url: URL.createObjectURL(blob) };
}
