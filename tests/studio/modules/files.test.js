import assert from "node:assert/strict";
import { test } from "node:test";
import * as png from "../../../src/intarsia/server/static/js/png.js";
import { readZip, writeZip } from "../../../src/intarsia/server/static/js/zip.js";
import { random } from "./help.js";

const next = random(8);
const values = (count, most) => Uint16Array.from({ length: count }, () => Math.floor(next() * most));

test("8-bit maps come back as they went, with their palette", async () => {
  const ids = values(13 * 7, 256);
  const back = await png.decode(await png.encodeIndex(13, 7, ids, (id) => [id, 255 - id, 7]));
  assert.deepEqual([back.width, back.height, back.depth, back.channels], [13, 7, 8, 1]);
  assert.deepEqual(back.samples, ids);
  assert.deepEqual([...back.palette.slice(9, 12)], [3, 252, 7]);
});

test("ids beyond 255 and object numbers come back as they went", async () => {
  const ids = values(31 * 5, 65536);
  ids[3] = 65535;
  for (const file of [await png.encodeIndex(31, 5, ids, () => [0, 0, 0]), await png.encodeGrey16(31, 5, ids)]) {
    const back = await png.decode(file);
    assert.equal(back.depth, 16);
    assert.deepEqual(back.samples, ids);
  }
});

test("colours come back as they went", async () => {
  const bytes = Uint8Array.from(values(3 * 20, 256));
  assert.deepEqual(Uint8Array.from((await png.decode(await png.encodeRgb(5, 4, bytes))).samples), bytes);
});

test("what is no PNG, or a damaged one, is refused in one line", async () => {
  const file = await png.encodeGrey8(40, 40, Uint8Array.from(values(1600, 256)));
  const refused = (bytes, message) => assert.rejects(() => png.decode(bytes, "map.png"), { message });
  await refused(new TextEncoder().encode("JFIF"), "map.png is no PNG that can be read: it does not begin like one.");
  await refused(file.slice(0, 100), "map.png is no PNG that can be read: it ends early.");
  const flipped = file.slice();
  flipped[200] ^= 1;
  await refused(flipped, "map.png is no PNG that can be read: its part IDAT is damaged.");
});

test("a huge picture is refused before it is unpacked", async () => {
  const file = await png.encodeGrey8(1, 1, Uint8Array.of(0));
  const { crc32 } = await import("../../../src/intarsia/server/static/js/deflate.js");
  const view = new DataView(file.buffer);
  view.setUint32(16, 60000);
  view.setUint32(20, 60000);
  view.setUint32(29, crc32(file.subarray(12, 29)));
  await assert.rejects(() => png.decode(file, "bomb.png"), {
    message: "bomb.png is no PNG that can be read: it has 60000 x 60000 pixels; at most 4096 x 4096 are taken.",
  });
});

test("a ZIP comes back as it went, and the same files make the same bytes", async () => {
  const files = { "project.json": new TextEncoder().encode('{"a": 1}'), "maps/übung.png": Uint8Array.from(values(999, 256)), empty: new Uint8Array(0) };
  assert.deepEqual(await readZip(writeZip(files)), files);
  assert.deepEqual(writeZip(files), writeZip(files));
});

test("a damaged ZIP is refused in one line", async () => {
  const zip = writeZip({ "labels.png": Uint8Array.from(values(99, 256)) });
  const flipped = zip.slice();
  flipped[60] ^= 1;
  await assert.rejects(() => readZip(flipped, "a.zip"), { message: "labels.png in a.zip is damaged." });
  await assert.rejects(() => readZip(zip.slice(0, 60), "a.zip"), { message: "a.zip is no ZIP file. Choose a project that the studio saved." });
});
