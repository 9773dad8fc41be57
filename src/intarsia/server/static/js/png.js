import { crc32, deflate, inflate, joined } from "./deflate.js";

/**
 * PNG files, sample by sample: a canvas would manage colours and mix alpha, and ids would not come back as they went.
 *
 * Written: 8-bit palette, 8- and 16-bit grey, 8-bit RGB. Read: every kind of the standard (W3C PNG, second edition).
 */

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6;
const CHANNELS = { [GREY]: 1, [RGB]: 3, [PALETTE]: 1, [GREY_ALPHA]: 2, [RGBA]: 4 };
const DEPTHS = { [GREY]: [1, 2, 4, 8, 16], [RGB]: [8, 16], [PALETTE]: [1, 2, 4, 8], [GREY_ALPHA]: [8, 16], [RGBA]: [8, 16] };
const UP = 2;
/** Larger pictures are refused before they are unpacked. */
export const MOST_PIXELS = 4096 * 4096;

/**
 * A label map: palette PNG if all ids are below 256, else 16-bit grey. `colourOf(id)` gives [red, green, blue].
 */
export function encodeIndex(width, height, ids, colourOf) {
  if (ids.some((id) => id > 255)) return encodeGrey16(width, height, ids);
  const colours = new Uint8Array(256 * 3);
  for (let id = 0; id < 256; id++) colours.set(colourOf(id), 3 * id);
  return encode(width, height, 8, PALETTE, Uint8Array.from(ids), width, [["PLTE", colours]]);
}

/** An object map, or ids beyond 255: 16-bit grey. */
export function encodeGrey16(width, height, values) {
  const bytes = new Uint8Array(2 * values.length);
  values.forEach((value, place) => { bytes[2 * place] = value >> 8; bytes[2 * place + 1] = value & 255; });
  return encode(width, height, 16, GREY, bytes, 2 * width);
}

/** A mask or other 8-bit picture of one channel. */
export function encodeGrey8(width, height, values) {
  return encode(width, height, 8, GREY, values, width);
}

/** Colours, three bytes a pixel. */
export function encodeRgb(width, height, bytes) {
  return encode(width, height, 8, RGB, bytes, 3 * width);
}

async function encode(width, height, depth, kind, bytes, stride, chunks = []) {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, kind], 8);
  // Rows of a label map resemble the row above: the filter Up leaves zeros.
  const rows = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (stride + 1), from = y * stride;
    rows[to] = UP;
    for (let i = 0; i < stride; i++) rows[to + 1 + i] = bytes[from + i] - (y ? bytes[from + i - stride] : 0);
  }
  const parts = [["IHDR", header], ...chunks, ["IDAT", await deflate(rows, "deflate")], ["IEND", new Uint8Array(0)]];
  return joined([SIGNATURE, ...parts.map(([name, data]) => chunk(name, data))]);
}

function chunk(name, data) {
  const whole = new Uint8Array(data.length + 12), view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(new TextEncoder().encode(name), 4);
  whole.set(data, 8);
  view.setUint32(data.length + 8, crc32(whole.subarray(4, data.length + 8)));
  return whole;
}

/**
 * Read a PNG.
 *
 * Returns {width, height, depth, channels, palette, samples}: `samples` Uint16Array, row by row, `channels` a pixel,
 * as they are in the file (palette pictures: indices); `palette` is a Uint8Array of RGB or null.
 *
 * Throws an Error in one line that begins with `source`.
 */
export async function decode(bytes, source = "the file") {
  try {
    return await decodeChecked(bytes);
  } catch (error) {
    throw new Error(`${source} is no PNG that can be read: ${error.message}`);
  }
}

async function decodeChecked(bytes) {
  if (!SIGNATURE.every((byte, place) => bytes[place] === byte)) throw new Error("it does not begin like one.");
  const chunks = readChunks(bytes);
  const header = chunks.find(({ name }) => name === "IHDR")?.data;
  if (header?.length !== 13) throw new Error("it has no header.");
  const view = new DataView(header.buffer, header.byteOffset);
  const width = view.getUint32(0), height = view.getUint32(4);
  const [depth, kind, , , interlaced] = header.subarray(8);
  if (!width || !height) throw new Error("it has no pixels.");
  if (width * height > MOST_PIXELS) throw new Error(`it has ${width} x ${height} pixels; at most 4096 x 4096 are taken.`);
  if (!DEPTHS[kind]?.includes(depth)) throw new Error(`kind ${kind} with ${depth} bits does not exist.`);
  const channels = CHANNELS[kind];
  const passes = interlaced ? adam7(width, height) : [{ x: 0, y: 0, dx: 1, dy: 1, width, height }];
  const stride = (pass) => Math.ceil(pass.width * channels * depth / 8);
  const length = passes.reduce((sum, pass) => sum + pass.height * (stride(pass) + 1), 0);
  const packed = joined(chunks.filter(({ name }) => name === "IDAT").map(({ data }) => data));
  const rows = await inflate(packed, "deflate", length).catch(() => { throw new Error("its pixels are damaged."); });
  if (rows.length !== length) throw new Error("its pixels end early.");
  const samples = new Uint16Array(width * height * channels);
  let at = 0;
  for (const pass of passes) {
    unfilter(rows.subarray(at, at += pass.height * (stride(pass) + 1)), stride(pass), pass.height, Math.ceil(channels * depth / 8));
    scatter(rows.subarray(at - pass.height * (stride(pass) + 1), at), stride(pass), pass, { width, channels, depth, samples });
  }
  const palette = kind === PALETTE ? chunks.find(({ name }) => name === "PLTE")?.data ?? null : null;
  return { width, height, depth, channels, palette, samples };
}

function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), chunks = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at), end = at + 8 + length;
    if (end + 4 > bytes.length) throw new Error("it ends early.");
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw new Error(`its part ${name} is damaged.`);
    chunks.push({ name, data: bytes.subarray(at + 8, end) });
    if (name === "IEND") break;
    at = end + 4;
  }
  return chunks;
}

/** The seven passes of an interlaced picture that have pixels. */
function adam7(width, height) {
  const grid = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
  return grid
    .map(([x, y, dx, dy]) => ({ x, y, dx, dy, width: Math.ceil((width - x) / dx), height: Math.ceil((height - y) / dy) }))
    .filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Undo the filters of rows in place; `back` is how many bytes before lies the same sample of the pixel before. */
function unfilter(rows, stride, height, back) {
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1) + 1, filter = rows[at - 1], above = at - stride - 1;
    for (let i = 0; i < stride; i++) {
      const left = i >= back ? rows[at + i - back] : 0;
      const up = y ? rows[above + i] : 0;
      const corner = y && i >= back ? rows[above + i - back] : 0;
      if (filter === 1) rows[at + i] += left;
      else if (filter === 2) rows[at + i] += up;
      else if (filter === 3) rows[at + i] += (left + up) >> 1;
      else if (filter === 4) rows[at + i] += paeth(left, up, corner);
      else if (filter !== 0) throw new Error(`filter ${filter} does not exist.`);
    }
  }
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const a = Math.abs(guess - left), b = Math.abs(guess - up), c = Math.abs(guess - corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Put the samples of a pass where they belong. */
function scatter(rows, stride, pass, { width, channels, depth, samples }) {
  for (let y = 0; y < pass.height; y++) {
    const row = y * (stride + 1) + 1;
    for (let i = 0; i < pass.width * channels; i++) {
      const x = Math.floor(i / channels);
      const to = ((pass.y + y * pass.dy) * width + pass.x + x * pass.dx) * channels + (i % channels);
      samples[to] = depth === 16 ? (rows[row + 2 * i] << 8) | rows[row + 2 * i + 1]
        : depth === 8 ? rows[row + i]
        : (rows[row + ((i * depth) >> 3)] >> (8 - depth - ((i * depth) & 7))) & ((1 << depth) - 1);
    }
  }
}
