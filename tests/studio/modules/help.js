/** What the tests of several modules share. */

import { LabelMap } from "../../../src/intarsia/server/static/js/label_map.js";

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A map drawn as text: one character a pixel, its label in base 36. */
export function mapOf(...rows) {
  const map = new LabelMap(rows[0].length, rows.length);
  rows.forEach((row, y) => [...row].forEach((pixel, x) => { map.labels[y * map.width + x] = parseInt(pixel, 36); }));
  return map;
}

export function rowsOf({ width, height }, values) {
  return Array.from({ length: height }, (_, y) => Array.from(values.slice(y * width, (y + 1) * width), (v) => v.toString(36)).join(""));
}
