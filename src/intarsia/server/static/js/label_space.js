/**
 * What ids mean: names, colours, groups, and a pattern for each class, as the server describes a model's label space.
 */

/** Pictures of 8 x 8 pixels by which classes differ without colour: 1 where the colour is shaded. */
const PATTERNS = [
  () => false,
  (x, y) => (x + y) % 8 < 2,
  (x, y) => (x - y + 8) % 8 < 2,
  (x, y) => y % 4 < 1,
  (x) => x % 4 < 1,
  (x, y) => x % 4 < 2 && y % 4 < 2,
  (x, y) => ((x >> 2) + (y >> 2)) % 2 === 1,
  (x, y) => x % 8 < 1 || y % 8 < 1,
  (x, y) => (x + y) % 4 < 1,
  (x, y) => (x % 8 === 2 && y % 8 === 2) || (x % 8 === 6 && y % 8 === 6),
  (x, y) => (x + y) % 8 < 1 || (x - y + 8) % 8 < 1,
];
const UNKNOWN = [255, 0, 255];

export class LabelSpace {
  /** From one entry of GET /v1/models: `classes` [{id, name, colour "#rrggbb", group}], `dont_care` an id or null. */
  constructor({ classes, dont_care: dontCare = null }) {
    const extra = dontCare === null ? [] : [{ id: dontCare, name: "don't care", colour: "#000000", group: "other" }];
    this.classes = [...classes, ...extra].map((one, order) => ({ ...one, rgb: rgbOf(one.colour), pattern: order % PATTERNS.length }));
    this.byId = new Map(this.classes.map((one) => [one.id, one]));
    this.background = (extra[0] ?? this.classes[0]).id;
    this.groups = [...new Set(this.classes.map((one) => one.group))];
  }

  has(id) { return this.byId.has(id); }
  nameOf(id) { return this.byId.get(id)?.name ?? `unknown id ${id}`; }
  colourOf(id) { return this.byId.get(id)?.rgb ?? UNKNOWN; }

  /** Whether the class's pattern shades a pixel. */
  shaded(id, x, y) { return PATTERNS[this.byId.get(id)?.pattern ?? 0](x & 7, y & 7); }

  /** Ids by name, for maps that come as colours: `colour` is 0xrrggbb. */
  idOfColour() {
    return new Map([...this.classes].reverse().map(({ rgb: [r, g, b], id }) => [(r << 16) | (g << 8) | b, id]));
  }

  /**
   * Colours of all ids as pixels of an ImageData (0xaabbggrr), plain and shaded: two Uint32Array of 65,536.
   */
  tables() {
    const pixel = ([r, g, b]) => (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
    const plain = new Uint32Array(65536).fill(pixel(UNKNOWN)), shaded = plain.slice();
    for (const { id, rgb } of this.classes) {
      plain[id] = pixel(rgb);
      shaded[id] = pixel(shade(rgb));
    }
    return { plain, shaded };
  }

  /** Ids that pixels have and the label space does not know, sorted. */
  unknownIn(labels) {
    const seen = new Uint8Array(65536);
    for (const id of labels) seen[id] = 1;
    return [...seen.keys()].filter((id) => seen[id] && !this.has(id));
  }
}

/** Darker, or lighter where the colour is dark already. */
export function shade(rgb) {
  const light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
  return rgb.map((value) => (light > 90 ? Math.round(value * 0.55) : Math.round(value + (255 - value) * 0.45)));
}

export function rgbOf(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
