import { Rect } from "./rect.js";

/**
 * Undo and redo, stroke by stroke, without end.
 *
 * A shadow holds the map as it was at the last commit. A stroke's record is what differs from it within the touched box,
 * as runs of equal pixels: three numbers for each (place, length, label | instance << 16), before and after. The shadow
 * is all that a stroke costs while it is painted.
 */
export class History {
  constructor(map) {
    this.map = map;
    this.touched = map.watch();
    this.shadow = null;
    this.forget();
  }

  /** Start anew from the map as it is. */
  forget() {
    this.done = [];
    this.undone = [];
    this.bytes = 0;
    this.#follow();
  }

  #follow() {
    const { width, height, labels, instances } = this.map;
    this.touched.take();
    this.shadow = { width, height, labels: labels.slice(), instances: instances.slice() };
  }

  get canUndo() { return this.done.length > 0; }
  get canRedo() { return this.undone.length > 0; }

  /**
   * Close a stroke. Returns its record, or null if nothing changed.
   *
   * `about` travels with the record, such as the model before and after; with `about`, a record is kept even where no
   * pixel changed.
   */
  commit(name, about = null) {
    const record = this.#difference(name, about);
    if (!record) return null;
    this.done.push(record);
    this.bytes += record.bytes;
    for (const undone of this.undone) this.bytes -= undone.bytes;
    this.undone = [];
    return record;
  }

  #difference(name, about) {
    const { map, shadow } = this;
    const resized = map.width !== shadow.width || map.height !== shadow.height;
    const rect = resized ? null : this.touched.take().widened(0, map.width, map.height);
    const before = resized ? allRuns(shadow) : differingRuns(shadow, map, rect);
    const after = resized ? allRuns(map) : differingRuns(map, shadow, rect);
    if (!after.length && !about) return null;
    const record = {
      name, about, before, after,
      sizeBefore: [shadow.width, shadow.height], sizeAfter: [map.width, map.height],
      bytes: before.byteLength + after.byteLength + 200, // the record itself
    };
    if (resized) this.#follow(); else this.#play(shadow, after);
    return record;
  }

  /** Throw away what was painted since the last commit. */
  revert() {
    const { map, shadow } = this;
    map.replace(shadow.width, shadow.height, shadow.labels, shadow.instances);
    this.touched.take();
  }

  /** Take back the last stroke; returns its record, or null. */
  undo() {
    const record = this.done.pop();
    if (!record) return null;
    this.undone.push(record);
    this.#restore(record.sizeBefore, record.before);
    return record;
  }

  /** Paint the last undone stroke again; returns its record, or null. */
  redo() {
    const record = this.undone.pop();
    if (!record) return null;
    this.done.push(record);
    this.#restore(record.sizeAfter, record.after);
    return record;
  }

  #restore([width, height], runs) {
    const { map } = this;
    if (map.width !== width || map.height !== height) {
      map.resize(width, height);
      this.#play(map, runs);
      this.#follow();
      return;
    }
    const rect = this.#play(map, runs);
    this.#play(this.shadow, runs);
    if (!rect.empty) map.touch(rect.x0, rect.y0, rect.x1, rect.y1);
    this.touched.take();
  }

  /** Write runs into maps; returns the box they cover. */
  #play({ width, labels, instances }, runs) {
    const rect = new Rect();
    for (let at = 0; at < runs.length; at += 3) {
      const place = runs[at], end = place + runs[at + 1], pixel = runs[at + 2];
      labels.fill(pixel & 0xffff, place, end);
      instances.fill(pixel >>> 16, place, end);
      const y0 = Math.floor(place / width), y1 = Math.floor((end - 1) / width);
      if (y0 === y1) rect.add(place - y0 * width, y0, end - y0 * width, y0 + 1);
      else rect.add(0, y0, width, y1 + 1);
    }
    return rect;
  }
}

/** Runs of `map` where it differs from `other`, within a box. */
function differingRuns(map, other, rect) {
  const runs = [];
  for (let y = rect.y0; y < rect.y1; y++) {
    const end = y * map.width + rect.x1;
    for (let place = y * map.width + rect.x0; place < end; ) {
      if (map.labels[place] === other.labels[place] && map.instances[place] === other.instances[place]) { place++; continue; }
      const start = place, label = map.labels[place], instance = map.instances[place];
      while (place < end && map.labels[place] === label && map.instances[place] === instance
             && (label !== other.labels[place] || instance !== other.instances[place])) place++;
      runs.push(start, place - start, (label | (instance << 16)) >>> 0);
    }
  }
  return Uint32Array.from(runs);
}

/** The whole of a map as runs. */
function allRuns({ labels, instances }) {
  const runs = [];
  for (let place = 0; place < labels.length; ) {
    const start = place, label = labels[place], instance = instances[place];
    while (place < labels.length && labels[place] === label && instances[place] === instance) place++;
    runs.push(start, place - start, (label | (instance << 16)) >>> 0);
  }
  return Uint32Array.from(runs);
}
