import { byId, icon, iconButton, make, swatchStyle } from "./dom.js";
import { shareText } from "./share.js";

/** The list of classes: search, groups, number keys, what is protected and hidden, and the share of the map. */
export class Palette {
  constructor(studio, display) {
    Object.assign(this, { studio, display });
    this.list = byId("classes");
    this.search = byId("search");
    this.search.addEventListener("input", () => this.show());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.shown.length) { studio.setLabel(this.shown[0].id); this.clearSearch(); }
      else if (event.key === "Escape") this.clearSearch();
      else if (event.key === "ArrowDown") this.list.querySelector(".pick")?.focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.list.addEventListener("keydown", (event) => this.#walk(event));
    studio.on("model protect", () => this.show());
    studio.on("pen", () => this.#choose());
    studio.on("map", () => this.#countSoon());
    display.onChange(() => this.show());
    this.show();
  }

  clearSearch() {
    this.search.value = "";
    this.search.blur();
    this.show();
  }

  /** The class that a number key stands for: the first nine of the list. */
  numbered(number) { return this.shown[number - 1]?.id; }

  show() {
    const { studio: { space } } = this, wanted = this.search.value.trim().toLowerCase();
    const inGroups = space.groups.flatMap((group) => space.classes.filter((one) => one.group === group));
    this.shown = inGroups.filter((one) => one.name.toLowerCase().includes(wanted) || String(one.id) === wanted);
    const groups = space.groups
      .map((group) => [group, this.shown.filter((one) => one.group === group)])
      .filter(([, classes]) => classes.length);
    const only = space.groups.length < 2;
    this.list.replaceChildren(...groups.flatMap(([group, classes]) => [
      only ? "" : make("h3", { id: `group-${group}` }, group),
      make("ul", { "aria-label": group }, ...classes.map((one) => this.#row(one))),
    ]));
    if (!groups.length) this.list.append(make("p", { class: "none" }, `no class is called ${this.search.value}`));
    this.#choose();
    this.#countSoon();
  }

  #row({ id, name }) {
    const { studio, display } = this, number = this.shown.findIndex((one) => one.id === id) + 1;
    const locked = studio.protect.has(id), hidden = display.hidden.has(id);
    return make("li", { "data-class": id },
      make("button", { class: "pick", title: `${name} (id ${id})`, onclick: () => studio.setLabel(id) },
        make("span", { class: "swatch", style: swatchStyle(studio.space, id, display.patterns) }),
        make("span", { class: "name-of" }, name),
        make("span", { class: "share" }),
        make("kbd", {}, number <= 9 ? `${number}` : "")),
      iconButton(locked ? "lock" : "unlock", `Protect ${name}: strokes leave it as it is`, () => studio.toggleProtect(id),
        { class: "icon small lock", tabIndex: -1, "aria-pressed": String(locked) }),
      iconButton(hidden ? "hidden" : "eye", `Hide ${name}`, () => display.toggleHidden(id),
        { class: "icon small hide", tabIndex: -1, "aria-pressed": String(hidden) }));
  }

  /** Arrows: up and down from class to class, left and right to what may be done with it. */
  #walk(event) {
    const row = event.target.closest("li"), rows = [...this.list.querySelectorAll("li")];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key], right = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!row || !(down || right)) return;
    const inRow = [...row.querySelectorAll("button")], column = inRow.indexOf(event.target);
    const next = down ? rows[rows.indexOf(row) + down]?.querySelectorAll("button")[column] : inRow[column + right];
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  #choose() {
    const { studio, display } = this, { space, pen, before } = studio;
    for (const row of this.list.querySelectorAll("li")) {
      const chosen = Number(row.dataset.class) === pen.label;
      row.classList.toggle("chosen", chosen);
      row.querySelector(".pick").setAttribute("aria-pressed", String(chosen));
      row.querySelector(".pick").tabIndex = chosen ? 0 : -1;
      if (chosen && this.at !== pen.label) row.scrollIntoView({ block: "nearest" });
    }
    this.at = pen.label;
    const first = this.list.querySelector("li.chosen .pick") ?? this.list.querySelector(".pick");
    if (first) first.tabIndex = 0; // Tab comes to the list once; arrows walk in it
    const background = make("select", {
      title: "Class that the eraser paints", "aria-label": "Class that the eraser paints",
      onchange: ({ target }) => { space.background = Number(target.value); studio.emit("pen"); },
    }, ...space.classes.map(({ id, name }) => make("option", { value: id, selected: id === space.background }, name)));
    background.style.cssText = "height: 1.35rem; padding: 0; border: 0; background: none; color: inherit; max-width: 7.5rem";
    byId("current").replaceChildren(
      make("div", { class: "pair" },
        make("span", { class: "swatch", style: swatchStyle(space, pen.label, display.patterns) }),
        make("span", { class: "swatch before", style: swatchStyle(space, before, display.patterns) })),
      make("div", { class: "what" },
        make("b", { id: "current-name" }, space.nameOf(pen.label)),
        make("span", {}, "eraser: ", background)),
      make("button", { class: "icon", title: `Swap with ${space.nameOf(before)} (X)`, "aria-label": "Swap classes", onclick: () => studio.setLabel(before) }, icon("swap")));
  }

  #countSoon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#count(), 150);
  }

  #count() {
    const counts = new Uint32Array(65536), { labels } = this.studio.map;
    for (const label of labels) counts[label]++;
    for (const row of this.list.querySelectorAll("li")) {
      const count = counts[row.dataset.class];
      row.querySelector(".share").textContent = count ? shareText(count, labels.length) : "";
    }
  }
}
