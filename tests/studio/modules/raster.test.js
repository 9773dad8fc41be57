import assert from "node:assert/strict";
import { test } from "node:test";
import * as raster from "../../../src/intarsia/server/static/js/raster.js";
import { random } from "./help.js";

/** The pixels that a shape covers, as "x,y". */
function pixels(draw) {
  const found = new Set();
  draw((y, x0, x1) => { for (let x = x0; x < x1; x++) found.add(`${x},${y}`); });
  return found;
}

function those(width, height, inside) {
  const found = new Set();
  for (let y = -2; y < height + 2; y++) for (let x = -2; x < width + 2; x++) if (inside(x, y)) found.add(`${x},${y}`);
  return found;
}

test("an ellipse covers the pixels whose centre lies in it", () => {
  for (let width = 1; width < 30; width++) {
    for (let height = 1; height < 30; height++) {
      const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height
        && (2 * x + 1 - width) ** 2 * height ** 2 + (2 * y + 1 - height) ** 2 * width ** 2 <= (width * height) ** 2;
      assert.deepEqual(pixels((span) => raster.ellipse(0, 0, width, height, span)), those(width, height, inside));
    }
  }
});

test("a large ellipse is exact too", () => {
  const widest = [];
  raster.ellipse(0, 0, 4001, 3, (y, x0, x1) => widest.push([y, x0, x1]));
  assert.deepEqual(widest[1], [1, 0, 4001]);
});

test("a rectangle between two corners holds both, whichever comes first", () => {
  const [a, b] = [{ x: 5, y: 1 }, { x: 2, y: 3 }];
  const inside = (x, y) => x >= 2 && x <= 5 && y >= 1 && y <= 3;
  for (const corners of [[a, b], [b, a]]) {
    assert.deepEqual(pixels((span) => raster.between(raster.rectangle, ...corners, span)), those(8, 8, inside));
  }
});

test("a line joins its ends by king's moves", () => {
  const next = random(1);
  for (let round = 0; round < 200; round++) {
    const [x0, y0, x1, y1] = Array.from({ length: 4 }, () => Math.floor(next() * 60) - 20);
    const visited = [];
    raster.line(x0, y0, x1, y1, (x, y) => visited.push([x, y]));
    assert.deepEqual(visited[0], [x0, y0]);
    assert.deepEqual(visited.at(-1), [x1, y1]);
    assert.equal(visited.length, Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)) + 1);
    for (const [x, y] of visited) { // never further than half a pixel from the true line
      const off = Math.abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0));
      assert.ok(2 * off <= Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)));
    }
  }
});

test("a stroke is a dab in each pixel of its line", () => {
  const from = { x: 3, y: 4 }, to = { x: 17, y: 9 };
  for (const shape of [raster.ellipse, raster.rectangle]) {
    for (const size of [1, 2, 7, 12]) {
      const dabs = new Set();
      raster.line(from.x, from.y, to.x, to.y, (x, y) => {
        for (const pixel of pixels((span) => raster.dab(x, y, size, shape, span))) dabs.add(pixel);
      });
      assert.deepEqual(pixels((span) => raster.stroke(from, to, size, shape, span)), dabs);
    }
  }
});

test("a polygon covers what is inside by the even-odd rule, and its outline", () => {
  const next = random(2);
  for (let round = 0; round < 200; round++) {
    const corners = Array.from({ length: 3 + Math.floor(next() * 6) }, () => ({ x: Math.floor(next() * 30), y: Math.floor(next() * 30) }));
    const outline = new Set();
    corners.forEach((a, i) => {
      const b = corners[(i + 1) % corners.length];
      raster.line(a.x, a.y, b.x, b.y, (x, y) => outline.add(`${x},${y}`));
    });
    // A ray to the right, just below the row of centres, so that it meets no corner.
    const inside = (x, y) => outline.has(`${x},${y}`) || corners.filter((a, i) => {
      const b = corners[(i + 1) % corners.length];
      if (a.y <= y === b.y <= y) return false;
      return a.x + (y - a.y) * (b.x - a.x) / (b.y - a.y) > x;
    }).length % 2 === 1;
    assert.deepEqual(pixels((span) => raster.polygon(corners, span)), those(30, 30, inside));
  }
});
