import { LabelLayer } from "./label_layer.js";
import { outline } from "./outline.js";
import { Viewport } from "./viewport.js";

/** The ways to look at label map and photo: which panes are shown. */
export const MODES = {
  labels: { title: "Labels", panes: ["map"] },
  side: { title: "Side by side", panes: ["map", "photo"] },
  overlay: { title: "Overlay", panes: ["map"] },
  wipe: { title: "Wipe", panes: ["map"] },
  photo: { title: "Photo", panes: ["photo"] },
};
const GRID_FROM = 14; // screen pixels for one of the map

/**
 * Draws label map and photo into two panes that share one viewport.
 *
 * Painting costs what it touches: the changed box is coloured in an off-screen canvas of the map's size, and only its
 * place on the screen is drawn again, once a frame. Marks (selection, shapes in progress, keyboard cursor) lie on a
 * canvas of their own above.
 */
export class View {
  /** `panes` {map, photo}: elements that hold a canvas.picture and a canvas.marks each. */
  constructor(map, panes) {
    this.map = map;
    this.viewport = new Viewport();
    this.layer = new LabelLayer(map);
    this.photo = null; // ImageBitmap of the photo
    this.mode = "side";
    this.opacity = 0.5;
    this.wipe = 0.5; // share of the pane that shows labels
    this.selection = null;
    this.marks = null; // draws shapes in progress, in the map's coordinates: (context, width of a line) -> nothing
    this.onViewport = () => {}; // told when all is drawn anew
    this.drawnIn = []; // milliseconds of the last frames
    this.panes = Object.entries(panes).map(([name, element]) => new Pane(name, element));
    this.all = true;
    const resized = new ResizeObserver(() => this.#resize());
    for (const pane of this.panes) resized.observe(pane.element);
  }

  #pending = null;

  get shown() { return this.panes.filter(({ name }) => MODES[this.mode].panes.includes(name)); }

  setMode(mode) {
    this.mode = mode;
    for (const pane of this.panes) pane.element.hidden = !MODES[mode].panes.includes(pane.name);
    this.#resize();
  }

  #resize() {
    for (const pane of this.shown) pane.resize();
    if (this.viewport.fitted) this.fit(); else this.redraw();
  }

  fit() {
    this.viewport.fit(this.map, this.shown[0].size);
    this.redraw();
  }

  setPhoto(bitmap) {
    this.photo?.close();
    this.photo = bitmap;
    this.redraw();
  }

  /** `mask` or null. */
  setSelection(mask) {
    this.selection = mask && outline(mask, this.map.width, this.map.height);
    this.redraw();
  }

  /** The map changed where its watch says: draw that, in the next frame. */
  paint() {
    this.#pending ??= requestAnimationFrame(() => this.#frame());
  }

  /** Everything changed. */
  redraw() {
    this.all = true;
    this.paint();
  }

  #frame() {
    const start = performance.now();
    this.#pending = null;
    const rect = this.layer.refresh();
    const box = this.all ? null : rect;
    if (this.all) this.onViewport();
    this.all = false;
    for (const pane of this.shown) {
      if (box === null || (!box.empty && pane.name === "map")) this.#drawPicture(pane, box);
      const marked = Boolean(this.selection || this.marks);
      if (marked || pane.marked) pane.drawMarks(this.viewport, (context) => this.#drawMarks(context));
      pane.marked = marked;
    }
    this.drawnIn.push(performance.now() - start);
    if (this.drawnIn.length > 240) this.drawnIn.shift();
  }

  #drawPicture(pane, rect) {
    const { viewport, map } = this, context = pane.picture;
    context.save();
    context.setTransform(pane.density, 0, 0, pane.density, 0, 0);
    if (rect) {
      const left = Math.floor(viewport.x + rect.x0 * viewport.scale) - 1, top = Math.floor(viewport.y + rect.y0 * viewport.scale) - 1;
      context.beginPath();
      context.rect(left, top, Math.ceil(rect.width * viewport.scale) + 3, Math.ceil(rect.height * viewport.scale) + 3);
      context.clip();
    }
    context.clearRect(0, 0, pane.size.width, pane.size.height);
    context.translate(viewport.x, viewport.y);
    context.scale(viewport.scale, viewport.scale);
    if (pane.name === "photo") this.#drawPhoto(context);
    else this.#drawMap(context, pane);
    if (viewport.scale >= GRID_FROM && pane.name === "map") drawGrid(context, map, viewport.scale);
    context.restore();
  }

  #drawMap(context, pane) {
    const { map, viewport } = this;
    const labels = () => {
      context.imageSmoothingEnabled = false;
      context.drawImage(this.layer.canvas, 0, 0);
    };
    if (this.mode === "overlay" && this.photo) {
      this.#drawPhoto(context);
      context.globalAlpha = this.opacity;
      labels();
      context.globalAlpha = 1;
    } else {
      labels();
    }
    if (this.mode === "wipe" && this.photo) {
      const from = Math.max(0, (this.wipe * pane.size.width - viewport.x) / viewport.scale);
      context.save();
      context.beginPath();
      context.rect(from, 0, Math.max(0, map.width - from), map.height);
      context.clip();
      this.#drawPhoto(context);
      context.restore();
    }
  }

  #drawPhoto(context) {
    if (!this.photo) return;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.photo, 0, 0, this.map.width, this.map.height);
  }

  #drawMarks(context) {
    const line = 1 / this.viewport.scale;
    if (this.selection) {
      context.lineWidth = 2.5 * line;
      context.strokeStyle = "rgba(0, 0, 0, 0.85)";
      context.stroke(this.selection);
      context.lineWidth = 1.25 * line;
      context.strokeStyle = "#fff";
      context.setLineDash([5 * line, 4 * line]);
      context.stroke(this.selection);
      context.setLineDash([]);
    }
    this.marks?.(context, line);
  }
}

/** One place to draw: a canvas for the picture, and one for marks above it. */
class Pane {
  constructor(name, element) {
    this.name = name;
    this.element = element;
    this.canvas = element.querySelector("canvas.picture");
    this.picture = this.canvas.getContext("2d");
    this.overlay = element.querySelector("canvas.marks");
    this.marks = this.overlay.getContext("2d");
    this.ring = element.querySelector(".ring"); // the outline of the brush under the pointer
    this.marked = false;
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.size = { width, height };
    this.density = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.overlay]) {
      const [w, h] = [Math.round(width * this.density), Math.round(height * this.density)];
      if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    }
  }

  /** Draw marks anew by `draw(context)`, in the map's coordinates. */
  drawMarks(viewport, draw) {
    const { marks, density } = this;
    marks.setTransform(1, 0, 0, 1, 0, 0);
    marks.clearRect(0, 0, this.overlay.width, this.overlay.height);
    marks.setTransform(density * viewport.scale, 0, 0, density * viewport.scale, density * viewport.x, density * viewport.y);
    draw(marks);
  }
}

function drawGrid(context, map, scale) {
  context.beginPath();
  for (let x = 0; x <= map.width; x++) { context.moveTo(x, 0); context.lineTo(x, map.height); }
  for (let y = 0; y <= map.height; y++) { context.moveTo(0, y); context.lineTo(map.width, y); }
  context.lineWidth = 1 / scale;
  context.strokeStyle = "rgba(128, 128, 128, 0.35)";
  context.stroke();
}
