/** Small helpers to build a page. */

/** An element: `make("button", { class: "icon", title: "Undo", onclick }, child, "text")`. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && !["list", "form"].includes(key)) element[key] = value;
    else element.setAttribute(key === "class" ? "class" : key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function byId(id) { return document.getElementById(id); }

/** An icon of the sheet in index.html. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A button with an icon only. */
export function iconButton(name, title, onclick, properties = {}) {
  return make("button", { class: "icon", title, "aria-label": title, onclick, ...properties }, icon(name));
}

/** One of several: `choices` {value: title}. */
export function segments(label, choices, chosen, choose) {
  const buttons = Object.entries(choices).map(([value, title]) => make("button", {
    role: "radio", "aria-checked": String(value === chosen), tabIndex: value === chosen ? 0 : -1,
    onclick: () => choose(value), "data-value": value,
  }, title));
  const group = make("div", { class: "segments", role: "radiogroup", "aria-label": label }, ...buttons);
  roving(group, "[role=radio]");
  return group;
}

/** Arrow keys go from one element of a group to the next. */
export function roving(group, selector) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...group.querySelectorAll(selector)].filter((one) => !one.disabled && one.offsetParent);
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const next = all[(at + step + all.length) % all.length];
    next.focus();
    if (next.getAttribute("role") === "radio") next.click();
    event.preventDefault();
    event.stopPropagation();
  });
}

/** A picture of a class for a swatch: its colour and its pattern, as a CSS background. */
export function swatchStyle(space, id, patterns) {
  const [red, green, blue] = space.colourOf(id);
  if (!patterns) return `background: rgb(${red}, ${green}, ${blue})`;
  const key = `${red},${green},${blue},${space.byId.get(id)?.pattern}`;
  if (!swatches.has(key)) {
    const { plain, shaded } = space.tables();
    const image = new ImageData(8, 8), pixels = new Uint32Array(image.data.buffer);
    for (let place = 0; place < 64; place++) {
      pixels[place] = space.shaded(id, place % 8, place >> 3) ? shaded[id] : plain[id];
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 8;
    canvas.getContext("2d").putImageData(image, 0, 0);
    swatches.set(key, canvas.toDataURL());
  }
  return `background: url(${swatches.get(key)}) 0 0 / 16px 16px`;
}
const swatches = new Map();

/** Let the person keep a file. */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Let the person choose a file; `accept` as in HTML. Resolves to a File, or null. */
export function chooseFile(accept) {
  return new Promise((resolve) => {
    const input = make("input", { type: "file", accept, id: "chooser", class: "unseen" });
    input.addEventListener("change", () => { resolve(input.files[0] ?? null); input.remove(); });
    input.addEventListener("cancel", () => { resolve(null); input.remove(); });
    document.body.append(input);
    input.click();
  });
}
