"""A person at the studio, for tests: what they do, and what lies on the desk."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import FileChooser, Page


@dataclass
class Desk:
    """A page of the studio."""

    page: Page
    errors: list[str] = field(default_factory=list)  # that nobody caught
    choosers: list[FileChooser] = field(default_factory=list)  # that the page opened

    def __post_init__(self):
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        # Listened to from the beginning: Playwright's own waiting can be late for the first one.
        self.page.on("filechooser", self.opened)

    def opened(self, chooser):
        """The page asks for a file. A method, since Playwright marks its listeners, and a list's cannot be marked."""
        self.choosers.append(chooser)

    def blank(self, width=64, height=48, label=0):
        """Begin anew with a map of one class; every setting as at the start."""
        self.page.evaluate(
            """([width, height, label]) => {
                const { studio, view, display, tools } = window.studio;
                for (const tool of Object.values(tools)) if (tool.busy) tool.cancel();
                studio.begin({ width, height, labels: new Uint16Array(width * height).fill(label) });
                studio.protect.clear();
                studio.emit("protect");
                studio.space.background = 0;
                Object.assign(studio.objects, { on: false, each: false, action: "pick" });
                studio.pen = { label: 1, instance: 0 };
                studio.contiguous = true;
                studio.select = "lasso";
                studio.setBrush({ size: 1, shape: "round" });
                studio.setTool("brush");
                display.set({ mode: "labels" });
                view.fit();
            }""",
            [width, height, label],
        )
        return self

    def put(self, labels, instances=None):
        """Lay a map on the desk."""
        height, width = labels.shape
        numbers = None if instances is None else instances.ravel().tolist()
        self.page.evaluate(
            "([width, height, labels, instances]) => window.studio.studio.begin({ width, height, labels, instances })",
            [width, height, labels.ravel().tolist(), numbers],
        )
        self.page.evaluate("window.studio.view.fit()")

    @property
    def labels(self):
        """The label map, H W."""
        return self._map("labels")

    @property
    def instances(self):
        """The instance map, H W."""
        return self._map("instances")

    def _map(self, name):
        found = self.page.evaluate(
            """(name) => {
                const { width, height, [name]: values } = window.studio.studio.map;
                const text = Array.from(new Uint8Array(values.buffer), (byte) => String.fromCharCode(byte)).join("");
                return [width, height, btoa(text)];
            }""",
            name,
        )
        width, height, text = found
        return np.frombuffer(base64.b64decode(text), "<u2").reshape(height, width)

    @property
    def selection(self):
        """The selected pixels, H W bool, or None."""
        found = self.page.evaluate("studio.studio.selection && [...studio.studio.selection]")
        return None if found is None else np.asarray(found, bool).reshape(self.labels.shape)

    def state(self, path):
        """Something of the studio, such as `pen.label`."""
        return json.loads(self.page.evaluate(f"JSON.stringify(window.studio.studio.{path} ?? null)"))

    def wait(self, expression, seconds=150):
        """Wait until an expression holds (Playwright's own waiting is refused by the page's security policy)."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression} does not become true"
            time.sleep(0.02)

    def give_file(self, ask, name, content):
        """Do what makes the page ask for a file, and choose one of such content."""
        ask()
        end = time.monotonic() + 60
        while not self.choosers:
            assert time.monotonic() < end, "the page asks for no file"
            self.page.wait_for_timeout(20)
        self.choosers.pop().set_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})

    def place(self, x, y, pane="map"):
        """Where the middle of a pixel is on the screen."""
        return self.page.evaluate(
            """([x, y, pane]) => {
                const frame = document.querySelector(`#pane-${pane} .marks`).getBoundingClientRect();
                const { scale, x: left, y: top } = window.studio.view.viewport;
                return [frame.left + left + (x + 0.5) * scale, frame.top + top + (y + 0.5) * scale];
            }""",
            [x, y, pane],
        )

    def drag(self, *points, button="left", pane="map"):
        """Press at the first point, go to the others, let go."""
        places = [self.place(*point, pane) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down(button=button)
        for place in places[1:]:
            self.page.mouse.move(*place)
        self.page.mouse.up(button=button)

    def click(self, x, y, **more):
        """Click in the middle of a pixel."""
        self.drag((x, y), **more)

    def tool(self, name):
        """Take a tool from the tool bar."""
        self.page.click(f"#tool-{name}")

    def choose(self, name):
        """Choose a class in the palette."""
        self.page.click(f"#classes .pick[title^='{name} (id']")

    def brush(self, size, shape="round"):
        """Size and shape of the brush."""
        self.page.evaluate("(brush) => window.studio.studio.setBrush(brush)", {"size": size, "shape": shape})

    def menu(self, menu, entry):
        """Choose from a menu at the top."""
        self.page.click(f"#{menu}-menu")
        self.page.click(f".menu button:has-text('{entry}')")
