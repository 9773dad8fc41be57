import { openDialog } from "./dialog.js";
import { make } from "./dom.js";
import { TOOLS } from "./tools.js";

/**
 * Keys and what they do: one table, from which both the keys work and the sheet (?) is drawn.
 *
 * Keys are written as KeyboardEvent.key, "Mod+" being Ctrl, or Cmd on a Mac.
 */
export function shortcuts(studio, actions) {
  const { palette } = actions;
  return {
    Tools: Object.entries(TOOLS).map(([name, { title, key }]) => ({ keys: [key], title, run: () => studio.setTool(name) })),
    Painting: [
      { keys: ["["], title: "smaller brush", run: () => studio.setBrush({ size: Math.min(studio.brush.size - 1, studio.brush.size * 0.85) }) },
      { keys: ["]"], title: "larger brush", run: () => studio.setBrush({ size: Math.max(studio.brush.size + 1, studio.brush.size * 1.18) }) },
      { keys: ["{"], title: "brush smaller by 10", run: () => studio.setBrush({ size: studio.brush.size - 10 }) },
      { keys: ["}"], title: "brush larger by 10", run: () => studio.setBrush({ size: studio.brush.size + 10 }) },
      { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 … 9", title: "class of that number in the list", run: (key) => {
        const label = palette.numbered(Number(key));
        if (label !== undefined) studio.setLabel(label);
      } },
      { keys: ["x"], title: "swap the last two classes", run: () => studio.setLabel(studio.before) },
      { keys: ["/"], title: "search classes", run: () => palette.search.focus() },
      { keys: ["j"], title: "objects on or off", run: () => studio.setObjects({ on: !studio.objects.on }) },
      { keys: ["m"], title: "new object", run: () => studio.newObject() },
      { keys: ["c"], title: "protect the class, or no longer", run: () => studio.toggleProtect(studio.pen.label) },
    ],
    Selection: [
      { keys: ["Mod+a"], title: "select all", run: () => studio.setSelection(new Uint8Array(studio.map.labels.length).fill(1)) },
      { keys: ["Escape"], title: "select nothing", run: () => studio.setSelection(null) },
      { keys: ["Delete"], title: "fill the selection with the background", run: () => {
        if (studio.selection) { studio.brushOf(studio.space.background, 0).mask(studio.selection); studio.commit("clear selection"); }
      } },
      { keys: ["Mod+h"], title: "replace a class by another", run: actions.replaceClass },
    ],
    History: [
      { keys: ["Mod+z"], title: "undo", run: () => studio.undo() },
      { keys: ["Mod+Shift+z", "Mod+y"], title: "redo", run: () => studio.redo() },
    ],
    View: [
      { keys: ["v"], title: "next way to look", run: actions.nextMode },
      { keys: ["f", "0"], title: "fit", run: actions.fit },
      { keys: ["+", "="], shown: "+", title: "zoom in", run: () => actions.zoom(1.25) },
      { keys: ["-"], title: "zoom out", run: () => actions.zoom(0.8) },
      { keys: ["t"], title: "patterns on or off", run: actions.togglePatterns },
      { keys: ["u"], title: "outlines on or off", run: actions.toggleOutlines },
    ],
    Photo: [
      { keys: ["Mod+Enter"], title: "make the photo now", run: actions.renderNow },
      { keys: ["d"], title: "another seed", run: () => studio.dice() },
      { keys: ["R"], shown: "Shift+R", title: "re-roll the selection, or the class", run: actions.reroll },
      { keys: ["w"], title: "variants", run: actions.variants },
    ],
    Files: [
      { keys: ["Mod+o"], title: "open a map, photo or project", run: actions.open },
      { keys: ["Mod+s"], title: "save the project as a file", run: actions.saveProject },
      { keys: ["Mod+e"], title: "save the label map", run: actions.saveLabels },
      { keys: ["?"], title: "this sheet", run: actions.showKeys },
    ],
  };
}

const ON_PICTURE = [
  ["Arrows", "move the cursor (Shift: by 10)"],
  ["Enter", "press the tool, and let it go; a corner of a polygon"],
  ["Shift+Enter", "close the polygon"],
  ["Backspace", "take back a corner"],
  ["Escape", "cancel the stroke"],
  ["Space + drag", "move the picture"],
  ["Wheel", "zoom (Shift: sideways, Alt: size of the brush)"],
  ["Alt + click", "take the class under the pointer"],
];

/** Make the keys work. They rest where text is typed and while a dialog or a menu is open. */
export function listen(groups, say) {
  const byKey = new Map(Object.values(groups).flat().flatMap((entry) => entry.keys.map((key) => [key, entry])));
  window.addEventListener("keydown", async (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], .menu:popover-open")) return;
    const typing = event.target.matches?.("input:not([type=range], [type=checkbox]), select, textarea");
    const entry = byKey.get(nameOf(event));
    if (!entry || (typing && !nameOf(event).startsWith("Mod+")) || (typing && ["Mod+a", "Mod+z", "Mod+y"].includes(nameOf(event)))) return;
    event.preventDefault();
    try {
      await entry.run(event.key);
    } catch (error) {
      say(error.message);
    }
  });
}

function nameOf(event) {
  const mod = event.ctrlKey || event.metaKey;
  if (!mod) return event.altKey ? "" : event.key;
  return `Mod+${event.shiftKey ? "Shift+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
}

/** The sheet of all keys. */
export function showSheet(groups) {
  const mac = navigator.platform.startsWith("Mac");
  const written = (key) => key.replace("Mod", mac ? "⌘" : "Ctrl").split("+").map((part) => (part.length === 1 ? part.toUpperCase() : part)).join("+").replace(/^$/, "+");
  const section = (title, rows) => make("section", {}, make("h2", {}, title),
    make("dl", {}, ...rows.flatMap(([keys, what]) => [make("dt", {}, ...keys.flatMap((key) => [make("kbd", {}, key), " "])), make("dd", {}, what)])));
  openDialog({
    title: "Keyboard", size: "wide keys",
    body: make("div", { class: "columns" },
      ...Object.entries(groups).map(([title, rows]) => section(title, rows.map(({ keys, shown, title: what }) => [shown ? [shown] : keys.map(written), what]))),
      section("On the picture", ON_PICTURE.map(([key, what]) => [[key], what]))),
  });
}
