/**
 * Paint on a label map, within limits.
 *
 * A brush holds what is painted (`label`, `instance`) and where it may: never over `protect`ed classes, and only inside
 * `selection` (a mask of the map's size, or null).
 */
export class Brush {
  constructor(map, { label, instance = 0, protect = new Set(), selection = null }) {
    Object.assign(this, { map, label, instance, protect, selection });
    this.span = this.span.bind(this);
  }

  may(place) {
    return !(this.selection && !this.selection[place]) && !(this.protect.size && this.protect.has(this.map.labels[place]));
  }

  /** One row of pixels, clipped to the map. */
  span(y, x0, x1) {
    const { map, label, instance } = this;
    if (y < 0 || y >= map.height) return;
    x0 = Math.max(0, x0);
    x1 = Math.min(map.width, x1);
    if (x0 >= x1) return;
    const from = y * map.width + x0, to = y * map.width + x1;
    if (!this.selection && !this.protect.size) {
      map.labels.fill(label, from, to);
      map.instances.fill(instance, from, to);
    } else {
      for (let place = from; place < to; place++) {
        if (this.may(place)) {
          map.labels[place] = label;
          map.instances[place] = instance;
        }
      }
    }
    map.touch(x0, y, x1, y + 1);
  }

  /** Every pixel of a mask. */
  mask(mask) {
    const { width, height } = this.map;
    for (let y = 0; y < height; y++) {
      let x = 0;
      while (x < width) {
        while (x < width && !mask[y * width + x]) x++;
        const start = x;
        while (x < width && mask[y * width + x]) x++;
        if (x > start) this.span(y, start, x);
      }
    }
  }
}
