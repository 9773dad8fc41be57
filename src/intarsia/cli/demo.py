"""`intarsia demo`: the bundled label maps, rendered, on a sheet and a page."""

from __future__ import annotations

import time
from pathlib import Path

from intarsia.cli.device import pick_device
from intarsia.cli.say import progress
from intarsia.synthesis import DEFAULT_MODEL


def demo(*, out: Path = Path("out/demo"), model: str = DEFAULT_MODEL, device: str = "auto") -> None:
    """Render the bundled label maps; write photos, a contact sheet and a page.

    Parameters
    ----------
    out
        Folder to write to.
    model
        A bundled model, a folder with a snapshot, or a Hugging Face hub id (owner/name); its label space is earth.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    device = pick_device(device)

    from intarsia.checkpoints.snapshot import check_label_space
    from intarsia.cli.gallery import Shown, bundled_maps, write_gallery
    from intarsia.synthesis.synthesiser import Synthesiser

    space, maps = bundled_maps()
    synthesiser = Synthesiser.from_pretrained(model, device)
    check_label_space(synthesiser.label_space, space, f"model {model}")

    started = time.perf_counter()
    shown = [
        Shown(name, labels, synthesiser(space.decode(labels)))
        for name, labels in progress(maps.items(), "rendering", len(maps))
    ]
    seconds = time.perf_counter() - started

    write_gallery(out, synthesiser, space, shown, f"{seconds:.1f} s ({device})")
    print(f"rendered {len(shown)} label maps in {seconds:.1f} s")
    for file in ("index.html", "contact-sheet.png", "photos", "labels"):
        print(f"  {out / file}")
