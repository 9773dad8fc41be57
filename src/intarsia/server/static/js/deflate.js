/** zlib streams by the browser's own code. `format` is "deflate" (zlib, as in PNG) or "deflate-raw" (as in ZIP). */

/** Bytes packed. */
export function deflate(bytes, format) {
  return through(bytes, new CompressionStream(format));
}

/**
 * Bytes unpacked, at most `most` of them: a small file must not blow up the page.
 *
 * Throws an Error if the stream is damaged or holds more.
 */
export function inflate(bytes, format, most) {
  return through(bytes, new DecompressionStream(format), most);
}

async function through(bytes, stream, most = Infinity) {
  const writer = stream.writable.getWriter();
  const written = Promise.all([writer.write(bytes), writer.close()]).catch(() => {}); // the reader gets the same error
  const pieces = [];
  let length = 0;
  const reader = stream.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new Error(`the file unpacks to more than ${most} bytes, which it should not. It is damaged.`);
    }
    pieces.push(value);
  }
  await written;
  return joined(pieces, length);
}

/** Pieces of bytes as one Uint8Array. */
export function joined(pieces, length = pieces.reduce((sum, piece) => sum + piece.length, 0)) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) { whole.set(piece, at); at += piece.length; }
  return whole;
}

const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The CRC-32 of PNG chunks and ZIP entries. */
export function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
