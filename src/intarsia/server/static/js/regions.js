/**
 * Regions as masks: Uint8Array of the map's size, 1 inside.
 *
 * Neighbours are the four beside a pixel, as in the library's connected regions.
 */

/** The connected region of equal label (and object) around a pixel. */
export function contiguous(map, x, y) {
  const { width, height, labels, instances } = map;
  const seed = y * width + x, label = labels[seed], instance = instances[seed];
  const mask = new Uint8Array(labels.length);
  const fits = (place) => !mask[place] && labels[place] === label && instances[place] === instance;
  const waiting = [seed];
  while (waiting.length) {
    let place = waiting.pop();
    if (!fits(place)) continue;
    const row = place - (place % width);
    let from = place, to = place + 1;
    while (from > row && fits(from - 1)) from--;
    while (to < row + width && fits(to)) to++;
    mask.fill(1, from, to);
    for (const next of [-width, width]) {
      if (row + next < 0 || row + next >= width * height) continue;
      for (let at = from; at < to; at++) {
        if (fits(at + next) && (at === from || !fits(at + next - 1))) waiting.push(at + next);
      }
    }
  }
  return mask;
}

/** All pixels of the label and object that a pixel has. */
export function alike(map, x, y) {
  const { label, instance } = map.at(x, y);
  return map.labels.reduce((mask, other, place) => {
    mask[place] = +(other === label && map.instances[place] === instance);
    return mask;
  }, new Uint8Array(map.labels.length));
}

/** All pixels of a class. */
export function ofClass(map, label) {
  return Uint8Array.from(map.labels, (other) => +(other === label));
}

/** All pixels of an object. */
export function ofInstance(map, instance) {
  return Uint8Array.from(map.instances, (other) => +(other === instance));
}

/** A mask from a shape of `raster.js`: `draw(span)`. */
export function fromShape(map, draw) {
  const mask = new Uint8Array(map.labels.length);
  draw((y, x0, x1) => {
    if (y < 0 || y >= map.height) return;
    x0 = Math.max(0, x0);
    x1 = Math.min(map.width, x1);
    if (x0 < x1) mask.fill(1, y * map.width + x0, y * map.width + x1);
  });
  return mask;
}

/** How many pixels a mask has. */
export function area(mask) {
  let sum = 0;
  for (const inside of mask) sum += inside;
  return sum;
}

/** The box of a mask, {top, left, height, width}, or null if it is empty. */
export function box(mask, width) {
  let left = Infinity, right = -1, top = -1, bottom = -1;
  for (let place = 0; place < mask.length; place++) {
    if (!mask[place]) continue;
    const x = place % width;
    bottom = (place - x) / width;
    if (top < 0) top = bottom;
    left = Math.min(left, x);
    right = Math.max(right, x);
  }
  return top < 0 ? null : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** The mask grown by `steps` pixels (4- and 8-neighbourhoods in turn, which makes octagons). */
export function grown(mask, width, height, steps) {
  let now = mask;
  for (let step = 0; step < steps; step++) now = dilated(now, width, height, step % 2 === 1);
  return now;
}

/** The mask shrunk by `steps` pixels; what lies beyond the map counts as inside, so that it stays at the border. */
export function shrunk(mask, width, height, steps) {
  return inverted(grown(inverted(mask), width, height, steps));
}

/** The mask with a smooth outline: each pixel goes with the majority of the (2 reach + 1)^2 around it. */
export function smoothed(mask, width, height, reach) {
  const sums = new Uint32Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0, row = 0; x < width; x++) {
      row += mask[y * width + x];
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
    }
  }
  const after = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    const y0 = Math.max(0, y - reach), y1 = Math.min(height, y + reach + 1);
    for (let x = 0; x < width; x++) {
      const x0 = Math.max(0, x - reach), x1 = Math.min(width, x + reach + 1);
      const sum = (row, column) => sums[row * (width + 1) + column];
      const inside = sum(y1, x1) - sum(y1, x0) - sum(y0, x1) + sum(y0, x0), outside = (x1 - x0) * (y1 - y0) - inside;
      after[y * width + x] = inside === outside ? mask[y * width + x] : +(inside > outside);
    }
  }
  return after;
}

function dilated(mask, width, height, corners) {
  const after = mask.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!mask[y * width + x]) continue;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (dx && dy && !corners) continue;
          if (x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height) after[(y + dy) * width + x + dx] = 1;
        }
      }
    }
  }
  return after;
}

function inverted(mask) { return mask.map((inside) => 1 - inside); }

/** The label and object that most pixels of a mask have. */
export function commonest(map, mask) {
  const counts = new Map();
  let best = null, most = 0;
  mask.forEach((inside, place) => {
    if (!inside) return;
    const pixel = (map.labels[place] | (map.instances[place] << 16)) >>> 0;
    const count = (counts.get(pixel) ?? 0) + 1;
    counts.set(pixel, count);
    if (count > most) { most = count; best = pixel; }
  });
  return best === null ? null : { label: best & 0xffff, instance: best >>> 16 };
}

/**
 * Make a region's new outline true on the map: pixels that came in take the region's commonest label, pixels that went
 * out take the label of the nearest pixel outside. `may(place)` says which pixels may change.
 */
export function reshape(map, before, after, may) {
  const inside = commonest(map, before);
  if (!inside) return;
  const { width, height, labels, instances } = map;
  const source = nearest(before, width, height);
  const [oldLabels, oldInstances] = [labels.slice(), instances.slice()];
  for (let place = 0; place < labels.length; place++) {
    if (after[place] === before[place] || !may(place)) continue;
    const from = source[place];
    if (!after[place] && from < 0) continue;
    labels[place] = after[place] ? inside.label : oldLabels[from];
    instances[place] = after[place] ? inside.instance : oldInstances[from];
  }
  map.touch(0, 0, width, height);
}

/**
 * For each pixel of a mask the place of the nearest one outside (by steps to the side, up and down); of equally near
 * ones the first in reading order; -1 if there is none.
 */
export function nearest(mask, width, height) {
  const source = new Int32Array(mask.length).fill(-1);
  let front = [];
  mask.forEach((inside, place) => { if (!inside) { source[place] = place; front.push(place); } });
  while (front.length) {
    const next = [];
    for (const place of front) {
      const x = place % width;
      for (const [step, ok] of [[-1, x > 0], [1, x < width - 1], [-width, place >= width], [width, place < width * (height - 1)]]) {
        if (ok && source[place + step] < 0) { source[place + step] = source[place]; next.push(place + step); }
      }
    }
    front = next;
  }
  return source;
}
