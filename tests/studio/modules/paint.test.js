import assert from "node:assert/strict";
import { test } from "node:test";
import { Brush } from "../../../src/intarsia/server/static/js/paint.js";
import { mapOf, rowsOf } from "./help.js";

test("rows are clipped to the map", () => {
  const map = mapOf("000", "000");
  const brush = new Brush(map, { label: 300, instance: 2 });
  for (const y of [-1, 0, 2]) brush.span(y, -5, 2);
  assert.deepEqual([...map.labels], [300, 300, 0, 0, 0, 0]);
  assert.deepEqual([...map.instances], [2, 2, 0, 0, 0, 0]);
});

test("protected classes stay, and so does all outside the selection", () => {
  const map = mapOf("0123", "0123");
  const selection = Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0);
  const brush = new Brush(map, { label: 9, protect: new Set([1]), selection });
  brush.mask(new Uint8Array(8).fill(1));
  assert.deepEqual(rowsOf(map, map.labels), ["9193", "0123"]);
});

test("a watch tells the box that was touched", () => {
  const map = mapOf("00000", "00000", "00000");
  const watch = map.watch();
  watch.take();
  new Brush(map, { label: 1 }).span(1, 2, 4);
  const { x0, y0, x1, y1 } = watch.take();
  assert.deepEqual([x0, y0, x1, y1], [2, 1, 4, 2]);
  assert.ok(watch.take().empty);
});

test("pixels without an object get the number of their class, and none that an object has", () => {
  const map = mapOf("0011");
  map.instances.set([0, 65535, 0, 3]);
  assert.deepEqual([...map.completeInstances()], [65534, 65535, 65533, 3]);
  assert.equal(map.freeInstance(), 1);
});
