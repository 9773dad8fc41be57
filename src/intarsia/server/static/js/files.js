import * as dialogs from "./dialogs.js";
import { chooseFile, download } from "./dom.js";
import { LabelSpace } from "./label_space.js";
import { exactPhoto, recognise, scaledPhoto, stylePhoto } from "./opening.js";
import * as png from "./png.js";
import * as projects from "./project.js";
import { shareText } from "./share.js";
import { freshLook } from "./studio.js";
import { readZip, writeZip } from "./zip.js";

/** What comes in and goes out as files: label maps, objects, photos, projects, sessions. */
export class Files {
  constructor(app) {
    this.app = app;
    this.studio = app.studio;
  }

  // ---- in

  /** Open whatever a file is. */
  async open(file) {
    const found = await recognise(file, this.studio);
    if (found.kind === "project") await this.#openProject(await readZip(found.bytes, file.name), file.name);
    else if (found.kind === "labels") await this.#openLabels(found, file.name);
    else if (found.kind === "instances") this.#openInstances(found.instances);
    else await this.#openPhoto(file);
  }

  async #openLabels({ width, height, labels }, name) {
    const known = await this.#known(labels, name);
    if (!known) return;
    this.studio.open("open label map", { width, height, labels: known });
    this.app.view.fit();
  }

  /** Labels of which every id is known: unknown ones become what the person says; null if they will not. */
  async #known(labels, name) {
    const { space } = this.studio, unknown = space.unknownIn(labels);
    if (!unknown.length) return labels;
    if (unknown.length > 64) throw new Error(`${name} has ${unknown.length} ids that ${this.studio.model.label_space} does not know. Choose the model that it belongs to first.`);
    const counts = new Uint32Array(65536);
    for (const label of labels) counts[label]++;
    const ids = await dialogs.askMapping({
      title: "Unknown ids", space, action: "Open",
      note: `${name} has ids that are no class of ${this.studio.model.label_space}.`,
      rows: unknown.map((id) => ({ id, name: `id ${id}`, how: "unknown", share: shareText(counts[id], labels.length) })),
    });
    return ids && labels.map((id) => ids.get(id) ?? id);
  }

  #openInstances(instances) {
    const { map } = this.studio;
    map.replace(map.width, map.height, map.labels, instances);
    this.studio.commit("open objects");
    this.studio.setObjects({ on: true });
  }

  async chooseInstances() {
    const file = await chooseFile("image/png");
    if (!file) return;
    const { width, height, channels, samples } = await png.decode(new Uint8Array(await file.arrayBuffer()), file.name);
    const { map } = this.studio;
    if (channels !== 1 || width !== map.width || height !== map.height) {
      throw new Error(`${file.name} is ${width} × ${height} with ${channels} channels; objects need ${map.width} × ${map.height} with one.`);
    }
    this.#openInstances(samples);
  }

  async openScene(scene, { fresh = false } = {}) {
    const { studio, app } = this;
    const model = scene.label_space === studio.model.label_space ? studio.model : studio.models.find((one) => one.label_space === scene.label_space);
    if (!model) throw new Error(`no model here speaks ${scene.label_space}, the label space of ${scene.name}.`);
    const labels = await png.decode(await app.api.bytes(scene.labels), scene.name);
    const instances = scene.instances ? await png.decode(await app.api.bytes(scene.instances), scene.name) : null;
    const map = { width: labels.width, height: labels.height, labels: labels.samples, instances: instances?.samples };
    if (fresh) studio.begin(map); else studio.open(`scene ${scene.name}`, map, model);
    app.view.fit();
  }

  // ---- real photos

  async choosePhoto() {
    const file = await chooseFile("image/*");
    if (file) await this.#openPhoto(file);
  }

  async #openPhoto(file) {
    const { studio, app } = this, whole = await scaledPhoto(file, Infinity), { map, model } = studio;
    const url = URL.createObjectURL(file), { width, height } = whole;
    const wanted = await dialogs.askPhoto({
      name: file.name || "Photo", width, height, url, segmenter: model.segmenter,
      sameSize: width === map.width && height === map.height,
    });
    URL.revokeObjectURL(url);
    if (wanted?.as === "style") await this.addStyle(file);
    else if (wanted) await this.#edit(whole, await this.#labelsOf(whole, wanted));
    app.view.fit();
  }

  /** The label map that a photo begins from, and the photo in its size. */
  async #labelsOf(whole, { side, labels }) {
    const { map, model } = this.studio;
    if (labels === "map") return { width: map.width, height: map.height, labels: map.labels.slice(), instances: map.instances.slice() };
    if (labels === "file") {
      const file = await chooseFile("image/png");
      if (!file) return null;
      const found = await recognise(file, this.studio);
      if (found.kind !== "labels") throw new Error(`${file.name} is no label map. Give an index, palette or colour PNG.`);
      const known = await this.#known(found.labels, file.name);
      return known && { ...found, labels: known };
    }
    const { blob } = await scaledPhoto(whole.blob, side);
    this.app.status.live("working", "segmenting");
    const found = await png.decode(await projects.bytesOf(await this.app.api.segment(blob, { model: model.name })), "the segmenter's answer");
    return { width: found.width, height: found.height, labels: found.samples };
  }

  async #edit(whole, map) {
    if (!map) return;
    const photo = await exactPhoto(whole.bitmap, map.width, map.height);
    this.studio.open("photo to edit", map);
    this.studio.setSource({ ...map, ...photo });
  }

  /** A photo as a style, and take it. */
  async addStyle(file) {
    const { studio, app } = this;
    if (!studio.model.takes.style) throw new Error(`${studio.model.name} has no style: its photos follow from the labels alone.`);
    const number = await app.styles.add((file.name ?? "pasted").replace(/\.\w+$/, ""), await stylePhoto(file));
    studio.setLook({ style: { kind: "image", one: number, other: null, blend: 0.5 } });
  }

  // ---- projects and sessions

  async #openProject(files, name) {
    await this.#take(await projects.unpack(files, name), { fresh: false });
    this.app.status.say(`${this.studio.name} is open.`, false);
  }

  async #take({ about, map, source, styles, photo }, { fresh, fallback = this.studio.model }) {
    const { studio, app } = this;
    const model = studio.models.find(({ name }) => name === about.model) ?? studio.models.find((one) => one.label_space === about.label_space) ?? fallback;
    const unknown = new LabelSpace(model).unknownIn(map.labels);
    if (unknown.length) throw new Error(`the project speaks ${about.label_space}, and no model here does. Start the studio with --model ${about.model}.`);
    if (about.hash && model.hash !== about.hash) app.status.say(`The photo may differ: ${about.model} had other weights when it was saved.`);
    if (fresh) { studio.setModel(model); studio.begin(map); } else studio.open("open project", map, model);
    studio.name = about.name;
    if (studio.space.has(about.background)) studio.space.background = about.background;
    await app.styles.preset(model.takes.style ? model.label_space : "");
    const places = app.styles.restore(styles);
    if (source) source.bitmap = await createImageBitmap(source.blob);
    studio.source = source;
    app.photo = photo;
    studio.look = withDefaults(about.look, places);
    studio.emit("source");
    studio.emit("map");
    app.view.fit();
  }

  #pack() { return projects.pack(this.studio, { styles: this.app.styles.all, photo: this.app.photo }); }

  /** What autosave keeps. */
  snapshot() { return this.#pack(); }

  /** What autosave kept. */
  async restore(files, fallback) {
    await this.#take(await projects.unpack(files, "the last session"), { fresh: true, fallback });
  }

  async serverProjects() {
    const { studio, app } = this, { api } = app;
    const wanted = await dialogs.askProject(await api.projects(), studio.name);
    if (wanted?.open) await this.#openProject(await readZip(await api.project(wanted.open), wanted.open), wanted.open);
    else if (wanted?.remove) { await api.deleteProject(wanted.remove); app.status.say(`${wanted.remove} is deleted.`, false); }
    else if (wanted?.save) {
      studio.name = wanted.save;
      await api.putProject(wanted.save, writeZip(await this.#pack()));
      app.status.say(`${wanted.save} is saved on the server.`, false);
    }
  }

  // ---- out

  async saveProject() { this.#download(writeZip(await this.#pack()), "application/zip", ".zip"); }

  async saveLabels() {
    const { map, space } = this.studio;
    this.#download(await png.encodeIndex(map.width, map.height, map.labels, (id) => space.colourOf(id)), "image/png", "-labels.png");
  }

  async saveColours() {
    const { map, space } = this.studio, bytes = new Uint8Array(3 * map.labels.length);
    map.labels.forEach((label, place) => bytes.set(space.colourOf(label), 3 * place));
    this.#download(await png.encodeRgb(map.width, map.height, bytes), "image/png", "-colours.png");
  }

  async saveInstances() {
    const { map } = this.studio;
    this.#download(await png.encodeGrey16(map.width, map.height, map.instances), "image/png", "-instances.png");
  }

  async savePhoto(format) {
    const { blob } = await this.app.renderer.aside({ format });
    this.#download(blob, blob.type, `.${format}`);
  }

  #download(content, type, ending) {
    const name = this.studio.name.replace(/[^\p{L}\p{N} _-]/gu, "_");
    download(content instanceof Blob ? content : new Blob([content], { type }), name + ending);
  }
}

/** A look as projects have it, with what it may lack; `places` are the numbers of its styles here. */
function withDefaults(look, places) {
  const { style } = { style: { kind: "seed" }, ...look };
  const place = (number) => places[number] ?? null;
  const known = style.kind === "image" && place(style.one) !== null;
  return {
    ...freshLook(), ...look,
    style: known ? { kind: "image", one: place(style.one), other: place(style.other), blend: style.blend ?? 0.5 } : { kind: "seed" },
  };
}
