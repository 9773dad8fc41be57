import { openDialog } from "./dialog.js";
import { make } from "./dom.js";

/** The dialogs that ask for something; each resolves to the answer, or to null if it was closed. */

/** Size and class of a new map: {width, height, label}. */
export function askNewMap(studio) {
  const { map, space, model } = studio;
  return asked((answer) => {
    const width = number(map.width), height = number(map.height), label = classSelect(space, space.background);
    const sizes = [[model.size[1], model.size[0]], [256, 256], [512, 256], [512, 512], [1024, 512]];
    return {
      title: "New map", size: "narrow",
      body: [
        make("div", { class: "row" }, ...[...new Map(sizes.map((size) => [String(size), size])).values()].map(([w, h]) => make("button", {
          class: "button small", onclick: () => { width.value = w; height.value = h; },
        }, `${w} × ${h}`))),
        field("Width", width), field("Height", height), field("Filled with", label),
      ],
      buttons: [{ title: "Cancel" }, { title: "Make", strong: true, run: () => {
        const [w, h] = [width, height].map((input) => Math.round(Number(input.value)));
        if (!(w >= 8 && h >= 8 && w <= 4096 && h <= 4096)) return false;
        return answer({ width: w, height: h, label: Number(label.value) });
      } }],
    };
  });
}

/** Which class becomes which: {from, to}. */
export function askReplace(studio) {
  const { space, pen, before, selection } = studio;
  return asked((answer) => {
    const from = classSelect(space, before), to = classSelect(space, pen.label);
    return {
      title: "Replace a class", size: "narrow",
      body: [field("Replace", from), field("by", to), make("p", { class: "note" }, selection ? "in the selection" : "in the whole map")],
      buttons: [{ title: "Cancel" }, { title: "Replace", strong: true, run: () => answer({ from: Number(from.value), to: Number(to.value) }) }],
    };
  });
}

/**
 * What ids become: a table that says it and lets it be changed. `rows` are {id, name, rgb, count, target, how}; resolves
 * to a Map from id to id.
 */
export function askMapping({ title, note, rows, space, action }) {
  return asked((answer) => {
    const selects = rows.map(({ id, target, name }) => {
      const select = classSelect(space, target ?? space.background);
      select.setAttribute("aria-label", `${name ?? id} becomes`);
      select.dataset.id = id;
      return select;
    });
    return {
      title, size: "mapping",
      body: [
        make("p", { class: "note" }, note),
        make("table", {}, make("thead", {}, make("tr", {}, ...["On the map", "Becomes", "Because of", "Share"].map((text) => make("th", {}, text)))),
          make("tbody", {}, ...rows.map(({ name, rgb, share, how }, at) => make("tr", {},
            make("td", {}, make("span", { class: "swatch", style: rgb ? `background: rgb(${rgb})` : "background: #f0f" }), name),
            make("td", {}, selects[at]),
            make("td", { class: how === "none" ? "note bad" : "note" }, HOW[how]),
            make("td", { class: "note" }, share))))),
      ],
      buttons: [{ title: "Cancel" }, { title: action, strong: true, run: () => answer(new Map(selects.map((select) => [Number(select.dataset.id), Number(select.value)]))) }],
    };
  });
}
const HOW = { same: "the same name", alike: "a name alike", group: "the same group", none: "nothing near", unknown: "an unknown id" };

/** A starter scene: an entry of GET /v1/scenes; `bytes(path)` fetches its picture. */
export function askScene(scenes, space, bytes) {
  const spaces = [space, ...new Set(scenes.map((scene) => scene.label_space))].filter((name, at, all) => all.indexOf(name) === at);
  return asked((answer, close) => ({
    title: "Starter scenes", size: "wide gallery-dialog",
    body: spaces.flatMap((name) => {
      const members = scenes.filter((scene) => scene.label_space === name);
      return members.length ? [make("h2", {}, name), make("div", { class: "gallery" }, ...members.map((scene) => make("button", {
        onclick: () => { answer(scene); close(); },
      }, picture(bytes(scene.labels)), make("span", {}, titleOf(scene.name)))))] : [];
    }),
  }));
}

/** An image that appears when its bytes are there. */
function picture(bytes) {
  const image = make("img", { alt: "" });
  bytes.then((file) => {
    const url = URL.createObjectURL(new Blob([file], { type: "image/png" }));
    image.onload = () => URL.revokeObjectURL(url);
    image.src = url;
  }).catch(() => { image.alt = "cannot be fetched"; });
  return image;
}

function titleOf(name) { return name.replace(/^\d+-/, "").replaceAll("-", " "); }

/** How a photo is to be taken in: {side, labels: "segment" | "map" | "file" }. */
export function askPhoto({ name, width, height, url, segmenter, sameSize }) {
  return asked((answer) => {
    const longest = Math.max(width, height), side = number(Math.min(longest, 512));
    const from = make("select", {},
      make("option", { value: "segment", disabled: !segmenter }, segmenter ? `found by ${segmenter}` : "found by a segmenter (there is none for this model)"),
      make("option", { value: "file" }, "its label map, from a file"),
      make("option", { value: "map", selected: !segmenter }, sameSize ? "what is on the desk" : "what is on the desk (scaled photo)"));
    return {
      title: "Edit a photo", size: "narrow",
      body: [
        make("img", { src: url, alt: name, style: "max-width: 100%; max-height: 14rem; object-fit: contain; border-radius: 0.6rem" }),
        make("p", { class: "note" }, `${name}, ${width} × ${height}. Only what you change in the label map is made anew; all else stays as it is.`),
        field("Longer side", side), field("Label map", from),
      ],
      buttons: [
        { title: "Cancel" },
        { title: "Use as style", run: () => answer({ as: "style" }) },
        { title: "Edit", strong: true, run: () => answer({ as: "source", side: Math.min(2048, Math.max(32, Math.round(Number(side.value)) || longest)), labels: from.value }) },
      ],
    };
  });
}

/** Projects that the server keeps: {open} or {save} or {remove} with a name. */
export function askProject(projects, name) {
  return asked((answer, close) => {
    const input = make("input", { type: "text", value: name, maxLength: 80, "aria-label": "Name" });
    return {
      title: "Projects on the server",
      body: [
        projects.length ? make("table", {}, make("tbody", {}, ...projects.map((project) => make("tr", {},
          make("td", {}, project.name),
          make("td", { class: "note" }, `${Math.ceil(project.bytes / 1024)} KiB, ${new Date(project.modified * 1000).toLocaleString()}`),
          make("td", { style: "text-align: right" },
            make("button", { class: "button small", onclick: () => { answer({ open: project.name }); close(); } }, "Open"), " ",
            make("button", { class: "button small", onclick: () => { answer({ remove: project.name }); close(); } }, "Delete")))))) : make("p", { class: "note" }, "There are none yet."),
        field("Save as", input),
      ],
      buttons: [{ title: "Close" }, { title: "Save", strong: true, run: () => answer({ save: input.value.trim() }) }],
    };
  });
}

/** A word that the server wants from whoever uses it. */
export function askToken() {
  return asked((answer) => {
    const input = make("input", { type: "password", autocomplete: "off", "aria-label": "Token" });
    return {
      title: "This server wants a token", size: "narrow",
      body: [make("p", { class: "note" }, "Whoever started it set one in INTARSIA_TOKEN."), field("Token", input)],
      buttons: [{ title: "Go on", strong: true, run: () => answer(input.value) }],
    };
  });
}

/** Programs that make the photo on the screen: {title: text}. */
export function showSnippets(texts) {
  const block = make("pre", { tabIndex: 0 });
  const copied = make("span", { class: "note", role: "status" });
  let chosen = Object.keys(texts)[0];
  const row = make("div", { class: "segments", role: "group", "aria-label": "Language" });
  const choose = (title) => {
    chosen = title;
    block.textContent = texts[title];
    copied.textContent = "";
    for (const button of row.children) button.setAttribute("aria-checked", String(button.textContent === title));
  };
  row.append(...Object.keys(texts).map((title) => make("button", { role: "radio", onclick: () => choose(title) }, title)));
  choose(chosen);
  openDialog({
    title: "Copy as a program", size: "snippets",
    body: [row, block, make("p", { class: "note" }, "The files named there are those of “Save the label map”, “Save the objects” and your style photo."), copied],
    buttons: [{ title: "Close" }, { title: "Copy", strong: true, run: async () => {
      await navigator.clipboard.writeText(texts[chosen]);
      copied.textContent = "Copied.";
      return false;
    } }],
  });
}

function asked(describe) {
  return new Promise((resolve) => {
    let answer = null, dialog = null;
    dialog = openDialog(describe((value) => { answer = value; }, () => dialog.close()));
    dialog.addEventListener("close", () => resolve(answer));
  });
}

function field(label, input) {
  return make("label", { class: "row" }, make("span", { class: "label", style: "width: 6rem" }, label), Object.assign(input, { style: "flex: 1" }));
}

function number(value) { return make("input", { type: "number", min: 8, max: 4096, step: 1, value }); }

function classSelect(space, chosen) {
  return make("select", {}, ...space.classes.map(({ id, name }) => make("option", { value: id, selected: id === chosen }, name)));
}
