import assert from "node:assert/strict";
import { test } from "node:test";
import { Brush } from "../../../src/intarsia/server/static/js/paint.js";
import { ellipse, rectangle, stroke } from "../../../src/intarsia/server/static/js/raster.js";
import { History } from "../../../src/intarsia/server/static/js/history.js";
import { LabelMap } from "../../../src/intarsia/server/static/js/label_map.js";
import { random } from "./help.js";

function randomStroke(map, next, most = 40) {
  const point = () => ({ x: Math.floor(next() * map.width), y: Math.floor(next() * map.height) });
  const brush = new Brush(map, { label: Math.floor(next() * 300), instance: next() < 0.3 ? Math.floor(next() * 70000) & 0xffff : 0 });
  stroke(point(), point(), 1 + Math.floor(next() * most), next() < 0.5 ? ellipse : rectangle, brush.span);
}

const copy = ({ width, height, labels, instances }) => ({ width, height, labels: labels.slice(), instances: instances.slice() });

test("200 random strokes are undone back to the start and redone to the end", () => {
  const map = new LabelMap(97, 61, 5), history = new History(map), next = random(3);
  const states = [copy(map)];
  while (states.length <= 200) {
    randomStroke(map, next);
    if (history.commit("stroke")) states.push(copy(map));
  }
  for (let at = 199; at >= 0; at--) { history.undo(); assert.deepEqual(copy(map), states[at]); }
  assert.equal(history.undo(), null);
  for (let at = 1; at <= 200; at++) { history.redo(); assert.deepEqual(copy(map), states[at]); }
  assert.equal(history.redo(), null);
});

test("a new stroke forgets what was undone", () => {
  const map = new LabelMap(20, 20), history = new History(map), next = random(4);
  for (let i = 0; i < 3; i++) { randomStroke(map, next); history.commit("stroke"); }
  history.undo();
  randomStroke(map, next);
  history.commit("stroke");
  assert.equal(history.canRedo, false);
});

test("a stroke that changes nothing is no stroke", () => {
  const map = new LabelMap(20, 20, 7), history = new History(map);
  stroke({ x: 1, y: 1 }, { x: 9, y: 9 }, 3, ellipse, new Brush(map, { label: 7 }).span);
  assert.equal(history.commit("stroke"), null);
});

test("a change of size is undone with everything on it", () => {
  const map = new LabelMap(20, 10, 1), history = new History(map), next = random(5);
  randomStroke(map, next);
  history.commit("stroke");
  const before = copy(map);
  map.replace(7, 30, new Uint16Array(210).fill(9));
  history.commit("import");
  const after = copy(map);
  history.undo();
  assert.deepEqual(copy(map), before);
  randomStroke(map, next);
  history.revert();
  assert.deepEqual(copy(map), before);
  history.redo();
  assert.deepEqual(copy(map), after);
});

test("what travels with a record comes back with it, even where no pixel changed", () => {
  const map = new LabelMap(4, 4), history = new History(map);
  history.commit("model", { model: ["a", "b"] });
  assert.deepEqual(history.undo().about, { model: ["a", "b"] });
  assert.equal(history.commit("nothing"), null);
});

test("1,000 strokes on a map of 1024 x 512 take less than 16 MB", () => {
  const map = new LabelMap(1024, 512), history = new History(map), next = random(6);
  for (let i = 1; i <= 1000; i++) {
    const from = { x: Math.floor(next() * 1024), y: Math.floor(next() * 512) };
    const to = { x: from.x + Math.floor(next() * 200 - 100), y: from.y + Math.floor(next() * 200 - 100) };
    stroke(from, to, 24, ellipse, new Brush(map, { label: i }).span);
    history.commit("stroke");
  }
  assert.equal(history.done.length, 1000);
  assert.ok(history.bytes < 16e6, `${history.bytes} bytes`);
});
