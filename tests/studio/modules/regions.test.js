import assert from "node:assert/strict";
import { test } from "node:test";
import * as regions from "../../../src/intarsia/server/static/js/regions.js";
import { mapOf, random, rowsOf } from "./help.js";

test("a contiguous region ends where label or object change, and does not pass corners", () => {
  const map = mapOf("0010", "0100", "1000");
  assert.deepEqual(rowsOf(map, regions.contiguous(map, 0, 0)), ["1100", "1000", "0000"]);
  assert.deepEqual(rowsOf(map, regions.contiguous(map, 3, 2)), ["0001", "0011", "0111"]);
  map.instances[11] = 4;
  assert.deepEqual(rowsOf(map, regions.contiguous(map, 3, 2)), ["0000", "0000", "0001"]);
  assert.deepEqual(rowsOf(map, regions.alike(map, 0, 0)), ["1101", "1011", "0110"]);
});

test("contiguous regions of random maps are those found one step at a time", () => {
  const next = random(7);
  for (let round = 0; round < 50; round++) {
    const map = mapOf(...Array.from({ length: 12 }, () => Array.from({ length: 17 }, () => Math.floor(next() * 2)).join("")));
    const [x, y] = [Math.floor(next() * 17), Math.floor(next() * 12)];
    const found = new Uint8Array(map.labels.length), waiting = [[x, y]];
    while (waiting.length) {
      const [i, j] = waiting.pop();
      if (!map.has(i, j) || found[j * 17 + i] || map.at(i, j).label !== map.at(x, y).label) continue;
      found[j * 17 + i] = 1;
      waiting.push([i + 1, j], [i - 1, j], [i, j + 1], [i, j - 1]);
    }
    assert.deepEqual(regions.contiguous(map, x, y), found);
  }
});

test("growing and shrinking go one pixel at a time, and the border of the map is no edge", () => {
  const map = mapOf("0000000", "0000000", "0000000", "0001000", "0000000", "0000000", "0000000");
  const once = regions.grown(map.labels, 7, 7, 1), twice = regions.grown(map.labels, 7, 7, 2);
  assert.deepEqual(rowsOf(map, once), ["0000000", "0000000", "0001000", "0011100", "0001000", "0000000", "0000000"]);
  assert.deepEqual(rowsOf(map, twice).slice(1, 3), ["0011100", "0111110"]);
  assert.deepEqual(rowsOf({ width: 3, height: 2 }, regions.shrunk(Uint8Array.of(1, 1, 0, 1, 1, 0), 3, 2, 1)), ["100", "100"]);
});

test("smoothing takes away a spike and keeps a straight edge", () => {
  const map = mapOf("1111000", "1111000", "1111100", "1111000", "1111000");
  assert.deepEqual(rowsOf(map, regions.smoothed(map.labels, 7, 5, 1)), Array(5).fill("1111000"));
});

test("a reshaped region takes its class along, and gives up pixels to what lies nearest", () => {
  const map = mapOf("22222", "21113", "21113", "22222");
  const before = regions.ofClass(map, 1);
  const after = Uint8Array.from([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0]);
  regions.reshape(map, before, after, () => true);
  assert.deepEqual(rowsOf(map, map.labels), ["22222", "21123", "21133", "21122"]);
});

test("protected pixels are not reshaped", () => {
  const map = mapOf("0012");
  regions.reshape(map, Uint8Array.of(0, 0, 1, 0), Uint8Array.of(1, 1, 1, 1), (place) => map.labels[place] !== 2);
  assert.deepEqual(rowsOf(map, map.labels), ["1112"]);
});

test("a mask's box and area", () => {
  const mask = Uint8Array.of(0, 0, 0, 0, 1, 1, 0, 1, 0);
  assert.deepEqual(regions.box(mask, 3), { top: 1, left: 1, height: 2, width: 2 });
  assert.equal(regions.area(mask), 3);
  assert.equal(regions.box(new Uint8Array(9), 3), null);
});
