import assert from "node:assert/strict";
import { test } from "node:test";
import { LabelSpace } from "../../../src/intarsia/server/static/js/label_space.js";
import { recognise } from "../../../src/intarsia/server/static/js/opening.js";
import * as png from "../../../src/intarsia/server/static/js/png.js";
import { shareText } from "../../../src/intarsia/server/static/js/share.js";
import { asClient, asCurl, asPython } from "../../../src/intarsia/server/static/js/snippets.js";

const SPACE = new LabelSpace({
  classes: [
    { id: 7, name: "sky", colour: "#4682b4", group: "sky" },
    { id: 8, name: "road", colour: "#804080", group: "ground" },
    { id: 300, name: "path", colour: "#c8966e", group: "ground" },
  ],
  dont_care: 255,
});

test("a label space knows names, colours and groups, and don't-care is the background", () => {
  assert.deepEqual([SPACE.nameOf(8), SPACE.nameOf(9)], ["road", "unknown id 9"]);
  assert.deepEqual(SPACE.colourOf(300), [200, 150, 110]);
  assert.deepEqual(SPACE.groups, ["sky", "ground", "other"]);
  assert.equal(SPACE.background, 255);
  assert.deepEqual(SPACE.unknownIn(Uint16Array.of(7, 9, 300, 2, 255)), [2, 9]);
  assert.equal(SPACE.tables().plain[7], 0xffb48246);
});

test("files are known by what they hold", async () => {
  const map = { width: 2, height: 2 };
  const file = async (bytes, name = "a") => recognise(new File([await bytes], name), { space: SPACE, map });
  const ids = Uint16Array.of(7, 8, 8, 300), numbers = Uint16Array.of(1, 2, 3, 4);
  assert.deepEqual((await file(png.encodeIndex(2, 2, ids, (id) => SPACE.colourOf(id)))).labels, ids);
  assert.deepEqual((await file(png.encodeGrey16(2, 2, numbers))).instances, numbers);
  const colours = Uint8Array.from([...ids].flatMap((id) => SPACE.colourOf(id)));
  assert.deepEqual((await file(png.encodeRgb(2, 2, colours))).labels, ids);
  colours[0]++;
  assert.deepEqual(await file(png.encodeRgb(2, 2, colours)), { kind: "photo" });
  assert.equal((await file(Uint8Array.of(0x50, 0x4b, 3, 4))).kind, "project");
  assert.equal((await file(Uint8Array.of(0xff, 0xd8, 0xff))).kind, "photo");
});

test("shares are read by people", () => {
  assert.deepEqual([0, 1, 31, 500].map((count) => shareText(count, 2000)), ["0 %", "<0.1 %", "1.6 %", "25 %"]);
});

test("a look is told as programs", () => {
  const options = { model: "m", seed: 3, noise: "per-class", rerolls: [{ class: "road", seed: 9 }] }, files = { labels: "labels.png", style: "style.png" };
  const takes = { noise: true, style: false };
  assert.ok(asPython(options, files, { takes }).includes('look = Look(seed=3, noise="per-class")\nlook = look.rerolled("road", 9)\nImage.fromarray(look.render(scene))'));
  assert.ok(asPython(options, files, { takes: { noise: false, style: true } }).includes('look = Look(style=np.asarray(Image.open("style.png").convert("RGB")))'));
  assert.ok(asClient("http://a", options, files).includes('client.synthesise("labels.png", style="style.png", model="m", seed=3'));
  assert.ok(asCurl("http://a", { ...options, model: "it's" }, files).includes("-F style=@style.png \\\n  -F options='{\"model\":\"it'\\''s\""));
});
