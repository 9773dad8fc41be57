"""`intarsia bank`: collect segments of photos, for models that paint over pasted ones (SIMS)."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from intarsia.cli.options import at_least
from intarsia.cli.say import notice, progress
from intarsia.errors import ConfigError

app = App(name="bank", help="Collect segments of photos.")


@app.command
def build(*, preset: str, data: str, out: Path, split: str = "train", photos: int | None = None) -> None:
    """Cut the photos of a data set up into segments, and write them: a segment bank.

    `intarsia synth --bank` pastes from it. Needs scikit-learn (pip install 'intarsia[bank]').

    Parameters
    ----------
    preset
        A preset of SIMS: of its size, and with its thin and flat classes.
    data
        NAME:PATH or PATH of a data set of its label space.
    out
        Folder to write; an older bank is replaced.
    split
        Which part of the data set.
    photos
        So many of its photos, evenly spread; all by default.
    """
    from intarsia import systems
    from intarsia.data.sources import open_source
    from intarsia.synthesis.segment_bank import build_segment_bank, check_replaceable
    from intarsia.systems.sims import SimsConfig

    at_least(1, photos=photos)
    config = systems.preset(preset).config
    if not isinstance(config, SimsConfig):
        raise ConfigError(f"preset {preset} pastes no segments. Choose one that starts with sims-.")
    check_replaceable(out)
    source = open_source(data, split)
    bank = build_segment_bank(
        source, size=config.size, thin=config.thin, ground=config.ground, photos=photos, watch=progress
    )
    bank.save(out)
    lacking = [name for name, count in bank.counts.items() if not count]
    if lacking:
        notice(f"no photo has a segment of {', '.join(lacking)} that is large enough.")
    print(f"wrote {out}: {len(bank)} segments of {len(bank.photos)} photos")
