"""`intarsia demo`: the bundled label maps, rendered, on sheets and a page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from intarsia.cli.device import pick_device
from intarsia.cli.say import progress
from intarsia.errors import CheckpointError

if TYPE_CHECKING:
    from intarsia.cli.gallery import Exhibit
    from intarsia.synthesis.synthesiser import Synthesiser


def demo(*, out: Path = Path("out/demo"), model: str | None = None, device: str = "auto") -> None:
    """Render the bundled label maps; write photos, contact sheets and a page.

    Parameters
    ----------
    out
        Folder to write to.
    model
        A bundled model, a folder with a snapshot, or a Hugging Face hub id (owner/name): renders the label maps of its
        label space. By default each label space has its bundled model.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    device = pick_device(device)

    from intarsia.cli.gallery import EXHIBITS, write_gallery
    from intarsia.synthesis.synthesiser import Synthesiser

    if model is None:
        synthesisers = {name: Synthesiser.from_pretrained(bundled, device) for name, bundled in EXHIBITS.items()}
    else:
        synthesiser = Synthesiser.from_pretrained(model, device)
        synthesisers = {exhibit_for(synthesiser, model): synthesiser}
    started = time.perf_counter()
    exhibits = [render(name, synthesiser) for name, synthesiser in synthesisers.items()]
    seconds = time.perf_counter() - started

    write_gallery(out, exhibits, f"{seconds:.1f} s ({device})")
    print(f"rendered {sum(len(exhibit.shown) for exhibit in exhibits)} label maps in {seconds:.1f} s")
    for path in (out / "index.html", *(out / exhibit.name for exhibit in exhibits)):
        print(f"  {path}")


def exhibit_for(synthesiser: Synthesiser, model: str) -> str:
    """The bundled label maps that the model can render.

    Raises:
        CheckpointError: there are none of its label space.
    """
    from intarsia.checkpoints.snapshot import check_label_space
    from intarsia.cli.gallery import EXHIBITS, bundled_maps

    name = synthesiser.label_space.name
    if name not in EXHIBITS:
        raise CheckpointError(
            f"model {model} is of label space {name}, and the demo has label maps of {', '.join(EXHIBITS)}. "
            "Render your own: intarsia synth."
        )
    check_label_space(synthesiser.label_space, bundled_maps(name)[0], f"model {model}")
    return name


def render(name: str, synthesiser: Synthesiser) -> Exhibit:
    """The bundled label maps of this name with their photos."""
    from intarsia.cli.gallery import Exhibit, bundled_maps, rendered

    _, maps = bundled_maps(name)
    shown = [rendered(synthesiser, label_map) for label_map in progress(maps, f"rendering {name}", len(maps))]
    return Exhibit(name, synthesiser, shown)
