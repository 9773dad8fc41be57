"""`intarsia synth`: label maps in, photos out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.options import at_least
from intarsia.cli.paths import files_of, named_after
from intarsia.cli.say import notice, progress
from intarsia.errors import ConfigError, DataError
from intarsia.synthesis import DEFAULT_MODEL

if TYPE_CHECKING:
    from intarsia.cli.noise import Looks
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
    noise: str | None = None,
    reroll: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    variants: int = 1,
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
        Another seed, another look; for models with a style, with features of objects, or with noise in their map.
    style
        A photo whose look is taken over; for models with a style. For models with features of objects: a photo of the
        scene itself.
    instances
        Instance map (PNG), or a folder with one named after each label map; for models with instance edges.
    bank
        Style bank (intarsia style build) that objects draw their styles from; for models with features of objects. Or
        segment bank (intarsia bank build) that segments are pasted from; for SIMS.
    pick
        OBJECT=STYLE, may be given several times. OBJECT is an instance number or the name of a class; STYLE is the
        number of a style in the bank, seed:N, or PHOTO,INSTANCES,NUMBER: an object in another photo.
    noise
        Which pixels share a noise vector: global, per-class or per-instance. Or a file: PNG whose equal numbers are
        regions that share one, .npy of one vector or of a map of them. For models with noise in their map.
    reroll
        Region that takes its noise from another seed, as REGION or REGION=SEED; may be given several times. A class,
        instance:NUMBER, box:TOP,LEFT,HEIGHT,WIDTH, or a mask (PNG). Without SEED it is the next after --seed.
    variants
        Photos of each label map, by seeds that follow each other: of the regions to re-roll that name no seed, or
        where there are none of the whole.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    from intarsia.cli.noise import Looks, noise_of, order_of

    at_least(1, variants=variants)
    paths = files_of(labels, (".png",), "has no PNG file. Give label maps as PNG.")
    objects = instance_files(paths, instances)
    targets = named_after(paths, out, "photo", [style, *objects], copies=variants)
    looks = Looks(seed, style, noise_of(noise or "global"), tuple(map(order_of, reroll)), variants)

    from intarsia.data.label_files import read_photo
    from intarsia.synthesis.object_styles import StyleBank
    from intarsia.synthesis.photos import diversity, write_photo
    from intarsia.synthesis.synthesiser import Synthesiser

    synthesiser = Synthesiser.from_pretrained(model, pick_device(device))
    if synthesiser.pastes:
        paste_from(synthesiser, bank)
        bank = None
    looks.check(synthesiser)
    _tell_unused(synthesiser, instances, looks)
    look = None if style is None else read_photo(style)
    typical = None if bank is None else StyleBank.load(bank)
    styles = picked(pick, synthesiser) if pick else None
    paint = bool(bank or pick or (synthesiser.features and look is None))
    for path, own in progress(zip(paths, objects, strict=True), "checking", len(paths)):
        scene = looks.rerolled(synthesiser.open(path, own), 0)
        if paint:
            scene.paint(bank=typical, styles=styles, seed=seed or 0)
        if noise is not None:
            scene.check_noise(looks.noise)
    differences = []
    for number, (path, own) in enumerate(progress(zip(paths, objects, strict=True), "rendering", len(paths))):
        scene, photos = synthesiser.open(path, own), []
        for variant, target in enumerate(targets[number * variants : (number + 1) * variants]):
            whole = looks.rerolled(scene, variant)
            photo = whole.render(
                seed=looks.seed_of(variant), style=look, bank=typical, styles=styles, noise=looks.noise
            )
            write_photo(target, photo)
            photos.append(photo)
        differences.append(diversity(photos))
    print(f"wrote {len(targets)} photo{'s' * (len(targets) > 1)} to {out}")
    if variants > 1:
        print(f"two variants of a map differ by {sum(differences) / len(differences):.2f} levels of 255 on average")


def paste_from(synthesiser: Synthesiser, bank: Path | None) -> None:
    """Give a model that pastes segments its bank, or tell that it has none.

    Raises:
        CheckpointError: the bank cannot be read, or is of another label space.
        ConfigError: it is of another size.
    """
    from intarsia.synthesis.segment_bank import SegmentBank

    if bank is None:
        notice("no segment bank given (--bank): nothing is pasted, and photos follow from the labels alone.")
        return
    segments = SegmentBank.load(bank)
    synthesiser.paste_from(segments)
    lacking = [name for name, count in segments.counts.items() if not count]
    if lacking:
        notice(f"the bank has no segment of {', '.join(lacking)}: nothing is pasted there.")


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


def _tell_unused(synthesiser: Synthesiser, instances: Path | None, looks: Looks) -> None:
    objects = (
        synthesiser.has_edges
        or synthesiser.has_shapes
        or synthesiser.features > 0
        or looks.looks_at_objects(synthesiser)
    )
    if instances is not None and not objects and not looks.names_instances(synthesiser):
        notice(f"model {synthesiser.card.preset} does not look at instances: --instances changes nothing.")
    if instances is None and objects:
        notice("no instance map given: each connected region of a class counts as one object.")
