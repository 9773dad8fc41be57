import { byId, icon, make, roving, segments } from "./dom.js";
import { TOOLS } from "./tools.js";

/** The column of tools, and the row of options above the picture. */
export function showTools(studio, actions) {
  const rail = byId("tools"), options = byId("options");
  for (const [name, { title, key, help }] of Object.entries(TOOLS)) {
    if (["line", "picker", "select"].includes(name)) rail.append(make("hr", { "aria-hidden": "true" }));
    rail.append(make("button", {
      role: "radio", id: `tool-${name}`, title: `${title} (${key.toUpperCase()}): ${help}`, "aria-label": title,
      "aria-keyshortcuts": key.toUpperCase(), onclick: () => studio.setTool(name),
    }, icon(name), make("kbd", { "aria-hidden": "true" }, key)));
  }
  roving(rail, "[role=radio]");

  const refresh = () => {
    for (const button of rail.querySelectorAll("button")) {
      const chosen = button.id === `tool-${studio.tool}`;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    const focused = options.contains(document.activeElement) ? document.activeElement.dataset.option : null;
    options.replaceChildren(...optionsOf(studio, actions));
    if (focused) options.querySelector(`[data-option="${focused}"]`)?.focus();
  };
  studio.on("pen selection model", refresh);
  refresh();
}

function optionsOf(studio, actions) {
  const tool = TOOLS[studio.tool];
  const parts = [make("span", { class: "title" }, tool.title)];
  if (tool.options.includes("brush")) parts.push(...brushOptions(studio));
  if (tool.options.includes("contiguous")) {
    parts.push(segments("What is filled", { true: "Region", false: "All alike" }, String(studio.contiguous), (value) => {
      studio.contiguous = value === "true";
      studio.emit("pen");
    }));
  }
  if (tool.options.includes("select")) parts.push(...selectOptions(studio, actions));
  parts.push(...objectOptions(studio, tool.options.includes("objects")));
  if (!tool.options.includes("select") && studio.selection) parts.push(make("span", { class: "help" }, "Painting stays in the selection (Esc: none)"));
  else if (!tool.options.length) parts.push(make("span", { class: "help" }, tool.help));
  return parts;
}

function brushOptions(studio) {
  const { brush } = studio;
  const size = make("input", {
    type: "range", min: 0, max: 100, step: 1, value: Math.round((Math.log2(brush.size) / 8) * 100), "data-option": "size",
    "aria-label": "Size of the brush", "aria-valuetext": `${brush.size} pixels`,
    oninput: ({ target }) => studio.setBrush({ size: 2 ** ((target.value / 100) * 8) }),
  });
  return [
    make("label", { class: "slide", title: "[ and ] change the size" }, "Size", size, make("output", {}, `${brush.size}`)),
    segments("Shape of the brush", { round: "Round", square: "Square" }, brush.shape, (shape) => studio.setBrush({ shape })),
  ];
}

function selectOptions(studio, actions) {
  const none = !studio.selection;
  const button = (title, run, help) => make("button", { class: "button small", title: help, disabled: none, onclick: run }, title);
  const steps = make("input", {
    type: "number", id: "steps", min: 1, max: 64, value: studio.steps ?? 2, "aria-label": "Pixels", style: "width: 3.75rem; height: 1.75rem",
    onchange: ({ target }) => { studio.steps = Math.min(64, Math.max(1, Math.round(target.value) || 1)); target.value = studio.steps; },
  });
  const by = () => Number(steps.value) || 1;
  return [
    segments("How to select", { lasso: "Lasso", box: "Box", region: "Region", class: "Class" }, studio.select, (select) => {
      studio.select = select;
      studio.emit("pen");
    }),
    make("span", { class: "separator" }),
    button("Fill", () => studio.fill(studio.selection, "fill selection"), "Fill the selection with the class"),
    button("Grow", () => studio.reshape("grow", by()), "The region grows over what lies around it"),
    button("Shrink", () => studio.reshape("shrink", by()), "What lies around the region grows over it"),
    button("Smooth", () => studio.reshape("smooth", by()), "The outline of the region becomes smooth"),
    steps,
    button("Replace…", () => actions.replaceClass(), "Replace a class by another in the selection"),
    button("Re-roll", () => actions.rerollSelection(), "Other noise in the selection"),
    button("None", () => studio.setSelection(null), "Esc"),
  ];
}

/** Object mode: what is painted belongs to an object of its own. */
function objectOptions(studio, whole) {
  const { objects, pen } = studio;
  const parts = [make("span", { class: "separator" })];
  if (whole) {
    parts.push(segments("What a click does", { pick: "Take up", relabel: "Relabel", delete: "Delete" }, objects.action, (action) => studio.setObjects({ action })));
  }
  parts.push(make("label", { class: "check", title: "What is painted becomes an object of its own (J)" },
    make("input", { type: "checkbox", checked: objects.on, "data-option": "objects", onchange: ({ target }) => studio.setObjects({ on: target.checked }) }),
    objects.on ? `Object ${pen.instance || "none"}` : "Objects"));
  if (objects.on) {
    parts.push(
      make("button", { class: "button small", title: "The next strokes are a new object (M)", onclick: () => studio.newObject() }, "New"),
      make("label", { class: "check", title: "Every stroke begins an object of its own" },
        make("input", { type: "checkbox", checked: objects.each, "data-option": "each", onchange: ({ target }) => studio.setObjects({ each: target.checked }) }),
        "One a stroke"),
    );
  }
  return parts;
}
