import { byId, chooseFile, icon, iconButton, make, segments } from "./dom.js";
import { area } from "./regions.js";
import { shareText } from "./share.js";

/** The controls of the photo: seed, variants, style, noise, styles of objects, and the real photo under edit. */
export class PhotoPanel {
  constructor(studio, styles, actions) {
    Object.assign(this, { studio, styles, actions });
    studio.on("model look source selection pen", () => this.soon());
    styles.onChange(() => this.soon());
    this.show();
  }

  /** Once for all that happens at once. */
  soon() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = null; this.show(); });
  }

  show() {
    const place = byId("photo"), focused = place.contains(document.activeElement) ? document.activeElement.dataset.control : null;
    const takes = this.studio.model?.takes ?? {};
    place.replaceChildren(...[
      this.#source(),
      takes.seed ? this.#seed() : make("p", { class: "note" }, "This model makes one photo of a label map; seeds change nothing."),
      takes.style ? this.#style() : null,
      takes.seed ? this.#noise(takes) : null,
      takes.object_styles ? this.#objects() : null,
    ].filter(Boolean).flat());
    if (focused) place.querySelector(`[data-control="${focused}"]`)?.focus();
  }

  #seed() {
    const { studio, actions } = this, { look } = studio;
    return [
      row("Seed",
        make("input", { type: "number", min: 0, max: 4294967295, step: 1, value: look.seed, "data-control": "seed", "aria-label": "Seed",
          onchange: ({ target }) => studio.setLook({ seed: Math.min(4294967295, Math.max(0, Math.floor(Number(target.value)) || 0)) }) }),
        iconButton(look.locked ? "lock" : "unlock", look.locked ? "Locked: strokes keep the seed" : "Unlocked: every stroke has another seed",
          () => studio.setLook({ locked: !look.locked }), { "aria-pressed": String(look.locked), "data-control": "lock" }),
        iconButton("dice", "Another seed (D)", () => studio.dice(), { "data-control": "dice" })),
      row("Variants",
        make("select", { "aria-label": "Number of variants", "data-control": "count", onchange: ({ target }) => { this.count = Number(target.value); } },
          ...[4, 6, 8, 12].map((count) => make("option", { value: count, selected: count === (this.count ?? 6) }, `${count}`))),
        make("button", { class: "button small", "data-control": "variants", title: "The same map by other seeds (W)", onclick: () => actions.variants(this.count ?? 6) }, "Make")),
    ];
  }

  #style() {
    const { studio, styles } = this, { style } = studio.look;
    const thumbs = styles.all.map(({ name, url }, number) => make("button", {
      title: name, "aria-label": `Style ${name}`, style: `background-image: url(${url})`, "data-control": `style-${number}`,
      "aria-pressed": String(style.kind === "image" && (style.one === number || style.other === number)),
      onclick: (event) => this.#chooseStyle(number, event.shiftKey),
    }, make("span", {}, name)));
    const add = make("button", { title: "Style from an image", "aria-label": "Style from an image", "data-control": "style-add",
      onclick: async () => {
        const file = await chooseFile("image/*");
        if (file) await this.actions.addStyle(file);
      } }, icon("plus"));
    const parts = [
      row("Style", segments("Style", { seed: "Seed", image: "Image" }, style.kind, (kind) => {
        studio.setLook({ style: kind === "seed" ? { kind } : { kind, one: style.one ?? 0, other: null, blend: 0.5 } });
      })),
    ];
    if (style.kind !== "image") return parts;
    parts.push(make("div", { class: "thumbs" }, ...thumbs, add));
    if (!studio.model.takes.noise) parts.push(make("p", { class: "note" }, "The image decides the look: seeds count for re-rolls only."));
    if (styles.all.length > 1) {
      parts.push(row("Blend", style.other === null || style.other === undefined
        ? null
        : make("input", { type: "range", min: 0, max: 100, value: Math.round(style.blend * 100), "aria-label": "Share of the second style", style: "flex: 1", "data-control": "blend",
          "aria-valuetext": `${styles.all[style.one].name} to ${styles.all[style.other].name}, ${Math.round(style.blend * 100)} %`,
          onchange: ({ target }) => studio.setLook({ style: { ...style, blend: target.value / 100 } }) }),
      make("button", { class: "button small", title: "Or Shift+click a second style", "data-control": "blend-toggle", onclick: () => this.#toggleBlend() }, style.other == null ? "Blend two" : "One")));
    }
    return parts;
  }

  #chooseStyle(number, second) {
    const { style } = this.studio.look;
    if ((second || style.other != null) && number !== style.one) this.studio.setLook({ style: { ...style, other: number } });
    else this.studio.setLook({ style: { ...style, one: number, other: style.other === number ? null : style.other } });
  }

  #toggleBlend() {
    const { style } = this.studio.look;
    const other = style.other == null ? (style.one + 1) % this.styles.all.length : null;
    this.studio.setLook({ style: { ...style, other } });
  }

  #noise(takes) {
    const { studio, actions } = this, { look, space, pen } = studio;
    const parts = [make("hr")];
    if (takes.noise) {
      parts.push(row("Noise", make("select", { "aria-label": "Which pixels share noise", "data-control": "noise", onchange: ({ target }) => studio.setLook({ noise: target.value }) },
        ...Object.entries({ global: "one for the photo", "per-class": "one for each class", "per-instance": "one for each object" })
          .map(([value, title]) => make("option", { value, selected: value === look.noise }, title)))));
    }
    const button = (title, run, disabled, why, control) => make("button", { class: "button small", disabled, title: why, onclick: run, "data-control": control }, title);
    parts.push(row("Re-roll",
      button("Class", () => studio.reroll({ class: space.nameOf(pen.label) }), false, `Other noise for all ${space.nameOf(pen.label)}`, "reroll-class"),
      button("Object", () => studio.reroll({ instance: pen.instance }), !studio.objects.on || !pen.instance, "Other noise for the object that is taken up (tool Objects)", "reroll-object"),
      button("Selection", () => actions.rerollSelection(), !studio.selection, "Other noise in the selection (Shift+R)", "reroll-selection")));
    if (look.rerolls.length) {
      parts.push(make("div", { class: "tags" }, ...look.rerolls.map((reroll, at) => make("span", { class: "tag" },
        `${regionName(reroll)} · ${reroll.seed}`,
        iconButton("dice", "Roll again", () => this.#rollAgain(at), { class: "icon small" }),
        iconButton("close", "As before", () => studio.setLook({ rerolls: look.rerolls.filter((_, other) => other !== at) }), { class: "icon small" })))));
    }
    return parts;
  }

  #rollAgain(at) {
    const { seed: _, ...region } = this.studio.look.rerolls[at];
    this.studio.reroll(region);
  }

  /** A style for each object, from the model's style bank. */
  #objects() {
    const { studio } = this, { look, pen, space } = studio;
    const key = studio.objects.on && pen.instance ? String(pen.instance) : space.nameOf(pen.label);
    const set = (style) => studio.setLook({ styles: { ...look.styles, [key]: style } });
    const without = (gone) => Object.fromEntries(Object.entries(look.styles).filter(([name]) => name !== gone));
    return [
      make("hr"),
      row("Looks", make("span", { style: "flex: 1" }, Number(key) ? `object ${key}` : key),
        make("input", { type: "number", min: 0, max: 999, "aria-label": "Style of the bank", placeholder: "number", "data-control": "cluster",
          value: look.styles[key]?.cluster ?? "", onchange: ({ target }) => set({ cluster: Math.max(0, Math.floor(Number(target.value)) || 0) }) }),
        iconButton("dice", "A style of the bank by chance", () => set({ seed: Math.floor(Math.random() * 1e6) }), { "data-control": "look-dice" })),
      make("div", { class: "tags" }, ...Object.entries(look.styles).map(([name, style]) => make("span", { class: "tag" },
        `${Number(name) ? `object ${name}` : name} · ${style.cluster === undefined ? `seed ${style.seed}` : style.cluster}`,
        iconButton("close", "As before", () => studio.setLook({ styles: without(name) }), { class: "icon small" })))),
    ];
  }

  #source() {
    const { studio, actions } = this, { source } = studio;
    if (!source) return null;
    const original = iconButton("eye", "Hold to see the photo as it was", () => {}, { "data-control": "original" });
    for (const name of ["pointerdown", "keydown"]) original.addEventListener(name, (event) => { if (!event.key || [" ", "Enter"].includes(event.key)) actions.showOriginal(true); });
    for (const name of ["pointerup", "pointerleave", "keyup", "blur"]) original.addEventListener(name, () => actions.showOriginal(false));
    return [
      row("Editing",
        make("span", { class: "note", style: "flex: 1", id: "changed" }, studio.editing ? `${shareText(area(studio.changed()), studio.map.labels.length)} of the photo` : "not of the map's size"),
        original,
        make("button", { class: "button small", title: "Make the whole photo from the label map again", onclick: () => actions.dropSource() }, "Let go")),
      make("hr"),
    ];
  }
}

function row(label, ...children) {
  return make("div", { class: "row" }, make("span", { class: "label" }, label), ...children.filter(Boolean));
}

function regionName(reroll) {
  if (reroll.class !== undefined) return reroll.class;
  if (reroll.instance !== undefined) return `object ${reroll.instance}`;
  return "region";
}
