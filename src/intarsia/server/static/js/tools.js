import * as raster from "./raster.js";
import * as regions from "./regions.js";

/**
 * The tools: what pressing, moving and letting go does, in pixels of the map.
 *
 * A tool gets the studio and points {x, y, shift, alt, erase}. It answers to `press`, `move` and `release`; `finish` and
 * `cancel` end what takes several presses. `marks(context, line)` draws what is not painted yet. All of it works the
 * same from pointer and keyboard.
 */

const SHAPES = { round: raster.ellipse, square: raster.rectangle };

/** A tool of one gesture: `from` and `to` are its ends, `path` all points between. */
class Gesture {
  drags = true;

  constructor(studio) { this.studio = studio; }

  press(point) {
    if (this.studio.objects.on && this.studio.objects.each && this.paints) this.studio.newObject();
    this.path = [point];
    this.begin?.(point);
  }

  move(point) {
    if (!this.path) return;
    const last = this.path.at(-1);
    if (last.x === point.x && last.y === point.y) return;
    this.path.push(point);
    this.go?.(last, point);
  }

  release() {
    if (!this.path) return;
    const path = this.path;
    this.path = null;
    this.end(path);
  }

  cancel() {
    if (!this.path) return;
    this.path = null;
    this.studio.history.revert();
    this.studio.emit("painting");
  }

  get busy() { return Boolean(this.path); }
}

class Freehand extends Gesture {
  paints = true;

  begin(point) {
    this.brush = point.erase || this.erases ? this.studio.brushOf(this.studio.space.background, 0) : this.studio.brushOf();
    this.go(point, point);
  }

  go(from, to) {
    const { size, shape } = this.studio.brush;
    raster.stroke(from, to, size, SHAPES[shape], this.brush.span);
    this.studio.emit("painting");
  }

  end() { this.studio.commit(this.erases ? "erase" : "brush"); }
}

class Eraser extends Freehand {
  erases = true;
  paints = false;
}

/** From corner to corner, or from end to end. */
class Span extends Gesture {
  paints = true;

  constructor(studio, name, draw, mark) {
    super(studio);
    Object.assign(this, { name, draw, mark });
  }

  ends(path) {
    const from = path[0], to = path.at(-1);
    return [from, to.shift ? this.evened(from, to) : to];
  }

  /** With Shift: squares and circles; lines go straight or diagonal. */
  evened(from, to) {
    const right = to.x - from.x, down = to.y - from.y, side = Math.max(Math.abs(right), Math.abs(down));
    if (this.name === "line" && Math.min(Math.abs(right), Math.abs(down)) * 2 < side) {
      return Math.abs(right) > Math.abs(down) ? { x: to.x, y: from.y } : { x: from.x, y: to.y };
    }
    return { x: from.x + Math.sign(right || 1) * side, y: from.y + Math.sign(down || 1) * side };
  }

  end(path) {
    this.draw(...this.ends(path), this.studio.brushOf().span, this.studio);
    this.studio.commit(this.name);
  }

  marks(context, line) {
    if (!this.path) return;
    context.beginPath();
    this.mark(context, ...this.ends(this.path));
    strokeMark(context, line);
  }
}

class Lasso extends Gesture {
  paints = true;

  end(path) {
    raster.polygon(path, this.studio.brushOf().span);
    this.studio.commit("lasso");
  }

  marks(context, line) { if (this.path) markPath(context, line, this.path); }
}

/** Corner by corner; a click on the first corner, a double click or `finish` closes it. */
class Polygon {
  corners = [];

  constructor(studio) { this.studio = studio; }

  press(point) {
    const [first] = this.corners, last = this.corners.at(-1);
    this.hover = point;
    const near = 6 / this.studio.scale;
    if (this.corners.length > 2 && Math.hypot(first.x - point.x, first.y - point.y) <= near) { this.finish(); return; }
    if (last && last.x === point.x && last.y === point.y) { this.finish(); return; }
    this.corners.push(point);
  }

  move(point) { this.hover = point; }
  release() {}

  finish() {
    if (this.corners.length < 3) return;
    if (this.studio.objects.on && this.studio.objects.each) this.studio.newObject();
    raster.polygon(this.corners, this.studio.brushOf().span);
    this.corners = [];
    this.studio.commit("polygon");
  }

  /** Take the last corner away. */
  back() { this.corners.pop(); }
  cancel() { this.corners = []; }
  get busy() { return this.corners.length > 0; }

  marks(context, line) {
    if (!this.corners.length) return;
    markPath(context, line, [...this.corners, this.hover ?? this.corners[0]]);
    for (const { x, y } of this.corners) {
      context.fillStyle = "#fff";
      context.fillRect(x + 0.5 - 3 * line, y + 0.5 - 3 * line, 6 * line, 6 * line);
    }
  }
}

class Bucket {
  constructor(studio) { this.studio = studio; }

  press(point) {
    const { studio } = this;
    if (!studio.map.has(point.x, point.y)) return;
    if (studio.objects.on && studio.objects.each) studio.newObject();
    const region = studio.contiguous ? regions.contiguous : regions.alike;
    studio.fill(region(studio.map, point.x, point.y), "fill");
  }

  move() {}
  release() {}
}

class Picker {
  constructor(studio) { this.studio = studio; }

  press(point) {
    const { studio } = this;
    this.pressed = true;
    if (!studio.map.has(point.x, point.y)) return;
    const { label, instance } = studio.map.at(point.x, point.y);
    studio.setPen({ label, instance: studio.objects.on ? instance : studio.pen.instance });
  }

  move(point) { if (this.pressed) this.press(point); }
  release() { this.pressed = false; }
}

/** Objects: take one up, give it another class, delete it. */
class Objects {
  constructor(studio) { this.studio = studio; }

  press(point) {
    const { studio } = this;
    if (!studio.map.has(point.x, point.y)) return;
    const { action } = studio.objects;
    if (action === "relabel") studio.relabelObject(point);
    else if (action === "delete") studio.deleteObject(point);
    else studio.setPen(studio.map.at(point.x, point.y));
  }

  move() {}
  release() {}
}

/** Select by lasso, rectangle, region or class; with Shift add to the selection, with Alt take away from it. */
class Select extends Gesture {
  end(path) {
    const { studio } = this, [from] = path;
    const add = from.shift, subtract = from.alt;
    const mask = this.mask(path);
    const before = studio.selection;
    if (mask && before && (add || subtract)) {
      for (let place = 0; place < mask.length; place++) {
        mask[place] = add ? mask[place] | before[place] : before[place] & ~mask[place] & 1;
      }
    }
    studio.setSelection(mask);
  }

  mask(path) {
    const { studio: { map, select } } = this, from = path[0], to = path.at(-1);
    if (select === "region") return map.has(from.x, from.y) ? regions.contiguous(map, from.x, from.y) : null;
    if (select === "class") return map.has(from.x, from.y) ? regions.ofClass(map, map.at(from.x, from.y).label) : null;
    if (path.length < 2) return null; // a click beside everything selects nothing
    if (select === "box") return regions.fromShape(map, (span) => raster.between(raster.rectangle, from, to, span));
    return regions.fromShape(map, (span) => raster.polygon(path, span));
  }

  cancel() { this.path = null; }

  marks(context, line) {
    if (!this.path) return;
    if (this.studio.select === "box") {
      context.beginPath();
      markBox(context, this.path[0], this.path.at(-1));
      strokeMark(context, line);
    } else if (this.studio.select === "lasso") {
      markPath(context, line, this.path);
    }
  }
}

class Hand {
  constructor(studio) { this.studio = studio; }
  press() {}
  move() {}
  release() {}
}

function markBox(context, from, to) {
  const left = Math.min(from.x, to.x), top = Math.min(from.y, to.y);
  context.rect(left, top, Math.abs(from.x - to.x) + 1, Math.abs(from.y - to.y) + 1);
}

function markEllipse(context, from, to) {
  const width = Math.abs(from.x - to.x) + 1, height = Math.abs(from.y - to.y) + 1;
  context.ellipse(Math.min(from.x, to.x) + width / 2, Math.min(from.y, to.y) + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
}

function markLine(context, from, to) {
  context.moveTo(from.x + 0.5, from.y + 0.5);
  context.lineTo(to.x + 0.5, to.y + 0.5);
}

function markPath(context, line, points) {
  context.beginPath();
  points.forEach(({ x, y }, at) => (at ? context.lineTo(x + 0.5, y + 0.5) : context.moveTo(x + 0.5, y + 0.5)));
  strokeMark(context, line);
}

function strokeMark(context, line) {
  context.lineWidth = 3 * line;
  context.strokeStyle = "rgba(0, 0, 0, 0.8)";
  context.stroke();
  context.lineWidth = 1.25 * line;
  context.strokeStyle = "#fff";
  context.stroke();
}

/** Each tool in the order of the tool bar: its title, its key, what it says of itself, which options it shows. */
export const TOOLS = {
  brush: { title: "Brush", key: "b", help: "Paint. Right button: erase", options: ["brush"] },
  eraser: { title: "Eraser", key: "e", help: "Paint the background class", options: ["brush"] },
  bucket: { title: "Fill", key: "g", help: "Fill a region, or all pixels alike", options: ["contiguous"] },
  line: { title: "Line", key: "n", help: "A straight line. Shift: level, upright or diagonal", options: ["brush"] },
  rectangle: { title: "Rectangle", key: "r", help: "Drag from corner to corner. Shift: square", options: [] },
  ellipse: { title: "Ellipse", key: "o", help: "Drag from corner to corner. Shift: circle", options: [] },
  polygon: { title: "Polygon", key: "p", help: "Corner by corner. Enter or double click: close; Esc: cancel", options: [] },
  lasso: { title: "Lasso", key: "l", help: "Draw around what is to be filled", options: [] },
  picker: { title: "Eyedropper", key: "i", help: "Take the class under the pointer", options: [] },
  objects: { title: "Objects", key: "k", help: "Take up, relabel or delete an object", options: ["objects"] },
  select: { title: "Select", key: "s", help: "Select a region. Shift: add; Alt: take away", options: ["select"] },
  hand: { title: "Hand", key: "h", help: "Move the picture; Space does so with any tool", options: [] },
};

/** All tools, ready to use, by name. */
export function makeTools(studio) {
  const brushLine = (from, to, span, { brush: { size, shape } }) => raster.stroke(from, to, size, SHAPES[shape], span);
  return {
    brush: new Freehand(studio),
    eraser: new Eraser(studio),
    bucket: new Bucket(studio),
    line: new Span(studio, "line", brushLine, markLine),
    rectangle: new Span(studio, "rectangle", (from, to, span) => raster.between(raster.rectangle, from, to, span), markBox),
    ellipse: new Span(studio, "ellipse", (from, to, span) => raster.between(raster.ellipse, from, to, span), markEllipse),
    polygon: new Polygon(studio),
    lasso: new Lasso(studio),
    picker: new Picker(studio),
    objects: new Objects(studio),
    select: new Select(studio),
    hand: new Hand(studio),
  };
}
