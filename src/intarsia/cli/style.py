"""`intarsia style`: collect styles of objects, for models with features of objects."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from intarsia.cli.device import pick_device
from intarsia.cli.options import at_least
from intarsia.cli.say import progress
from intarsia.errors import ConfigError

app = App(name="style", help="Collect styles of objects.")


@app.command
def build(*, model: str, data: str, out: Path, split: str = "train", clusters: int = 10, device: str = "auto") -> None:
    """Look at every photo of a data set and write the typical styles of each class: a style bank.

    `intarsia synth --bank` draws from it. Needs scikit-learn.

    Parameters
    ----------
    model
        A folder with a snapshot, or a Hugging Face hub id (owner/name); of a model with features of objects.
    data
        NAME:PATH or PATH of a data set of the model's label space.
    out
        File to write; an older one is replaced.
    split
        Which part of the data set.
    clusters
        Styles of a class, at most.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    from intarsia.data.sources import open_source
    from intarsia.synthesis.style_bank import build_bank
    from intarsia.synthesis.synthesiser import Synthesiser

    at_least(1, clusters=clusters)
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder. Give a file, such as {out / 'styles.safetensors'}.")
    synthesiser = Synthesiser.from_pretrained(model, pick_device(device))
    bank = build_bank(synthesiser, open_source(data, split), clusters=clusters, watch=progress)
    bank.save(out)
    counts = ", ".join(f"{name} {len(styles)}" for name, styles in bank.styles.items())
    print(f"wrote {out}, styles by class: {counts}")
