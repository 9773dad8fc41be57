"""`intarsia synth`: label maps in, photos out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.paths import files_of, named_after
from intarsia.cli.say import notice, progress
from intarsia.errors import ConfigError, DataError
from intarsia.synthesis import DEFAULT_MODEL

if TYPE_CHECKING:
    from intarsia.synthesis.object_styles import Style
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
    bank: Path | None = None,
    pick: Annotated[tuple[str, ...], Parameter(negative="")] = (),
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
        Another seed, another look; for models with a style, or with features of objects.
    style
        A photo whose look is taken over; for models with a style. For models with features of objects: a photo of the
        scene itself.
    instances
        Instance map (PNG), or a folder with one named after each label map; for models with instance edges.
    bank
        Style bank (intarsia style build) that objects draw their styles from; for models with features of objects.
    pick
        OBJECT=STYLE, may be given several times. OBJECT is an instance number or the name of a class; STYLE is the
        number of a style in the bank, seed:N, or PHOTO,INSTANCES,NUMBER: an object in another photo.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    paths = files_of(labels, (".png",), "has no PNG file. Give label maps as PNG.")
    objects = instance_files(paths, instances)
    targets = named_after(paths, out, "photo", [style, *objects])

    from intarsia.data.label_files import read_photo
    from intarsia.synthesis.object_styles import StyleBank
    from intarsia.synthesis.photos import write_photo
    from intarsia.synthesis.synthesiser import Synthesiser

    synthesiser = Synthesiser.from_pretrained(model, pick_device(device))
    _tell_unused(synthesiser, seed, style, instances)
    look = None if style is None else read_photo(style)
    typical = None if bank is None else StyleBank.load(bank)
    styles = picked(pick, synthesiser) if pick else None
    paint = bool(bank or pick or (synthesiser.features and look is None))
    for path, own in progress(zip(paths, objects, strict=True), "checking", len(paths)):
        scene = synthesiser.open(path, own)
        if paint:
            scene.paint(bank=typical, styles=styles, seed=seed or 0)
    for path, own, target in progress(zip(paths, objects, targets, strict=True), "rendering", len(paths)):
        photo = synthesiser.open(path, own).render(seed=seed or 0, style=look, bank=typical, styles=styles)
        write_photo(target, photo)
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


def picked(picks: Iterable[str], synthesiser: Synthesiser) -> dict[int | str, Style]:
    """What `--pick` says: styles by instance number or name of a class.

    Raises:
        ConfigError: one is malformed, or the model has no features of objects.
        DataError: a photo or instance map cannot be read, or has no such object.
    """
    from intarsia.synthesis.object_styles import Cluster, Drawn

    synthesiser.check_features()
    styles: dict[int | str, Style] = {}
    for pick in picks:
        what, equals, style = pick.rpartition("=")
        key: int | str = int(what) if what.isdecimal() else what
        if not equals or not what or not style:
            raise ConfigError(f"--pick {pick} is not OBJECT=STYLE. Write for example car=3, or 17=seed:4.")
        if key in styles:
            raise ConfigError(f"--pick gives {what} two styles. Give it one.")
        if style.isdecimal():
            styles[key] = Cluster(int(style))
        elif style.startswith("seed:") and style[5:].isdecimal():
            styles[key] = Drawn(int(style[5:]))
        else:
            styles[key] = _seen_in(style, pick, synthesiser)
    return styles


def _seen_in(style: str, pick: str, synthesiser: Synthesiser) -> Style:
    """The style of an object in another photo: PHOTO,INSTANCES,NUMBER."""
    from intarsia.data.label_files import read_instance_map, read_photo

    photo, _, number = style.rpartition(",")
    photo, _, instances = photo.rpartition(",")
    if not (photo and instances and number.isdecimal()):
        raise ConfigError(
            f"--pick {pick} has no style. Give the number of one in the bank, seed:N, or PHOTO,INSTANCES,NUMBER."
        )
    styles = synthesiser.object_styles(read_photo(Path(photo)), read_instance_map(Path(instances)))
    if int(number) not in styles:
        raise DataError(f"instance map {instances} has no instance {number}. It has {min(styles)}..{max(styles)}.")
    return styles[int(number)]


def _tell_unused(synthesiser: Synthesiser, seed: int | None, style: Path | None, instances: Path | None) -> None:
    name = synthesiser.card.preset
    if seed is not None and not synthesiser.has_style and not synthesiser.features:
        notice(f"model {name} draws no noise: --seed changes nothing.")
    elif seed is not None and style is not None:
        notice("a style photo decides the look: --seed changes nothing.")
    if instances is not None and not synthesiser.has_edges and not synthesiser.features:
        notice(f"model {name} does not look at instances: --instances changes nothing.")
    if instances is None and (synthesiser.has_edges or synthesiser.features):
        notice("no instance map given: each connected region of a class counts as one object.")
