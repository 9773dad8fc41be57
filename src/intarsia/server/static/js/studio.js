import { History } from "./history.js";
import { LabelMap } from "./label_map.js";
import { LabelSpace } from "./label_space.js";
import { Brush } from "./paint.js";
import * as regions from "./regions.js";

/**
 * What a person works on, and what may be done to it. It knows nothing of the page.
 *
 * Whoever shows it listens to its events:
 *   "map"        strokes were committed, undone or redone, or another map was opened
 *   "painting"   pixels changed within a stroke
 *   "pen"        another class, object, tool or brush
 *   "selection"  another selection, or none
 *   "protect"    other protected classes
 *   "model"      another model
 *   "look"       another seed, style, noise or format: the photo is to be made again
 *   "source"     a real photo came or went
 */
export class Studio extends EventTarget {
  constructor() {
    super();
    this.map = new LabelMap(256, 256);
    this.history = new History(this.map);
    this.models = [];
    this.model = null; // an entry of GET /v1/models
    this.space = new LabelSpace({ classes: [{ id: 0, name: "unlabelled", colour: "#808080", group: "other" }] });
    this.name = "Untitled";
    this.pen = { label: 0, instance: 0 };
    this.before = 0; // the class chosen before this one
    this.tool = "brush";
    this.brush = { size: 16, shape: "round" };
    this.contiguous = true;
    this.select = "lasso";
    this.objects = { on: false, each: false, action: "pick" };
    this.protect = new Set();
    this.selection = null;
    this.look = freshLook();
    this.source = null; // a real photo being edited: {blob, bitmap, labels, instances}
    this.revision = 0; // grows with each change of the map
  }

  on(names, listener) {
    for (const name of names.split(" ")) this.addEventListener(name, listener);
  }

  emit(name) {
    if (name === "map" || name === "painting") this.revision++;
    this.dispatchEvent(new Event(name));
  }

  // ---- the pen

  setTool(name) {
    this.tool = name;
    this.emit("pen");
  }

  setBrush(change) {
    Object.assign(this.brush, change);
    this.brush.size = Math.min(256, Math.max(1, Math.round(this.brush.size)));
    this.emit("pen");
  }

  /** Paint with another class; in object mode, as a new object. */
  setLabel(label) {
    if (label !== this.pen.label) this.before = this.pen.label;
    const instance = this.objects.on && label !== this.pen.label ? this.map.freeInstance() : this.pen.instance;
    this.pen = { label, instance };
    this.emit("pen");
  }

  setPen(pen) {
    if (pen.label !== this.pen.label) this.before = this.pen.label;
    this.pen = { ...pen };
    this.emit("pen");
  }

  newObject() {
    this.objects.on = true;
    this.pen.instance = this.map.freeInstance();
    this.emit("pen");
  }

  setObjects(change) {
    Object.assign(this.objects, change);
    if (change.on === true && !this.pen.instance) this.pen.instance = this.map.freeInstance();
    this.emit("pen");
  }

  toggleProtect(label) {
    if (!this.protect.delete(label)) this.protect.add(label);
    this.emit("protect");
  }

  /** What paints now: within the selection, never over protected classes. */
  brushOf(label = this.pen.label, instance = this.objects.on ? this.pen.instance : 0) {
    return new Brush(this.map, { label, instance, protect: this.protect, selection: this.selection });
  }

  // ---- strokes

  /** Close a stroke; nothing happens where nothing changed. A seed that is not locked changes with it. */
  commit(name, about = null) {
    const record = this.history.commit(name, about);
    if (!record) return false;
    if (!this.look.locked) this.look.seed = randomSeed();
    this.emit("map");
    return true;
  }

  undo() { this.#went(this.history.undo(), "before"); }
  redo() { this.#went(this.history.redo(), "after"); }

  #went(record, side) {
    if (!record) return;
    if (record.about?.[side]) this.#takeModel(record.about[side]);
    if (String(record.sizeBefore) !== String(record.sizeAfter)) this.setSelection(null);
    this.emit("map");
  }

  /** Another map in place of this one, as a step that can be undone. */
  open(name, { width, height, labels, instances = null }, model = this.model) {
    const about = model === this.model ? null : { before: this.model, after: model };
    if (about) this.#takeModel(model);
    this.map.replace(width, height, labels, instances);
    this.setSelection(null);
    if (this.protect.size) { this.protect.clear(); this.emit("protect"); }
    return this.commit(name, about);
  }

  /** A new map, filled with one class; history and look start anew. */
  begin({ width, height, labels, instances = null }) {
    this.map.replace(width, height, labels, instances);
    this.history.forget();
    this.setSelection(null);
    this.emit("map");
  }

  // ---- models

  /** Another model. `ids` is a Map from the old label space's ids to the new one's; ids it does not name stay. */
  setModel(model, ids = new Map()) {
    const about = this.model && { before: this.model, after: model };
    this.#takeModel(model);
    const { map } = this;
    map.labels.forEach((label, place) => { map.labels[place] = ids.get(label) ?? label; });
    map.touch(0, 0, map.width, map.height);
    if (about) this.commit(`model ${model.name}`, about);
  }

  #takeModel(model) {
    const spaceChanged = JSON.stringify(model.classes) !== JSON.stringify(this.model?.classes);
    this.model = model;
    if (spaceChanged) {
      this.space = new LabelSpace(model);
      this.protect.clear();
      this.pen = { label: this.space.classes[0].id, instance: 0 };
      this.before = this.space.classes[Math.min(1, this.space.classes.length - 1)].id;
      this.look.rerolls = [];
      this.look.styles = {};
      this.look.style = { kind: "seed" };
    }
    this.emit("model");
    this.emit("protect");
    this.emit("pen");
  }

  // ---- regions

  setSelection(mask) {
    this.selection = mask && regions.area(mask) ? mask : null;
    this.emit("selection");
  }

  /** Fill a mask with the pen. */
  fill(mask, name) {
    this.brushOf().mask(mask);
    this.commit(name);
  }

  /** Every pixel of one class becomes another, in the selection if there is one. */
  replaceClass(from, to) {
    const { map } = this;
    const brush = new Brush(map, { label: to, protect: this.protect, selection: this.selection });
    let count = 0;
    for (let place = 0; place < map.labels.length; place++) {
      if (map.labels[place] === from && brush.may(place)) { map.labels[place] = to; count++; }
    }
    map.touch(0, 0, map.width, map.height);
    this.commit(`replace ${this.space.nameOf(from)} by ${this.space.nameOf(to)}`);
    return count;
  }

  /** Grow, shrink or smooth the selected region by some pixels; the selection follows it. */
  reshape(how, steps) {
    const { map, selection } = this;
    if (!selection) throw new Error("no region is selected. Select one with the tool Select (S).");
    const change = { grow: regions.grown, shrink: regions.shrunk, smooth: regions.smoothed }[how];
    const after = change(selection, map.width, map.height, steps);
    regions.reshape(map, selection, after, (place) => !this.protect.has(map.labels[place]));
    this.setSelection(after);
    this.commit(`${how} region`);
  }

  /** The object at a pixel gets the pen's class. */
  relabelObject({ x, y }) {
    const mask = this.#objectAt(x, y);
    new Brush(this.map, { label: this.pen.label, instance: this.map.at(x, y).instance, protect: this.protect }).mask(mask);
    this.commit("relabel object");
  }

  /** The object at a pixel goes; what lies around it takes its place. */
  deleteObject({ x, y }) {
    const mask = this.#objectAt(x, y);
    regions.reshape(this.map, mask, new Uint8Array(mask.length), (place) => !this.protect.has(this.map.labels[place]));
    this.commit("delete object");
  }

  #objectAt(x, y) {
    const { instance } = this.map.at(x, y);
    return instance ? regions.ofInstance(this.map, instance) : regions.contiguous(this.map, x, y);
  }

  // ---- a real photo

  /** Edit a photo: {width, height, blob, bitmap, labels, instances}, or null to let it go. */
  setSource(source) {
    this.source = source;
    this.emit("source");
  }

  /** Whether the photo on the screen is a real one with changes. */
  get editing() { return Boolean(this.source) && this.source.width === this.map.width && this.source.height === this.map.height; }

  /** Where the map differs from that of the real photo, as a mask: this is made anew, all else stays. */
  changed() {
    const { labels, instances } = this.map, { source } = this;
    return Uint8Array.from(labels, (label, place) => +(label !== source.labels[place] || instances[place] !== (source.instances?.[place] ?? 0)));
  }

  // ---- look

  setLook(change) {
    Object.assign(this.look, change);
    this.emit("look");
  }

  dice() { this.setLook({ seed: randomSeed() }); }

  /** Other noise in one region only: `region` {class}, {instance}, or {box or mask}. */
  reroll(region) {
    const key = JSON.stringify(region);
    const others = this.look.rerolls.filter(({ seed: _, ...other }) => JSON.stringify(other) !== key);
    this.setLook({ rerolls: [...others, { ...region, seed: randomSeed() }] });
  }
}

/** How a photo looks where nobody has said anything. */
export function freshLook() {
  return { seed: 0, locked: true, style: { kind: "seed" }, noise: "global", rerolls: [], styles: {} };
}

export function randomSeed() { return Math.floor(Math.random() * 1_000_000); }
