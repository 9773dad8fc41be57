import { crc32, inflate, joined } from "./deflate.js";

/** ZIP files: written stored (what goes in is packed already), read stored or deflated. No ZIP64, no encryption. */

const LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50;
const UTF8 = 0x0800, NEW_YEAR_1980 = 0x0021; // no clock: the same project makes the same file
const MOST_BYTES = 256 * 1024 * 1024;

/** {name: Uint8Array} as one file. */
export function writeZip(files) {
  const local = [], central = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const path = new TextEncoder().encode(name);
    const common = [[2, 20], [2, UTF8], [2, 0], [2, 0], [2, NEW_YEAR_1980], [4, crc32(bytes)], [4, bytes.length],
                    [4, bytes.length], [2, path.length], [2, 0]];
    local.push(fields([[4, LOCAL], ...common]), path, bytes);
    central.push(fields([[4, CENTRAL], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), path);
    at += 30 + path.length + bytes.length;
  }
  const directory = joined(central), count = Object.keys(files).length;
  return joined([...local, directory,
                 fields([[4, END], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, at], [2, 0]])]);
}

function fields(values) {
  const bytes = new Uint8Array(values.reduce((sum, [size]) => sum + size, 0)), view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of values) {
    if (size === 2) view.setUint16(at, value, true); else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

/**
 * The files of a ZIP as {name: Uint8Array}.
 *
 * Throws an Error in one line that begins with `source`.
 */
export async function readZip(bytes, source = "the file") {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error(`${source} is no ZIP file. Choose a project that the studio saved.`);
  const files = {};
  let at = view.getUint32(end + 16, true), total = 0;
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL) throw new Error(`${source} has a damaged list of files.`);
    const [method, sum] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
    const [packed, length] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    total += length;
    if (total > MOST_BYTES) throw new Error(`${source} unpacks to more than 256 MiB, which no project does.`);
    const offset = view.getUint32(at + 42, true);
    if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL) throw new Error(`${name} in ${source} is damaged.`);
    const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
    const data = bytes.subarray(start, start + packed);
    if (method !== 0 && method !== 8) throw new Error(`${name} in ${source} is packed by method ${method}; 0 and 8 are read.`);
    const whole = method === 8 ? await inflate(data, "deflate-raw", length).catch(() => new Uint8Array(0)) : data;
    if (whole.length !== length || crc32(whole) !== sum) throw new Error(`${name} in ${source} is damaged.`);
    files[name] = whole;
    at += 46 + nameLength + extra + comment;
  }
  return files;
}
