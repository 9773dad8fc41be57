import { byId, make } from "./dom.js";

/** The line at the bottom, and the name that follows the pointer. */
export class Status {
  constructor(studio, display) {
    Object.assign(this, { studio, display });
    this.where = byId("where");
    this.chip = byId("chip");
    this.said = byId("said");
  }

  /** What lies under the pointer or the cursor: `pixel` {x, y} or null; `from` {pane, point} where a pointer is there. */
  hover(pixel, from = null) {
    this.at = pixel;
    clearTimeout(this.waiting);
    this.chip.hidden = true;
    this.show();
    if (pixel && from && this.display.names) this.waiting = setTimeout(() => this.#name(pixel, from), 450);
  }

  show() {
    const { at, studio } = this;
    if (!at || !studio.map.has(at.x, at.y)) { this.where.replaceChildren(); return; }
    const { label, instance } = studio.map.at(at.x, at.y), [red, green, blue] = studio.space.colourOf(label);
    this.where.replaceChildren(
      make("span", { class: "swatch", style: `background: rgb(${red}, ${green}, ${blue})` }),
      make("span", {}, `${studio.space.nameOf(label)} · id ${label}${instance ? ` · object ${instance}` : ""}`),
      make("span", { class: "faint" }, `${at.x}, ${at.y}`));
  }

  #name(pixel, { pane, point }) {
    if (!this.studio.map.has(pixel.x, pixel.y)) return;
    const { label, instance } = this.studio.map.at(pixel.x, pixel.y);
    this.chip.textContent = this.studio.space.nameOf(label) + (instance ? ` ${instance}` : "");
    this.chip.style.transform = `translate(${pane.element.offsetLeft + point.left + 14}px, ${point.top + 16}px)`;
    this.chip.hidden = false;
  }

  /** Tell something; it goes after a while. */
  say(text, bad = true) {
    this.said.textContent = text;
    this.said.title = text;
    this.said.classList.toggle("bad", bad);
    clearTimeout(this.going);
    this.going = setTimeout(() => { this.said.textContent = ""; }, bad ? 12_000 : 5_000);
  }

  /** How the photo is: "idle", "working", "ready" or "wrong". */
  live(state, text) {
    byId("live").dataset.state = state;
    byId("live-text").textContent = text;
  }
}
