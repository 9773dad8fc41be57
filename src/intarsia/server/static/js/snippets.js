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

/** Python with the library, no server needed. */
export function asPython(options, files, { takes }) {
  const lines = ["from PIL import Image", "", "from intarsia import Synthesiser", ""];
  const styled = takes.style && files.style;
  if (styled) lines.splice(0, 1, "import numpy as np", "from PIL import Image");
  lines.push(`synthesiser = Synthesiser.from_pretrained(${JSON.stringify(options.model)})`);
  lines.push(`scene = synthesiser.open("${files.labels}"${files.instances ? `, "${files.instances}"` : ""})`);
  const given = [`seed=${options.seed}`];
  if (styled) given.splice(0, 1, `style=np.asarray(Image.open("${files.style}").convert("RGB"))`);
  if (takes.noise && options.noise !== "global") given.push(`noise=${JSON.stringify(options.noise)}`);
  if (takes.noise) {
    for (const { class: name, instance, seed } of options.rerolls ?? []) {
      if (name !== undefined || instance !== undefined) lines.push(`scene = scene.reroll(${JSON.stringify(name ?? instance)}, seed=${seed})`);
    }
  }
  lines.push(`Image.fromarray(scene.render(${given.join(", ")})).save("photo.png")`);
  return lines.join("\n") + "\n";
}
