import * as png from "./png.js";

/**
 * A project as files: all that a person made, the seed, and the weights that it was made with.
 *
 *   project.json                what follows, in words: {format, version, name, model, hash, look, ...}
 *   labels.png, instances.png   what is painted; 16-bit where ids need it
 *   photo.png                   the last photo
 *   source.png, source-labels.png, source-instances.png   a real photo under edit, and its label map before
 *   style-N.png                 style photos: those that the look takes first, then others that a person added
 *
 * The library reads and writes the same (intarsia.editing.project).
 */
const FORMAT = "intarsia-project", VERSION = 1;

/** The studio's state as {name: Uint8Array}. `styles` are {name, blob}, `photo` is a Blob or null. */
export async function pack(studio, { styles, photo }) {
  const { map, space, model, source } = studio, { width, height } = map;
  const { look, kept } = withStyles(studio.look, styles);
  const index = (labels) => png.encodeIndex(width, height, labels, (id) => space.colourOf(id));
  const about = {
    format: FORMAT, version: VERSION, name: studio.name, model: model?.name ?? null, hash: model?.hash ?? null,
    label_space: model?.label_space ?? null, size: [height, width], background: space.background, look,
    styles: kept.map(({ name, preset = null }) => ({ name, preset })),
  };
  const files = {
    "project.json": new TextEncoder().encode(JSON.stringify(about, null, 1)),
    "labels.png": await index(map.labels),
  };
  if (map.hasInstances) files["instances.png"] = await png.encodeGrey16(width, height, map.instances);
  if (photo) files["photo.png"] = await bytesOf(photo);
  if (source) {
    files["source.png"] = await bytesOf(source.blob);
    files["source-labels.png"] = await index(source.labels);
    if (source.instances?.some((number) => number > 0)) files["source-instances.png"] = await png.encodeGrey16(width, height, source.instances);
  }
  for (const [number, { blob }] of kept.entries()) files[`style-${number + 1}.png`] = await bytesOf(blob);
  return files;
}

/** The styles that are worth keeping, and the look with their new numbers. */
function withStyles(look, styles) {
  const { style } = look;
  const used = style.kind === "image" ? [style.one, style.other].filter((number) => number != null) : [];
  const others = [...styles.keys()].filter((number) => !styles[number].preset && !used.includes(number));
  const kept = [...used, ...others].map((number) => styles[number]);
  return { kept, look: used.length ? { ...look, style: { ...style, one: 0, other: used.length > 1 ? 1 : null } } : look };
}

/**
 * What files of a project hold: {about, map: {width, height, labels, instances}, photo, source, styles}.
 *
 * Throws an Error in one line if they are no project.
 */
export async function unpack(files, name) {
  const about = parse(files["project.json"]);
  if (about?.format !== FORMAT || !files["labels.png"]) throw new Error(`${name} holds no project of the studio. Choose a ZIP file that the studio saved.`);
  if (about.version > VERSION) throw new Error(`${name} was saved by a newer studio. Update Intarsia.`);
  const map = await readMap(files, "labels.png", "instances.png", name);
  const blob = (file) => (files[file] ? new Blob([files[file]], { type: "image/png" }) : null);
  let source = null;
  if (files["source.png"] && files["source-labels.png"]) {
    source = { blob: blob("source.png"), ...(await readMap(files, "source-labels.png", "source-instances.png", name)) };
  }
  const styles = (about.styles ?? []).map((style, number) => ({ ...style, blob: blob(`style-${number + 1}.png`) })).filter((style) => style.blob);
  return { about, map, source, styles, photo: blob("photo.png") };
}

async function readMap(files, labelFile, instanceFile, name) {
  const labels = await png.decode(files[labelFile], `${labelFile} in ${name}`);
  if (labels.channels !== 1) throw new Error(`${labelFile} in ${name} is no index PNG.`);
  const { width, height, samples } = labels;
  if (!files[instanceFile]) return { width, height, labels: samples, instances: null };
  const instances = await png.decode(files[instanceFile], `${instanceFile} in ${name}`);
  if (instances.channels !== 1 || instances.width !== width || instances.height !== height) {
    throw new Error(`${instanceFile} in ${name} is not of the label map's size.`);
  }
  return { width, height, labels: samples, instances: instances.samples };
}

function parse(bytes) {
  try { return JSON.parse(new TextDecoder().decode(bytes)); } catch { return null; }
}

export async function bytesOf(blob) { return new Uint8Array(await blob.arrayBuffer()); }
