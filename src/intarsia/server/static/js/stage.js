import { TOOLS } from "./tools.js";

/**
 * What pointer, wheel and keys do on the picture: they become presses, moves and releases of the tool, in pixels of the
 * map, or move the picture.
 *
 * With the keyboard: arrows move a cursor, Enter presses and lets go, Shift+Enter closes a polygon, Escape cancels.
 */
export class Stage {
  constructor(studio, view, tools, status) {
    Object.assign(this, { studio, view, tools, status });
    this.cursor = null; // of the keyboard, a pixel of the map
    this.held = null; // the tool that a pointer or Enter holds down
    this.panning = null;
    this.space = false;
    this.fingers = new Map();
    for (const pane of view.panes) this.#listen(pane);
    addEventListener("keydown", (event) => this.#spaceBar(event, true));
    addEventListener("keyup", (event) => this.#spaceBar(event, false));
    studio.on("pen", () => this.#penChanged());
  }

  /** Space moves the picture while it is held, unless it means something where the focus is. */
  #spaceBar(event, down) {
    if (event.key !== " " || !(event.target === document.body || event.target.matches(".marks"))) return;
    this.space = down;
    event.preventDefault();
    this.#shape();
  }

  get tool() { return this.tools[this.studio.tool]; }

  #listen(pane) {
    const { overlay: target } = pane;
    const on = (name, listener) => target.addEventListener(name, (event) => listener.call(this, event, pane));
    on("pointerdown", this.#down);
    on("pointermove", this.#move);
    on("pointerup", this.#up);
    on("pointercancel", this.#cancelled);
    on("pointerleave", this.#left);
    on("dblclick", () => { this.tool.finish?.(); this.#changed(); });
    on("wheel", this.#wheel);
    on("contextmenu", (event) => event.preventDefault());
    on("keydown", this.#key);
    on("focus", () => { if (target.matches(":focus-visible")) this.#showCursor(); });
    on("blur", () => { this.cursor = null; this.#changed(); });
  }

  #point(event, pane) {
    const frame = pane.overlay.getBoundingClientRect();
    const left = event.clientX - frame.left, top = event.clientY - frame.top;
    return { ...this.view.viewport.pixel(left, top), left, top, shift: event.shiftKey, alt: event.altKey };
  }

  #down(event, pane) {
    event.preventDefault();
    pane.overlay.focus({ preventScroll: true });
    pane.overlay.setPointerCapture(event.pointerId);
    this.cursor = null;
    const point = this.#point(event, pane);
    if (event.pointerType === "touch" && this.#pinch(event, point)) return;
    if (event.button === 1 || this.space || this.studio.tool === "hand") {
      this.panning = point;
    } else {
      const picks = event.altKey && !["select", "picker"].includes(this.studio.tool);
      this.held = picks ? this.tools.picker : this.tool;
      this.#try(() => this.held.press({ ...point, erase: event.button === 2 }));
    }
    this.#changed();
    this.#shape();
  }

  #move(event, pane) {
    const point = this.#point(event, pane);
    this.#hover(point, pane);
    if (this.fingers.has(event.pointerId) && this.#pinched(event, point)) return;
    if (this.panning) {
      this.view.viewport.pan(point.left - this.panning.left, point.top - this.panning.top);
      this.panning = point;
      this.view.redraw();
      return;
    }
    if (this.held) {
      const between = event.getCoalescedEvents?.() ?? [];
      for (const one of between.length ? between : [event]) this.held.move(this.#point(one, pane));
    } else if (this.tool.busy) {
      this.tool.move(point);
    }
    if (this.held?.marks || this.tool.busy) this.#changed();
  }

  #up(event, pane) {
    this.fingers.delete(event.pointerId);
    this.panning = null;
    const held = this.held;
    this.held = null;
    if (held) this.#try(() => held.release());
    this.#changed();
    this.#shape();
  }

  #cancelled(event) {
    this.fingers.delete(event.pointerId);
    this.panning = null;
    this.held?.cancel?.();
    this.held = null;
    this.#changed();
  }

  #left(_event, pane) {
    pane.ring.hidden = true;
    this.status.hover(null);
  }

  /** Two fingers move and zoom; what the first began is taken back. */
  #pinch(event, point) {
    this.fingers.set(event.pointerId, point);
    if (this.fingers.size !== 2) return this.fingers.size > 2;
    this.held?.cancel?.();
    this.held = null;
    return true;
  }

  #pinched(event, point) {
    const before = [...this.fingers.values()];
    this.fingers.set(event.pointerId, point);
    if (this.fingers.size !== 2) return false;
    const after = [...this.fingers.values()];
    const middle = ([a, b]) => [(a.left + b.left) / 2, (a.top + b.top) / 2], apart = ([a, b]) => Math.hypot(a.left - b.left, a.top - b.top);
    const [[x0, y0], [x1, y1]] = [middle(before), middle(after)];
    this.view.viewport.pan(x1 - x0, y1 - y0);
    this.view.viewport.zoom(apart(after) / Math.max(1, apart(before)), x1, y1);
    this.view.redraw();
    return true;
  }

  #wheel(event, pane) {
    event.preventDefault();
    const { left, top } = this.#point(event, pane);
    const steps = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    if (event.altKey) this.studio.setBrush({ size: this.studio.brush.size - Math.sign(steps) * Math.max(1, Math.round(this.studio.brush.size / 12)) });
    else if (event.shiftKey) this.view.viewport.pan(-(event.deltaX || event.deltaY), 0);
    else this.view.viewport.zoom(Math.exp(-steps * 0.0015), left, top);
    this.view.redraw();
    this.#hover(this.#point(event, pane), pane);
  }

  #key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (steps && !event.ctrlKey && !event.metaKey) {
      if (!this.cursor) this.#showCursor();
      const far = event.shiftKey ? 10 : 1, { map } = this.studio;
      this.cursor.x = Math.min(map.width - 1, Math.max(0, this.cursor.x + far * steps[0]));
      this.cursor.y = Math.min(map.height - 1, Math.max(0, this.cursor.y + far * steps[1]));
      if (this.held || this.tool.busy) (this.held ?? this.tool).move({ ...this.cursor });
      this.status.hover(this.cursor);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      this.#enter(event);
    } else if (event.key === "Backspace" && this.tool.back && this.tool.busy) {
      this.tool.back();
    } else if (event.key === "Escape" && (this.held || this.tool.busy)) {
      (this.held ?? this.tool).cancel?.();
      this.held = null;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.#changed();
  }

  #enter(event) {
    if (event.shiftKey && this.tool.finish) { this.tool.finish(); return; }
    if (!this.cursor) this.#showCursor();
    if (this.held) {
      const held = this.held;
      this.held = null;
      this.#try(() => held.release());
      return;
    }
    const { tool } = this;
    this.held = tool.drags ? tool : null;
    this.#try(() => tool.press({ ...this.cursor }));
    if (!tool.drags) tool.release();
  }

  #showCursor() {
    const { width, height } = this.studio.map;
    this.cursor ??= { x: width >> 1, y: height >> 1 };
    this.status.hover(this.cursor);
    this.#changed();
  }

  /** Do it; what goes wrong is told, and nothing half-done stays. */
  #try(action) {
    try {
      action();
    } catch (error) {
      this.held = null;
      this.status.say(error.message);
    }
  }

  #changed() {
    const tool = this.held ?? this.tool, { cursor } = this;
    const marks = (this.held || tool.busy) && tool.marks;
    this.view.marks = marks || cursor ? (context, line) => {
      if (marks) tool.marks(context, line);
      if (cursor) this.#markCursor(context, line, cursor);
    } : null;
    this.studio.scale = this.view.viewport.scale;
    this.view.paint();
  }

  #markCursor(context, line, { x, y }) {
    const { size } = this.studio.brush, brush = TOOLS[this.studio.tool].options.includes("brush") ? size : 1;
    const left = x - (brush >> 1), top = y - (brush >> 1), arm = 8 * line;
    for (const [width, colour] of [[4, "rgba(0, 0, 0, 0.8)"], [1.5, this.held ? "#ffb454" : "#fff"]]) {
      context.lineWidth = width * line;
      context.strokeStyle = colour;
      context.strokeRect(left, top, brush, brush);
      context.beginPath();
      context.moveTo(x + 0.5 - arm, y + 0.5);
      context.lineTo(x + 0.5 + arm, y + 0.5);
      context.moveTo(x + 0.5, y + 0.5 - arm);
      context.lineTo(x + 0.5, y + 0.5 + arm);
      context.stroke();
    }
  }

  #hover(point, pane) {
    const { studio, view: { viewport } } = this;
    this.last = { point, pane };
    const inside = studio.map.has(point.x, point.y);
    this.status.hover(inside ? point : null, { pane, point });
    const size = TOOLS[studio.tool].options.includes("brush") ? studio.brush.size : 0;
    pane.ring.hidden = !size || Boolean(this.panning);
    if (!size) return;
    const left = (point.x - (size >> 1)) * viewport.scale + viewport.x, top = (point.y - (size >> 1)) * viewport.scale + viewport.y;
    pane.ring.style.transform = `translate(${left}px, ${top}px)`;
    pane.ring.style.width = pane.ring.style.height = `${size * viewport.scale}px`;
    pane.ring.style.borderRadius = studio.brush.shape === "round" ? "50%" : "0";
  }

  #penChanged() {
    for (const [name, tool] of Object.entries(this.tools)) if (name !== this.studio.tool && tool.busy) tool.cancel();
    if (this.last && this.last.pane.overlay.matches(":hover")) this.#hover(this.last.point, this.last.pane);
    this.#shape();
    this.#changed();
  }

  /** The pointer's shape. */
  #shape() {
    const hand = this.space || this.studio.tool === "hand";
    for (const { overlay } of this.view.panes) {
      overlay.dataset.pointer = this.panning ? "grabbing" : hand ? "grab" : TOOLS[this.studio.tool].options.includes("brush") ? "dot" : "cross";
    }
  }
}
