import { Rect } from "./rect.js";

/**
 * The picture that a person paints: for each pixel a class and an object.
 *
 * `labels` are raw ids, as in index PNGs; `instances` are object numbers, 0 where a pixel belongs to no object of its
 * own. Both are Uint16Array, row by row. Whoever wants to know what changed takes a watch.
 */
export class LabelMap {
  constructor(width, height, fill = 0) {
    this.watches = [];
    this.resize(width, height);
    this.labels.fill(fill);
  }

  /** Another size; what it held is gone. */
  resize(width, height) {
    this.width = width;
    this.height = height;
    this.labels = new Uint16Array(width * height);
    this.instances = new Uint16Array(width * height);
    this.touch(0, 0, width, height);
  }

  /** A box that grows with every change. */
  watch() {
    const rect = new Rect(0, 0, this.width, this.height);
    this.watches.push(rect);
    return rect;
  }

  touch(x0, y0, x1, y1) {
    for (const watch of this.watches) watch.add(x0, y0, x1, y1);
  }

  has(x, y) { return x >= 0 && y >= 0 && x < this.width && y < this.height; }

  /** Label and object of a pixel. */
  at(x, y) {
    const place = y * this.width + x;
    return { label: this.labels[place], instance: this.instances[place] };
  }

  /** Take over whole maps; `instances` may be left out. */
  replace(width, height, labels, instances = null) {
    if (width !== this.width || height !== this.height) this.resize(width, height);
    this.labels.set(labels);
    if (instances) this.instances.set(instances); else this.instances.fill(0);
    this.touch(0, 0, width, height);
  }

  get hasInstances() { return this.instances.some((number) => number > 0); }

  /** The smallest object number that no pixel has. */
  freeInstance() {
    const used = new Uint8Array(65536);
    for (const number of this.instances) used[number] = 1;
    used[0] = 1;
    const free = used.indexOf(0);
    if (free < 0) throw new Error("all 65,535 object numbers are in use. Delete an object first.");
    return free;
  }

  /**
   * Object numbers as models want them: pixels without an object get a number for their class, so that classes stay
   * apart where no object is.
   */
  completeInstances() {
    const used = new Uint8Array(65536), ofLabel = new Map();
    for (const number of this.instances) used[number] = 1;
    let next = 65535;
    return this.instances.map((number, place) => {
      if (number) return number;
      const label = this.labels[place];
      if (!ofLabel.has(label)) {
        while (used[next]) next--;
        ofLabel.set(label, next--);
      }
      return ofLabel.get(label);
    });
  }
}
