/** How the page looks: theme, opacity, patterns. Kept in the browser between visits. */
const KEY = "intarsia-studio-display";
const KEPT = { theme: null, mode: "side", opacity: 0.5, patterns: false, outlines: false, objects: false, names: true, live: true };

export class Display {
  constructor() {
    Object.assign(this, KEPT, remembered());
    this.hidden = new Set();
    this.listeners = [];
    this.theme ??= matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }

  onChange(listener) { this.listeners.push(listener); }

  set(change) {
    Object.assign(this, change);
    const kept = Object.fromEntries(Object.keys(KEPT).map((key) => [key, this[key]]));
    try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* private windows may refuse: it is only comfort */ }
    for (const listener of this.listeners) listener();
  }

  toggleHidden(id) {
    if (!this.hidden.delete(id)) this.hidden.add(id);
    this.set({});
  }
}

function remembered() {
  try {
    const values = JSON.parse(localStorage.getItem(KEY)) ?? {};
    return Object.fromEntries(Object.entries(values).filter(([key, value]) => key in KEPT && typeof value === typeof (KEPT[key] ?? "")));
  } catch {
    return {};
  }
}
