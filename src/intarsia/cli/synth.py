"""`intarsia synth`: label maps in, photos out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.paths import files_of, named_after
from intarsia.cli.say import notice, progress
from intarsia.errors import DataError
from intarsia.synthesis import DEFAULT_MODEL

if TYPE_CHECKING:
    from intarsia.synthesis.synthesiser import Synthesiser


def synth(
    labels: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    out: Path,
    model: str = DEFAULT_MODEL,
    seed: int | None = None,
    style: Path | None = None,
    instances: Path | None = None,
    device: str = "auto",
) -> None:
    """Make photos from label maps.

    All label maps are checked before the first photo is written; photos that exist are replaced.

    Parameters
    ----------
    labels
        Label maps, or folders of them: index PNG, palette PNG or colour PNG of the model's label space. Any size.
    out
        Folder for the photos; each is named after its label map.
    model
        A bundled model, a folder with a snapshot, or a Hugging Face hub id (owner/name).
    seed
        Another seed, another look; for models with a style.
    style
        A photo whose look is taken over; for models with a style.
    instances
        Instance map (PNG), or a folder with one named after each label map; for models with instance edges.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    paths = files_of(labels, (".png",), "has no PNG file. Give label maps as PNG.")
    objects = instance_files(paths, instances)
    targets = named_after(paths, out, "photo", [style, *objects])

    from intarsia.data.label_files import read_photo
    from intarsia.synthesis.photos import write_photo
    from intarsia.synthesis.synthesiser import Synthesiser

    synthesiser = Synthesiser.from_pretrained(model, pick_device(device))
    _tell_unused(synthesiser, seed, style, instances)
    look = None if style is None else read_photo(style)
    for path, own in progress(zip(paths, objects, strict=True), "checking", len(paths)):
        synthesiser.open(path, own)
    for path, own, target in progress(zip(paths, objects, targets, strict=True), "rendering", len(paths)):
        write_photo(target, synthesiser.open(path, own).render(seed=seed or 0, style=look))
    print(f"wrote {len(paths)} photo{'s' * (len(paths) > 1)} to {out}")


def instance_files(labels: list[Path], given: Path | None) -> list[Path | None]:
    """The instance map of each label map.

    Raises:
        DataError: one file was given for several label maps, or a folder lacks one.
    """
    if given is None:
        return [None] * len(labels)
    if not given.is_dir():
        if len(labels) > 1:
            raise DataError(f"{given} is one instance map for {len(labels)} label maps. Give a folder of them.")
        return [given]
    found: list[Path | None] = [given / f"{path.stem}.png" for path in labels]
    for path, own in zip(labels, found, strict=True):
        if own is not None and not own.is_file():
            raise DataError(f"label map {path} has no instance map {own}. Add it, or leave --instances out.")
    return found


def _tell_unused(synthesiser: Synthesiser, seed: int | None, style: Path | None, instances: Path | None) -> None:
    name = synthesiser.card.preset
    if seed is not None and not synthesiser.has_style:
        notice(f"model {name} draws no noise: --seed changes nothing.")
    elif seed is not None and style is not None:
        notice("a style photo decides the look: --seed changes nothing.")
    if instances is not None and not synthesiser.has_edges:
        notice(f"model {name} does not look at instances: --instances changes nothing.")
    if instances is None and synthesiser.has_edges:
        notice("no instance map given: each connected region of a class counts as one object.")
