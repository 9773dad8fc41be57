/** Where the map lies on the screen: a scale (screen pixels for one of the map) and the place of its top left corner. */
export class Viewport {
  constructor() {
    Object.assign(this, { scale: 1, x: 0, y: 0, fitted: true });
  }

  /** The pixel of the map under a point of the pane; it may lie outside the map. */
  pixel(left, top) {
    return { x: Math.floor((left - this.x) / this.scale), y: Math.floor((top - this.y) / this.scale) };
  }

  /** Show the whole map in the middle of a pane. */
  fit(map, pane, margin = 20) {
    if (pane.width <= 0 || pane.height <= 0) return;
    const room = Math.max(0.02, Math.min((pane.width - 2 * margin) / map.width, (pane.height - 2 * margin) / map.height));
    this.scale = room >= 2 ? Math.floor(room * 4) / 4 : room;
    this.x = Math.round((pane.width - map.width * this.scale) / 2);
    this.y = Math.round((pane.height - map.height * this.scale) / 2);
    this.fitted = true;
  }

  /** Zoom by a factor; the point (left, top) of the pane stays where it is. */
  zoom(factor, left, top) {
    const scale = Math.min(64, Math.max(0.05, this.scale * factor));
    this.x = left - (left - this.x) * (scale / this.scale);
    this.y = top - (top - this.y) * (scale / this.scale);
    this.scale = scale;
    this.fitted = false;
  }

  pan(right, down) {
    this.x += right;
    this.y += down;
    this.fitted = false;
  }
}
