"""How long a frame of painting takes in the studio, on a label map of 1024 x 512.

    python -m benchmarks.painting            # a table
    python -m benchmarks.painting --json     # one line

A pointer goes in circles and paints, one movement for each frame of the browser, through the page's own events.
The work of a frame is all that the page does for it: the stroke into the label map, the changed box into colours, and
that box onto the screen. Frames a second are those that the browser shows; without a window it shows 60 at most. The
photo does not follow meanwhile: making it is the server's work.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from benchmarks.page import show, table
from benchmarks.studio_page import chromium, go, missing, served
from intarsia.bench.machine import machine

WIDTH, HEIGHT = 1024, 512
BRUSHES = (8, 32, 128)
PAINT = """async ([width, height, size, frames]) => {
    const { studio, view, display } = window.studio;
    display.set({ live: false, mode: "labels" });
    const labels = Uint16Array.from({ length: width * height }, (_, place) => (place >> 6) % 20);
    studio.begin({ width, height, labels });
    studio.setTool("brush");
    studio.setBrush({ size, shape: "round" });
    studio.setPen({ label: 5, instance: 0 });
    view.fit();
    const target = document.querySelector("#pane-map .marks"), frame = target.getBoundingClientRect();
    const send = (name, angle) => {
        const { scale, x, y } = view.viewport;
        target.dispatchEvent(new PointerEvent(name, {
            pointerId: 1, pointerType: "mouse", bubbles: true, button: name === "pointermove" ? -1 : 0, buttons: 1,
            clientX: frame.left + x + scale * width * (0.5 + 0.35 * Math.cos(angle)),
            clientY: frame.top + y + scale * height * (0.5 + 0.35 * Math.sin(1.7 * angle)),
        }));
    };
    const next = () => new Promise(requestAnimationFrame);
    target.setPointerCapture = () => {};  // there is no real pointer to capture
    await next();
    await next();
    const work = [], shown = [];
    send("pointerdown", 0);
    for (let count = 0; count < frames; count++) {
        const start = performance.now();
        send("pointermove", 0.06 * (count + 1));
        const painted = performance.now() - start;
        shown.push(await next());
        work.push(painted + view.drawnIn.at(-1));
    }
    send("pointerup", 0);
    return { work, intervals: shown.slice(1).map((time, at) => time - shown[at]) };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600, help="of each brush")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one line of JSON")
    asked = parser.parse_args()
    if (why := missing()) is not None:
        raise SystemExit(why)
    measured = painting(asked.frames)
    show(measured, section(measured), asked.as_json)


def painting(frames: int) -> dict[str, Any]:
    """Milliseconds of work in a frame, and frames a second, for several brushes."""
    brushes = {}
    with served() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        go(page, address)
        for size in BRUSHES:
            times = page.evaluate(PAINT, [WIDTH, HEIGHT, size, frames])
            work = sorted(times["work"])
            brushes[str(size)] = {
                "median_ms": statistics.median(work),
                "p95_ms": work[int(0.95 * len(work))],
                "frames_per_second": 1000 / statistics.mean(times["intervals"]),
            }
    return {"size": [HEIGHT, WIDTH], "brushes": brushes, "repeats": frames, "seed": 0, "machine": machine()}


def section(measured: dict[str, Any]) -> str:
    """A table of the brushes."""
    rows = [
        (f"{size} pixels", f"{one['median_ms']:.1f} ms", f"{one['p95_ms']:.1f} ms", f"{one['frames_per_second']:.0f}")
        for size, one in measured["brushes"].items()
    ]
    return table(("brush", "work in a frame", "of 19 in 20 frames less than", "frames a second"), rows)


if __name__ == "__main__":
    main()
