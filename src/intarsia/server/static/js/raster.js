/**
 * Shapes as rows of whole pixels, without anti-aliasing: a pixel belongs to a shape or it does not.
 *
 * Coordinates are pixel indices (integers). Shapes call `span(y, x0, x1)` for each row they cover, x1 being exclusive;
 * rows may lie outside the map and may overlap. Who paints them clips.
 */

/** Every pixel of the box from (left, top), `width` x `height`. */
export function rectangle(left, top, width, height, span) {
  for (let row = 0; row < height; row++) span(top + row, left, left + width);
}

/**
 * The ellipse inscribed in a box: pixels whose centre lies in it.
 *
 * In whole numbers: (2i+1-w)^2 h^2 + (2j+1-h)^2 w^2 <= w^2 h^2 for column i and row j of the box.
 */
export function ellipse(left, top, width, height, span) {
  for (let row = 0; row < height; row++) {
    const inset = ellipseInset(width, height, row);
    if (2 * inset < width) span(top + row, left + inset, left + width - inset);
  }
}

/** How many pixels of a row of the box, from its left end, are outside the ellipse. */
function ellipseInset(width, height, row) {
  const across = width * width, down = height * height;
  const vertical = (2 * row + 1 - height) ** 2 * across;
  const outside = (column) => (2 * column + 1 - width) ** 2 * down + vertical > across * down;
  let inset = Math.max(0, Math.floor((width - 1 - width * Math.sqrt(Math.max(0, 1 - vertical / (across * down)))) / 2) - 1);
  while (2 * inset < width && outside(inset)) inset++;
  return inset;
}

/** The rectangle or ellipse between two corners, both of them inside. */
export function between(shape, from, to, span) {
  const left = Math.min(from.x, to.x), top = Math.min(from.y, to.y);
  shape(left, top, Math.abs(from.x - to.x) + 1, Math.abs(from.y - to.y) + 1, span);
}

/** Bresenham's line: `visit(x, y)` for each pixel, from the first to the last. */
export function line(x0, y0, x1, y1, visit) {
  const right = Math.abs(x1 - x0), down = -Math.abs(y1 - y0);
  const stepX = x0 < x1 ? 1 : -1, stepY = y0 < y1 ? 1 : -1;
  let error = right + down;
  for (;;) {
    visit(x0, y0);
    if (x0 === x1 && y0 === y1) return;
    const twice = 2 * error;
    if (twice >= down) { error += down; x0 += stepX; }
    if (twice <= right) { error += right; y0 += stepY; }
  }
}

/** One dab of a brush, `size` pixels across, whose middle is (x, y); even sizes lie towards the top left. */
export function dab(x, y, size, shape, span) {
  shape(x - (size >> 1), y - (size >> 1), size, size, span);
}

/** A brush drawn from one pixel to another: a dab in each pixel of the line. */
export function stroke(from, to, size, shape, span) {
  const rows = [];
  shape(-(size >> 1), -(size >> 1), size, size, (y, x0, x1) => rows.push([y, x0, x1]));
  line(from.x, from.y, to.x, to.y, (x, y) => {
    for (const [row, x0, x1] of rows) span(y + row, x + x0, x + x1);
  });
}

/**
 * A closed polygon, its outline included: pixels whose centre is inside by the even-odd rule, and the lines between
 * corners, so that slivers stay whole.
 */
export function polygon(corners, span) {
  let top = Infinity, bottom = -Infinity;
  for (const { y } of corners) { top = Math.min(top, y); bottom = Math.max(bottom, y); }
  for (let y = top; y <= bottom; y++) {
    const crossings = [];
    corners.forEach((a, number) => {
      const b = corners[(number + 1) % corners.length];
      if (a.y <= y !== b.y <= y) crossings.push(a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y));
    });
    crossings.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const x0 = Math.ceil(crossings[pair]), x1 = Math.floor(crossings[pair + 1]) + 1;
      if (x0 < x1) span(y, x0, x1);
    }
  }
  corners.forEach((a, number) => {
    const b = corners[(number + 1) % corners.length];
    line(a.x, a.y, b.x, b.y, (x, y) => span(y, x, x + 1));
  });
}
