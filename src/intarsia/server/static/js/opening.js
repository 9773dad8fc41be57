import * as png from "./png.js";

/** What a file is and what it holds, whatever its name says. */

/**
 * Look into a file: {kind: "project" | "labels" | "instances" | "photo", ...}.
 *
 * Label maps come as index, palette or colour PNG. A PNG of one channel is a label map, unless it has 16 bits, the size of
 * the map on the desk, and ids of which the label space does not know most: then it is an instance map.
 */
export async function recognise(file, { space, map }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return { kind: "project", bytes };
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50) return { kind: "photo" };
  const picture = await png.decode(bytes, file.name);
  const { width, height, depth, channels, samples } = picture;
  if (channels === 1) {
    const sameSize = width === map.width && height === map.height;
    const instances = depth === 16 && sameSize && 2 * space.unknownIn(samples).length > new Set(samples).size;
    return { kind: instances ? "instances" : "labels", width, height, [instances ? "instances" : "labels"]: samples };
  }
  const labels = depth === 8 && channels >= 3 ? fromColours(picture, space) : null;
  return labels ? { kind: "labels", width, height, labels } : { kind: "photo" };
}

/** Ids of a picture in the colours of a label space, or null if it has others. */
export function fromColours({ channels, samples }, space) {
  const ids = space.idOfColour(), labels = new Uint16Array(samples.length / channels);
  for (let place = 0; place < labels.length; place++) {
    const at = place * channels, id = ids.get((samples[at] << 16) | (samples[at + 1] << 8) | samples[at + 2]);
    if (id === undefined) return null;
    labels[place] = id;
  }
  return labels;
}

/** A photo as a PNG whose longer side is at most `most`; {blob, bitmap, width, height}. */
export async function scaledPhoto(blob, most) {
  const whole = await createImageBitmap(blob).catch(() => { throw new Error("the file is no picture that the browser can read. Give a PNG, JPEG or WebP."); });
  const scale = Math.min(1, most / Math.max(whole.width, whole.height));
  return exactPhoto(whole, Math.max(1, Math.round(whole.width * scale)), Math.max(1, Math.round(whole.height * scale)));
}

/** A bitmap as a PNG of one size. */
export async function exactPhoto(bitmap, width, height) {
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  return { blob, bitmap: await createImageBitmap(canvas), width, height };
}

/** A style photo needs no more than this. */
export async function stylePhoto(blob) {
  return (await scaledPhoto(blob, 512)).blob;
}

/** Files that were dropped or pasted. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}
