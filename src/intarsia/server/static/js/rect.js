/** A box of pixels that grows: what has been touched since somebody last looked. Ends are exclusive. */
export class Rect {
  constructor(x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity) {
    Object.assign(this, { x0, y0, x1, y1 });
  }

  get empty() { return this.x0 >= this.x1 || this.y0 >= this.y1; }
  get width() { return this.empty ? 0 : this.x1 - this.x0; }
  get height() { return this.empty ? 0 : this.y1 - this.y0; }

  /** Grow to hold a box too. */
  add(x0, y0, x1, y1) {
    if (x0 < this.x0) this.x0 = x0;
    if (y0 < this.y0) this.y0 = y0;
    if (x1 > this.x1) this.x1 = x1;
    if (y1 > this.y1) this.y1 = y1;
  }

  /** What it held; it is empty afterwards. */
  take() {
    const held = new Rect(this.x0, this.y0, this.x1, this.y1);
    this.x0 = this.y0 = Infinity;
    this.x1 = this.y1 = -Infinity;
    return held;
  }

  /** The same box, `by` pixels larger on each side, cut to a map's size. */
  widened(by, width, height) {
    return new Rect(Math.max(0, this.x0 - by), Math.max(0, this.y0 - by),
                    Math.min(width, this.x1 + by), Math.min(height, this.y1 + by));
  }
}
