import { Api } from "./api.js";
import { Autosave } from "./autosave.js";
import { attachMenu } from "./dialog.js";
import * as dialogs from "./dialogs.js";
import { Display } from "./display.js";
import { byId, chooseFile, make, roving } from "./dom.js";
import { Files } from "./files.js";
import { listen, shortcuts, showSheet } from "./keyboard.js";
import { LabelSpace } from "./label_space.js";
import { Live } from "./live.js";
import * as opening from "./opening.js";
import { Palette } from "./palette.js";
import { PhotoPanel } from "./photo_panel.js";
import { Renderer } from "./renderer.js";
import { asClient, asCurl, asPython } from "./snippets.js";
import { Stage } from "./stage.js";
import { shareText } from "./share.js";
import { Status } from "./status.js";
import { Studio } from "./studio.js";
import { Styles } from "./styles.js";
import { showTools } from "./toolbar.js";
import { makeTools } from "./tools.js";
import { Variants } from "./variants.js";
import { MODES, View } from "./view.js";

/** The page: what a person works on (`studio`), how it is shown, and what the buttons do. */
export class App {
  constructor() {
    this.display = new Display();
    this.studio = new Studio();
    this.api = new Api(tokenOf(location.hash));
    this.styles = new Styles();
    this.view = new View(this.studio.map, { map: byId("pane-map"), photo: byId("pane-photo") });
    this.view.layer.dress(this.studio.space);
    this.status = new Status(this.studio, this.display);
    this.tools = makeTools(this.studio);
    this.stage = new Stage(this.studio, this.view, this.tools, this.status);
    this.palette = new Palette(this.studio, this.display);
    this.renderer = new Renderer(this.studio, this.styles, this.api);
    this.live = new Live({
      make: (signal) => this.renderer.render(signal),
      show: (result) => this.#showPhoto(result),
      tell: (state, text) => this.status.live(state, text),
      say: (text) => this.status.say(text),
    });
    this.variants = new Variants(this.studio, this.renderer, (text) => this.status.say(text));
    this.files = new Files(this);
    this.photo = null; // the last photo as a Blob
    this.panel = new PhotoPanel(this.studio, this.styles, this.#photoActions());
    this.autosave = new Autosave({
      snapshot: () => this.files.snapshot(),
      saved: (time) => this.#saved(time),
      failed: (error) => this.status.say(`your work is not kept in this browser (${error.message}). Save the project.`),
    });
    showTools(this.studio, { replaceClass: () => this.replaceClass(), rerollSelection: () => this.rerollSelection() });
  }

  /** Everything that listens to everything; then models, and the work of last time. */
  async start() {
    this.#listen();
    this.#menus();
    this.keys = shortcuts(this.studio, this.#keyActions());
    listen(this.keys, (text) => this.status.say(text));
    this.#dress();
    try {
      await this.#loadModels();
      await this.#begin();
    } catch (error) {
      this.status.say(error.message);
      this.status.live("wrong", "no server");
    }
    this.ready = true;
    document.documentElement.dataset.ready = "true";
  }

  async #loadModels() {
    try {
      this.studio.models = await this.api.models();
    } catch (error) {
      if (error.status !== 401) throw error;
      this.api.token = await dialogs.askToken();
      sessionStorage.setItem(TOKEN, this.api.token ?? "");
      return this.#loadModels();
    }
    byId("model").replaceChildren(...this.studio.models.map(({ name }) => make("option", { value: name }, name)));
  }

  /** The work of a tab that is gone, or else the first starter scene of the model. */
  async #begin() {
    const { studio } = this;
    const wanted = new URLSearchParams(location.search).get("model");
    const model = studio.models.find(({ name }) => name === wanted) ?? studio.models.find((one) => one.default) ?? studio.models[0];
    const kept = await this.autosave.recover().catch(() => null);
    if (kept) {
      await this.files.restore(kept, model);
      this.status.say("Your last work is here again.", false);
      return;
    }
    studio.setModel(model);
    studio.history.forget();
    const scene = (await this.api.scenes()).find((one) => one.label_space === model.label_space);
    if (scene) await this.files.openScene(scene, { fresh: true });
    else studio.begin({ width: model.size[1], height: model.size[0], labels: new Uint16Array(model.size[0] * model.size[1]).fill(studio.space.background) });
    this.view.fit();
  }

  // ---- what follows what

  #listen() {
    const { studio, view, live } = this;
    studio.on("painting", () => { view.paint(); live.changing(); });
    studio.on("map", () => {
      view.paint();
      this.#history();
      this.status.show();
      live.changed();
      this.autosave.soon();
      this.panel.soon();
    });
    studio.on("look", () => { live.changed(); this.autosave.soon(); });
    studio.on("selection", () => view.setSelection(studio.selection));
    studio.on("source", () => { live.changed(); this.autosave.soon(); });
    studio.on("model", () => {
      byId("model").value = studio.model.name;
      this.styles.preset(studio.model.takes.style ? studio.model.label_space : "").catch((error) => this.status.say(error.message));
      this.#dress();
    });
    this.display.onChange(() => this.#dress());
    studio.on("pen", () => { if (view.layer.options.objects !== (this.display.objects || studio.objects.on)) this.#dress(); });
    document.addEventListener("visibilitychange", () => { if (document.hidden && this.ready) this.autosave.now(); });

    byId("undo").onclick = () => studio.undo();
    byId("redo").onclick = () => studio.redo();
    byId("help").onclick = () => showSheet(this.keys);
    byId("zoom").onclick = () => view.fit();
    byId("name").onchange = ({ target }) => { studio.name = target.value.trim() || "Untitled"; target.value = studio.name; this.autosave.soon(); };
    byId("model").onchange = ({ target }) => this.switchModel(target.value).catch((error) => this.status.say(error.message));
    view.onViewport = () => { byId("zoom").textContent = `${Math.round(view.viewport.scale * 100)} %`; };
    this.#wipe();
    this.#dropping();
  }

  #history() {
    const { studio } = this, { history, map } = studio;
    byId("undo").disabled = !history.canUndo;
    byId("redo").disabled = !history.canRedo;
    byId("undo").title = history.canUndo ? `Undo ${history.done.at(-1).name} (Ctrl+Z)` : "Undo (Ctrl+Z)";
    byId("redo").title = history.canRedo ? `Redo ${history.undone.at(-1).name} (Ctrl+Shift+Z)` : "Redo (Ctrl+Shift+Z)";
    byId("size").textContent = `${map.width} × ${map.height}`;
    byId("name").value = studio.name;
  }

  /** Make the page look as the display says. */
  #dress() {
    const { display, view, studio } = this;
    document.documentElement.dataset.theme = display.theme;
    view.opacity = display.opacity;
    this.live.on = display.live;
    view.layer.dress(studio.space, { patterns: display.patterns, outlines: display.outlines, objects: display.objects || studio.objects.on, hidden: display.hidden });
    if (view.mode !== display.mode || !this.dressed) view.setMode(display.mode);
    this.dressed = true;
    byId("wipe").hidden = display.mode !== "wipe";
    const modes = byId("modes");
    modes.replaceChildren(...Object.entries(MODES).map(([mode, { title }]) => make("button", {
      role: "radio", "aria-checked": String(mode === display.mode), tabIndex: mode === display.mode ? 0 : -1, "data-mode": mode,
      onclick: () => { display.set({ mode }); modes.querySelector(`[data-mode="${mode}"]`).focus(); },
    }, title)));
    this.status.show();
    view.redraw();
  }

  async #showPhoto({ blob, seed }) {
    this.photo = blob;
    this.view.setPhoto(await createImageBitmap(blob));
    byId("no-photo").hidden = true;
    this.variants.mark(seed);
  }

  #saved(time) {
    byId("saved").textContent = `kept ${new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  }

  #wipe() {
    const { view } = this, handle = byId("wipe");
    const place = () => {
      handle.style.left = `${100 * view.wipe}%`;
      handle.setAttribute("aria-valuenow", String(Math.round(100 * view.wipe)));
    };
    const set = (share) => { view.wipe = Math.min(1, Math.max(0, share)); place(); view.redraw(); };
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const frame = byId("pane-map").getBoundingClientRect();
      set((event.clientX - frame.left) / frame.width);
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (step) { set(view.wipe + step); event.preventDefault(); event.stopPropagation(); }
    });
    place();
  }

  #dropping() {
    const hint = byId("drop");
    let inside = 0;
    addEventListener("dragenter", (event) => { if (event.dataTransfer?.types.includes("Files")) { inside++; hint.hidden = false; } });
    addEventListener("dragleave", () => { inside = Math.max(0, inside - 1); hint.hidden = inside === 0; });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      inside = 0;
      hint.hidden = true;
      this.#takeFiles(opening.filesOf(event.dataTransfer));
    });
    addEventListener("paste", (event) => {
      if (!event.target.matches?.("input, textarea")) this.#takeFiles(opening.filesOf(event.clipboardData));
    });
  }

  #takeFiles(files) {
    if (files.length) this.#try(() => this.files.open(files[0]));
  }

  async #try(action) {
    try { return await action(); } catch (error) { this.status.say(error.message); return null; }
  }

  // ---- what buttons and keys do

  #menus() {
    const { display, files } = this;
    const item = (title, run, keys = "", more = {}) => ({ title, keys, run: () => this.#try(run), ...more });
    attachMenu(byId("open-menu"), () => [
      item("New map…", () => this.newMap()),
      item("Starter scenes…", () => this.gallery()),
      item("File…", () => this.openFile(), "Ctrl+O"),
      null,
      item("Objects for this map…", () => files.chooseInstances()),
      item("Photo to edit…", () => files.choosePhoto()),
      null,
      item("Projects on the server…", () => files.serverProjects()),
    ]);
    attachMenu(byId("save-menu"), () => [
      item("Project (ZIP)", () => files.saveProject(), "Ctrl+S"),
      item("Label map (index PNG)", () => files.saveLabels(), "Ctrl+E"),
      item("Label map in colours (PNG)", () => files.saveColours()),
      item("Objects (16-bit PNG)", () => files.saveInstances(), "", { disabled: !this.studio.map.hasInstances, why: "There are none." }),
      null,
      item("Photo (PNG)", () => files.savePhoto("png")),
      item("Photo (WebP)", () => files.savePhoto("webp")),
      null,
      item("Project on the server…", () => files.serverProjects()),
      item("Copy as Python or curl…", () => this.snippets()),
    ]);
    const toggle = (title, name) => ({ element: make("label", {}, make("input", { type: "checkbox", checked: display[name], onchange: ({ target }) => display.set({ [name]: target.checked }) }), title) });
    attachMenu(byId("look-menu"), () => [
      { element: make("label", {}, "Opacity", make("input", { type: "range", min: 0, max: 100, value: Math.round(100 * display.opacity), "aria-label": "Opacity of the labels in the overlay", oninput: ({ target }) => display.set({ opacity: target.value / 100 }) })) },
      toggle("Patterns for classes (T)", "patterns"),
      toggle("Outlines (U)", "outlines"),
      toggle("Objects apart", "objects"),
      toggle("Names at the pointer", "names"),
      null,
      { element: make("label", {}, make("input", { type: "checkbox", checked: display.live, onchange: ({ target }) => { display.set({ live: target.checked }); this.live.changed(); } }), "The photo follows live") },
      { element: make("label", {}, make("input", { type: "checkbox", checked: display.theme === "light", onchange: ({ target }) => display.set({ theme: target.checked ? "light" : "dark" }) }), "Light theme") },
    ]);
    roving(byId("modes"), "[role=radio]");
  }

  #photoActions() {
    return {
      variants: (count) => this.variants.make(count),
      rerollSelection: () => this.rerollSelection(),
      addStyle: (file) => this.#try(() => this.files.addStyle(file)),
      dropSource: () => this.studio.setSource(null),
      showOriginal: (on) => this.#try(() => this.#showOriginal(on)),
    };
  }

  #keyActions() {
    const { view, display, files, palette } = this;
    const modes = Object.keys(MODES);
    const middle = () => { const { size } = view.shown[0]; return [size.width / 2, size.height / 2]; };
    return {
      palette,
      replaceClass: () => this.replaceClass(),
      nextMode: () => display.set({ mode: modes[(modes.indexOf(display.mode) + 1) % modes.length] }),
      fit: () => view.fit(),
      zoom: (factor) => { view.viewport.zoom(factor, ...middle()); view.redraw(); },
      togglePatterns: () => display.set({ patterns: !display.patterns }),
      toggleOutlines: () => display.set({ outlines: !display.outlines }),
      renderNow: () => this.live.now(),
      reroll: () => (this.studio.selection ? this.rerollSelection() : this.studio.reroll({ class: this.studio.space.nameOf(this.studio.pen.label) })),
      variants: () => this.variants.make(this.panel.count ?? 6),
      open: () => this.openFile(),
      saveProject: () => files.saveProject(),
      saveLabels: () => files.saveLabels(),
      showKeys: () => showSheet(this.keys),
    };
  }

  async newMap() {
    const wanted = await dialogs.askNewMap(this.studio);
    if (!wanted) return;
    const { width, height, label } = wanted;
    this.studio.open("new map", { width, height, labels: new Uint16Array(width * height).fill(label) });
    this.view.fit();
  }

  async gallery() {
    const scene = await dialogs.askScene(await this.api.scenes(), this.studio.model.label_space, (path) => this.api.bytes(path));
    if (scene) await this.files.openScene(scene);
  }

  async openFile() {
    const file = await chooseFile("image/*,.png,.zip");
    if (file) await this.files.open(file);
  }

  async replaceClass() {
    const wanted = await dialogs.askReplace(this.studio);
    if (!wanted) return;
    const count = this.studio.replaceClass(wanted.from, wanted.to);
    this.status.say(`${count} pixels were replaced.`, false);
  }

  async rerollSelection() {
    const region = await this.renderer.selectedRegion();
    if (region) this.studio.reroll(region); else this.status.say("Select a region first (S).");
  }

  /** Another model; where it speaks other classes, a report says what becomes what, and lets it be changed. */
  async switchModel(name) {
    const { studio } = this, model = studio.models.find((one) => one.name === name), old = studio.model;
    if (model === old) return;
    byId("model").value = old.name;
    const ids = model.label_space === old.label_space ? new Map() : await this.#mapped(old, model);
    if (!ids) return;
    studio.setModel(model, ids);
  }

  async #mapped(old, model) {
    const report = await this.api.mapping(old.name, model.name), { labels } = this.studio.map;
    const counts = new Uint32Array(65536);
    for (const label of labels) counts[label]++;
    const rows = report.classes.filter(({ origin }) => counts[origin.id]).map(({ origin, target, how }) => ({
      id: origin.id, name: origin.name, rgb: this.studio.space.colourOf(origin.id), target: target?.id, how,
      share: shareText(counts[origin.id], labels.length),
    })).sort((a, b) => counts[b.id] - counts[a.id]);
    return dialogs.askMapping({
      title: `From ${old.name} to ${model.name}`, rows, space: new LabelSpace(model), action: "Switch",
      note: `${model.name} speaks the classes of ${model.label_space}. This is what the classes on your map become; Ctrl+Z takes it back.`,
    });
  }

  snippets() {
    const { options, files } = this.renderer.described();
    dialogs.showSnippets({
      Python: asPython(options, files, this.studio.model),
      "Python, by this server": asClient(location.origin, options, files),
      curl: asCurl(location.origin, options, files),
    });
  }

  async #showOriginal(on) {
    const { source } = this.studio;
    const blob = on ? source?.blob : this.photo;
    if (blob) this.view.setPhoto(await createImageBitmap(blob));
  }
}

const TOKEN = "intarsia-studio-token";

/** The server's token: from the address (#token=...), which then forgets it, or from earlier in this tab. */
function tokenOf(hash) {
  const given = new URLSearchParams(hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN) || null;
}
