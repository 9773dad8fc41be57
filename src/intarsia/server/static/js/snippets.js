/** The photo on the screen as a program: what to type to get it without the studio. */

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** curl against this server; files as the studio saves them. */
export function asCurl(origin, options, files) {
  const fields = Object.entries(files).map(([field, file]) => `  -F ${field}=@${file} \\\n`).join("");
  return `curl --fail ${origin}/v1/synthesise \\\n${fields}  -F options=${quoted(JSON.stringify(options))} \\\n  --output photo.${options.format ?? "png"}\n`;
}

/** Python through this server. */
export function asClient(origin, { model, ...options }, files) {
  const given = Object.entries(files).map(([field, file]) => (field === "labels" ? `"${file}"` : `${field}="${file}"`));
  given.push(...Object.entries({ model, ...options }).map(([name, value]) => `${name}=${literal(value)}`));
  return [
    "from PIL import Image", "", "from intarsia.client import Client", "", `with Client("${origin}") as client:`,
    `    photo = client.synthesise(${given.join(", ")})`, 'Image.fromarray(photo).save("photo.png")', "",
  ].join("\n");
}

/** A value of JSON as Python writes it. */
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${literal(one)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** Python with the library, no server needed. What it cannot say in a few lines, it names. */
export function asPython(options, files, { takes }) {
  const styled = takes.style && files.style, rerolls = options.rerolls ?? [];
  const boxed = rerolls.some(({ box }) => box), free = rerolls.some(({ mask }) => mask);
  const given = [styled ? `style=np.asarray(Image.open("${files.style}").convert("RGB"))` : `seed=${options.seed}`];
  if (takes.noise && options.noise !== "global") given.push(`noise=${JSON.stringify(options.noise)}`);
  return [
    ...(free || files.style2 || options.styles ? ["# Regions of free shape, blends and styles of objects are left out here; the server's client has them.", ""] : []),
    ...(styled || boxed ? ["import numpy as np"] : []),
    "from PIL import Image", "", "from intarsia import Synthesiser", "from intarsia.editing.looks import Look", "",
    `synthesiser = Synthesiser.from_pretrained(${JSON.stringify(options.model)})`,
    `scene = synthesiser.open("${files.labels}"${files.instances ? `, "${files.instances}"` : ""})`,
    `look = Look(${given.join(", ")})`,
    ...rerolls.flatMap(rerolledLines),
    'Image.fromarray(look.render(scene)).save("photo.png")', "",
  ].join("\n");
}

function rerolledLines({ class: name, instance, box, seed }) {
  if (!box) return name === undefined && instance === undefined ? [] : [`look = look.rerolled(${JSON.stringify(name ?? instance)}, ${seed})`];
  const [top, left, height, width] = box;
  return ["region = np.zeros(scene.size, bool)", `region[${top}:${top + height}, ${left}:${left + width}] = True`, `look = look.rerolled(region, ${seed})`];
}
