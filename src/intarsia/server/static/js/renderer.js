import * as png from "./png.js";
import * as regions from "./regions.js";

/** Turns what is on the desk into requests: label map, objects, style, options. */
export class Renderer {
  constructor(studio, styles, api) {
    Object.assign(this, { studio, styles, api });
    this.client = `studio-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    this.sequence = 0;
  }

  /** The photo of the map as it is: {blob, seed, milliseconds}. Requests of one page: the latest wins. */
  render(signal) { return this.aside({ client: this.client, sequence: ++this.sequence }, signal); }

  /** The photo under another seed or in another format, out of turn. */
  async aside(change, signal) {
    const options = { ...this.options(), ...change }, files = await this.files();
    if (!this.studio.editing) return this.api.synthesise(files, options, signal);
    const { source, map } = this.studio, changed = this.studio.changed();
    const hole = await png.encodeGrey8(map.width, map.height, changed);
    return this.api.edit({ ...files, photo: source.blob, hole }, options, signal);
  }

  options() {
    const { model, look } = this.studio, { takes } = model;
    const options = { model: model.name, seed: look.seed };
    if (takes.noise) options.noise = look.noise;
    if (takes.seed && look.rerolls.length) options.rerolls = look.rerolls;
    if (takes.object_styles && Object.keys(look.styles).length) options.styles = look.styles;
    if (this.#second()) options.blend = look.style.blend;
    return options;
  }

  async files() {
    const { map, model, look } = this.studio, { takes } = model;
    const files = { labels: await indexPng(map.width, map.height, map.labels) };
    const named = look.rerolls.some((reroll) => reroll.instance !== undefined);
    if (map.hasInstances && (takes.instances || takes.object_styles || named || look.noise === "per-instance")) {
      files.instances = await png.encodeGrey16(map.width, map.height, map.completeInstances());
    }
    if (takes.style && look.style.kind === "image") {
      files.style = this.styles.all[look.style.one]?.blob;
      if (this.#second()) files.style2 = this.#second().blob;
    }
    return files;
  }

  #second() {
    const { model, look: { style } } = this.studio;
    return model.takes.style && style.kind === "image" && style.other != null ? this.styles.all[style.other] : undefined;
  }

  /** The selection as a region of the API: a box where it is one, else a mask; null if there is none. */
  async selectedRegion() {
    const { selection, map } = this.studio;
    if (!selection) return null;
    const { top, left, height, width } = regions.box(selection, map.width);
    if (regions.area(selection) === height * width) return { box: [top, left, height, width] };
    const mask = await png.encodeGrey8(map.width, map.height, selection.map((inside) => 255 * inside));
    return { mask: btoa(String.fromCharCode(...mask)) };
  }

  /** Options, and the names that files have in programs. */
  described() {
    const { map, look, model } = this.studio;
    const files = { labels: "labels.png" };
    if (map.hasInstances && model.takes.instances) files.instances = "instances.png";
    if (model.takes.style && look.style.kind === "image") files.style = "style.png";
    if (this.#second()) files.style2 = "style2.png";
    return { options: this.options(), files };
  }
}

/** Ids as the API reads them: grey, 8 bits if they fit. */
export function indexPng(width, height, ids) {
  return ids.some((id) => id > 255) ? png.encodeGrey16(width, height, ids) : png.encodeGrey8(width, height, Uint8Array.from(ids));
}
