import { iconButton, make } from "./dom.js";

/** A dialog that is taken away when it closes; `buttons` are {title, strong, run}: `run` may answer false to keep it. */
export function openDialog({ title, size = "", body, buttons = [] }) {
  const dialog = make("dialog", { class: size, "aria-label": title });
  const row = buttons.map(({ title: text, strong, run }) => make("button", {
    class: strong ? "button strong" : "button", onclick: async () => { if ((await run?.()) !== false) dialog.close(); },
  }, text));
  dialog.append(
    make("header", {}, make("h1", {}, title), iconButton("close", "Close", () => dialog.close())),
    make("div", { class: "body" }, ...[body].flat(), row.length ? make("div", { class: "buttons" }, ...row) : null),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector(".body :is(input, select), .button.strong")?.focus();
  return dialog;
}

/**
 * A menu below a button. `entries()` are made when it opens: {title, keys, run, disabled}, {heading}, {element} or null
 * for a line.
 */
export function attachMenu(button, entries) {
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-expanded") === "true") return;
    const menu = make("div", { class: "menu", role: "menu", popover: "auto", "aria-label": button.textContent || button.title });
    for (const entry of entries()) menu.append(menuEntry(entry, () => menu.hidePopover()));
    document.body.append(menu);
    menu.addEventListener("toggle", ({ newState }) => {
      button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState === "closed") menu.remove();
    });
    menu.addEventListener("keydown", (event) => walk(menu, event));
    menu.showPopover();
    const frame = button.getBoundingClientRect();
    menu.style.top = `${frame.bottom + 6}px`;
    menu.style.left = `${Math.max(8, Math.min(frame.left, innerWidth - menu.offsetWidth - 8))}px`;
    menu.querySelector("button:not(:disabled), input")?.focus();
  });
}

function menuEntry(entry, close) {
  if (!entry) return make("hr");
  if (entry.heading) return make("div", { class: "heading" }, entry.heading);
  if (entry.element) return entry.element;
  return make("button", {
    role: "menuitem", disabled: entry.disabled, title: entry.why ?? "", onclick: () => { close(); entry.run(); },
  }, entry.title, entry.keys ? make("kbd", {}, entry.keys) : null);
}

function walk(menu, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...menu.querySelectorAll("button:not(:disabled)")];
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
  event.preventDefault();
}
