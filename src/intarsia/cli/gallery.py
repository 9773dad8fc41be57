"""The demo's pictures: as files, on contact sheets, and on an HTML page without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from intarsia.checkpoints.models import BUNDLED
from intarsia.data.label_files import Photo, read_instance_map, read_label_map, write_instance_map, write_label_map
from intarsia.files import whole_file
from intarsia.labels import Ids, LabelClass, LabelSpace
from intarsia.synthesis.photos import write_photo
from intarsia.synthesis.sheet import Group, Section, draw_sheet
from intarsia.synthesis.synthesiser import Synthesiser

EXHIBITS = {"street": "spade-street-256", "earth": "spade-earth-128"}
"""Folders of bundled label maps, and the bundled model that renders each by default."""

TRY_NEXT = (
    (
        "Paint: open a label map in a paint program, draw in the colours above (no smoothing), save it, render it.",
        "intarsia synth {out}/earth/labels --out out/mine",
    ),
    (
        "Train a model yourself.",
        "intarsia train --preset spade-street-128 --data street:datasets/street --out out/runs/street --minutes 30",
    ),
    (
        "Measure what coded maps save on this machine.",
        "intarsia bench synth --preset spade-ade20k --size 256x256",
    ),
)


@dataclass(frozen=True)
class LabelMap:
    """A label map, with an instance map where its objects are told apart."""

    name: str
    labels: Ids  # H W train ids
    instances: Ids | None = None  # H W

    @property
    def title(self) -> str:
        """The name without its number."""
        return self.name.partition("-")[2].replace("-", " ")


@dataclass(frozen=True)
class Shown:
    """A label map and its photo."""

    map: LabelMap
    photo: Photo  # H W 3 uint8


@dataclass(frozen=True)
class Exhibit:
    """Bundled label maps of one label space, rendered by one model."""

    name: str
    synthesiser: Synthesiser
    shown: Sequence[Shown]

    @property
    def space(self) -> LabelSpace:
        """What the labels mean."""
        return self.synthesiser.label_space


def bundled_maps(exhibit: str) -> tuple[LabelSpace, list[LabelMap]]:
    """The label maps that come with the package under this name of `EXHIBITS`, and their label space."""
    folder = BUNDLED / "maps" / exhibit
    space = LabelSpace.load(folder / "label_space.json")
    return space, [_bundled_map(path, space) for path in sorted(folder.glob("*.png"))]


def rendered(synthesiser: Synthesiser, label_map: LabelMap) -> Shown:
    """A bundled label map as the model sees it."""
    scene = synthesiser.scene(synthesiser.label_space.decode(label_map.labels), label_map.instances)
    return Shown(label_map, scene.render())


def write_gallery(out: Path, exhibits: Sequence[Exhibit], took: str) -> None:
    """Write EXHIBIT/labels/, instances/ and photos/ (PNG), EXHIBIT/contact-sheet.png and index.html into `out`.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    for exhibit in exhibits:
        folder = out / exhibit.name
        for one in exhibit.shown:
            file = f"{one.map.name}.png"
            write_label_map(folder / "labels" / file, one.map.labels, exhibit.space)
            if one.map.instances is not None:
                write_instance_map(folder / "instances" / file, one.map.instances)
            write_photo(folder / "photos" / file, one.photo)
        with whole_file(folder / "contact-sheet.png") as temporary:
            contact_sheet(exhibit).save(temporary)
    with whole_file(out / "index.html") as temporary:
        temporary.write_text(_page(exhibits, took, out))


def contact_sheet(exhibit: Exhibit) -> Image.Image:
    """All pairs on one picture, with the classes' colours."""
    groups = [Group((exhibit.space.colourise(one.map.labels), one.photo), one.map.title) for one in exhibit.shown]
    subtitle = f"{exhibit.synthesiser.card.preset}: on the left what was given, on the right what came out"
    return draw_sheet("Intarsia", subtitle, [Section("", groups)], exhibit.space.classes, columns=3, side=256)


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


def _bundled_map(path: Path, space: LabelSpace) -> LabelMap:
    instances = path.parent / "instances" / path.name
    return LabelMap(
        path.stem, read_label_map(path, space).labels, read_instance_map(instances) if instances.is_file() else None
    )


def _page(exhibits: Sequence[Exhibit], took: str, out: Path) -> str:
    return Template((BUNDLED / "demo.html").read_text()).substitute(
        count=sum(len(exhibit.shown) for exhibit in exhibits),
        took=escape(took),
        exhibits="\n".join(_exhibit(exhibit) for exhibit in exhibits),
        commands="\n".join(f"<p>{escape(why)}</p>\n<pre>{escape(do.format(out=out))}</pre>" for why, do in TRY_NEXT),
    )


def _exhibit(exhibit: Exhibit) -> str:
    name, model = escape(exhibit.name), escape(exhibit.synthesiser.card.preset)
    facts = card_facts(exhibit.synthesiser).items()
    return "\n".join(
        (
            f"<h2>{name}, rendered by {model}</h2>",
            f'<p class="faint">On one sheet: <a href="{name}/contact-sheet.png">contact-sheet.png</a>.</p>',
            '<div class="pairs">',
            *(_pair(name, one) for one in exhibit.shown),
            "</div>",
            "<h3>What the colours mean</h3>",
            '<ul class="legend">',
            *(_entry(label_class) for label_class in exhibit.space.classes),
            "</ul>",
            "<h3>The model</h3>",
            "<dl>",
            *(f"  <dt>{escape(fact)}</dt><dd>{escape(value)}</dd>" for fact, value in facts),
            "</dl>",
        )
    )


def _pair(folder: str, shown: Shown) -> str:
    title, (height, width) = escape(shown.map.title), shown.map.labels.shape
    file = f"{escape(shown.map.name)}.png"
    return (
        f'  <figure><div class="pair"><img src="{folder}/labels/{file}" alt="label map: {title}">'
        f'<img src="{folder}/photos/{file}" alt="photo: {title}"></div>'
        f"<figcaption><span>{title}</span><span>{width} x {height}</span></figcaption></figure>"
    )


def _entry(label_class: LabelClass) -> str:
    colour = " ".join(str(value) for value in label_class.colour)
    return f'  <li><i style="background: rgb({colour})"></i>{escape(label_class.name)}</li>'
