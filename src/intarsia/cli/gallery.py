"""The demo's pictures: as files, on a contact sheet, and on an HTML page without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from intarsia.data.label_files import Photo, read_label_map, write_label_map
from intarsia.files import whole_file
from intarsia.labels import Ids, LabelClass, LabelSpace
from intarsia.synthesis.models import BUNDLED
from intarsia.synthesis.photos import write_photo
from intarsia.synthesis.sheet import Group, Section, draw_sheet
from intarsia.synthesis.synthesiser import Synthesiser

TRY_NEXT = (
    (
        "Paint: open a label map in a paint program, draw in the colours above (no smoothing), save it, render it.",
        "intarsia synth {out}/labels --out out/mine",
    ),
    (
        "Train this model yourself.",
        "intarsia data build earth --out out/earth\n"
        "intarsia train --preset spade-earth-128 --data earth:out/earth --out out/runs/earth",
    ),
    (
        "Measure what coded maps save on this machine.",
        "intarsia bench synth --preset spade-ade20k --size 256x256",
    ),
)


@dataclass(frozen=True)
class Shown:
    """A label map and its photo."""

    name: str
    labels: Ids  # H W train ids
    photo: Photo  # H W 3 uint8

    @property
    def title(self) -> str:
        """The name without its number."""
        return self.name.partition("-")[2].replace("-", " ")


def bundled_maps() -> tuple[LabelSpace, dict[str, Ids]]:
    """The label maps that come with the package: their label space, and train ids (H W) by name."""
    space = LabelSpace.load(BUNDLED / "maps" / "label_space.json")
    paths = sorted((BUNDLED / "maps").glob("*.png"))
    return space, {path.stem: read_label_map(path, space).labels for path in paths}


def write_gallery(out: Path, synthesiser: Synthesiser, space: LabelSpace, shown: Sequence[Shown], took: str) -> None:
    """Write labels/ and photos/ (PNG), contact-sheet.png and index.html into `out`.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    for one in shown:
        write_label_map(out / "labels" / f"{one.name}.png", one.labels, space)
        write_photo(out / "photos" / f"{one.name}.png", one.photo)
    with whole_file(out / "contact-sheet.png") as temporary:
        contact_sheet(synthesiser, space, shown).save(temporary)
    with whole_file(out / "index.html") as temporary:
        temporary.write_text(_page(synthesiser, space, shown, took, out))


def contact_sheet(synthesiser: Synthesiser, space: LabelSpace, shown: Sequence[Shown]) -> Image.Image:
    """All pairs on one picture, with the classes' colours."""
    groups = [Group((space.colourise(one.labels), one.photo), one.title) for one in shown]
    subtitle = f"{synthesiser.card.preset}: on the left what was given, on the right what came out"
    return draw_sheet("Intarsia", subtitle, [Section("", groups)], space.classes, columns=3, side=256)


def _page(synthesiser: Synthesiser, space: LabelSpace, shown: Sequence[Shown], took: str, out: Path) -> str:
    return Template((BUNDLED / "demo.html").read_text()).substitute(
        model=escape(synthesiser.card.preset),
        count=len(shown),
        took=escape(took),
        pairs="\n".join(_pair(one) for one in shown),
        legend="\n".join(_entry(label_class) for label_class in space.classes),
        facts="\n".join(f"  <dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in card_facts(synthesiser).items()),
        commands="\n".join(f"<p>{escape(why)}</p>\n<pre>{escape(do.format(out=out))}</pre>" for why, do in TRY_NEXT),
    )


def card_facts(synthesiser: Synthesiser) -> dict[str, str]:
    """What a model's card says, for people."""
    card = synthesiser.card
    facts = {"system": card.system, "generator": f"{synthesiser.parameters / 1e6:.1f} million parameters"}
    if card.training:
        trained = card.training
        facts["trained on"] = f"{trained.data}, {trained.images:,} images seen"
        facts["training took"] = f"{trained.seconds / 60:.0f} minutes on {trained.hardware}"
    facts |= {name.replace("_", " "): f"{score:.4g}" for name, score in card.scores.items()}
    return facts | ({"licence": card.licence} if card.licence else {})


def _pair(shown: Shown) -> str:
    title, (height, width) = escape(shown.title), shown.labels.shape
    file = f"{escape(shown.name)}.png"
    return (
        f'  <figure><div class="pair"><img src="labels/{file}" alt="label map: {title}">'
        f'<img src="photos/{file}" alt="photo: {title}"></div>'
        f"<figcaption><span>{title}</span><span>{width} x {height}</span></figcaption></figure>"
    )


def _entry(label_class: LabelClass) -> str:
    colour = " ".join(str(value) for value in label_class.colour)
    return f'  <li><i style="background: rgb({colour})"></i>{escape(label_class.name)}</li>'
