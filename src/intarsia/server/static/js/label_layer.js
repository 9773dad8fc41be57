/**
 * The label map as colours, kept in a canvas of the map's own size; only what changed is coloured again.
 *
 * Options: `patterns` shade classes by pattern, `outlines` draws the edges of classes and objects, `objects` tints
 * objects apart, `hidden` is a set of classes that are left transparent.
 */
export class LabelLayer {
  constructor(map) {
    this.map = map;
    this.canvas = new OffscreenCanvas(1, 1);
    this.options = { patterns: false, outlines: false, objects: false, hidden: new Set() };
    this.touched = map.watch();
  }

  /** Colours of another label space, or other options: everything is coloured again. */
  dress(space, options = this.options) {
    this.space = space;
    this.options = options;
    const { plain, shaded } = space.tables();
    for (const id of options.hidden) plain[id] = shaded[id] = 0;
    Object.assign(this, { plain, shaded });
    this.touched.add(0, 0, this.map.width, this.map.height);
  }

  /** Colour what was touched; returns its box. */
  refresh() {
    const { map } = this;
    if (this.canvas.width !== map.width || this.canvas.height !== map.height || !this.image) {
      this.canvas.width = map.width;
      this.canvas.height = map.height;
      this.context = this.canvas.getContext("2d");
      this.image = new ImageData(map.width, map.height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.touched.add(0, 0, map.width, map.height);
    }
    // A pixel's edges depend on its neighbours at the left and above.
    const rect = this.touched.take().widened(1, map.width, map.height);
    if (rect.empty) return rect;
    this.#colour(rect);
    this.context.putImageData(this.image, 0, 0, rect.x0, rect.y0, rect.width, rect.height);
    return rect;
  }

  #colour({ x0, y0, x1, y1 }) {
    const { map: { width, labels, instances }, plain, shaded, pixels, space, options } = this;
    for (let y = y0; y < y1; y++) {
      for (let place = y * width + x0, x = x0; x < x1; x++, place++) {
        const label = labels[place];
        let pixel = options.patterns && space.shaded(label, x, y) ? shaded[label] : plain[label];
        if (options.objects && instances[place]) pixel = tinted(pixel, instances[place]);
        if (options.outlines || options.objects) {
          const edge = (other) => labels[other] !== label || instances[other] !== instances[place];
          if ((x > 0 && edge(place - 1)) || (y > 0 && edge(place - width))) pixel = inked(pixel);
        }
        pixels[place] = pixel;
      }
    }
  }
}

/** The same colour, lighter or darker by an amount that objects differ in. */
function tinted(pixel, instance) {
  const step = (((instance * 0.61803398875) % 1) - 0.5) * 90;
  const of = (shift) => Math.max(0, Math.min(255, ((pixel >> shift) & 255) + step)) << shift;
  return ((pixel & 0xff000000) | of(16) | of(8) | of(0)) >>> 0;
}

/** Black on light colours, white on dark ones. */
function inked(pixel) {
  const light = 0.299 * (pixel & 255) + 0.587 * ((pixel >> 8) & 255) + 0.114 * ((pixel >> 16) & 255);
  return (pixel & 0xff000000 | (light > 100 ? 0x101010 : 0xf0f0f0)) >>> 0;
}
