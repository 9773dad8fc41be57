"""A project as one ZIP file: all that a person made, the seed, and the weights that it was made with.

    project.json                what follows, in words: format, version, name, model, hash, label_space, size, look
    labels.png, instances.png   what is painted; 16-bit where ids need it
    photo.png                   the last photo
    source.png, source-labels.png, source-instances.png   a real photo under edit, and its maps before
    style-1.png                 the style photo

The studio's page reads and writes the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from intarsia.conditioning.noise import Layout
from intarsia.data.label_files import Photo, Sent, label_image, read_photo
from intarsia.editing.archive import read_zip, zipped
from intarsia.editing.document import Document
from intarsia.editing.looks import Look
from intarsia.editing.pictures import png
from intarsia.editing.region_data import RerollData, Seed
from intarsia.errors import ConfigError, DataError
from intarsia.files import whole_file
from intarsia.labels import LabelSpace

VERSION = 1


class LookData(BaseModel):
    """How the photo looks. What only the page needs is kept out of here."""

    model_config = ConfigDict(extra="ignore")

    seed: Seed = 0
    noise: Layout = "global"
    style: dict[str, Any] = Field(default_factory=lambda: {"kind": "seed"})
    rerolls: list[RerollData] = Field(default_factory=list)
    styles: dict[str, Any] = Field(default_factory=dict)


class About(BaseModel):
    """`project.json`."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["intarsia-project"] = "intarsia-project"
    version: int = VERSION
    name: str = "Untitled"
    model: str | None = None
    hash: str | None = None  # SHA-256 of the weights
    label_space: str | None = None
    size: tuple[int, int] | None = None
    look: LookData = Field(default_factory=LookData)
    styles: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Project:
    """A document, its look, and the model that it was made with."""

    document: Document
    look: Look
    name: str = "Untitled"
    model: str | None = None
    hash: str | None = None  # SHA-256 of the model's weights
    photo: Photo | None = None  # the last one
    label_space: str | None = None  # the name of the document's, as the file has it

    def packed(self) -> bytes:
        """The project as a ZIP.

        Raises:
            ConfigError: the look has what a project cannot hold: a style vector, an array of noise, styles of objects.
        """
        document, look = self.document, self.look
        if look.z is not None or look.styles is not None or not isinstance(look.noise, str):
            raise ConfigError(
                "a project holds a seed, a style photo, a layout of noise and re-rolls. Leave vectors and arrays out."
            )
        files = {"project.json": self._about().model_dump_json(indent=1, by_alias=True, exclude_none=True).encode()}
        files |= _map_files("", document.maps, document.space)
        if document.source is not None and document.source_labels is not None:
            files["source.png"] = png(Image.fromarray(document.source))
            files |= _map_files("source-", document.source_labels, document.space)
        if look.style is not None:
            files["style-1.png"] = png(Image.fromarray(look.style))
        if self.photo is not None:
            files["photo.png"] = png(Image.fromarray(self.photo))
        return zipped(files)

    def save(self, path: Path) -> None:
        """Write the project, whole or not at all.

        Raises:
            ConfigError: as `packed`.
            StorageError: the file cannot be written.
        """
        content = self.packed()
        with whole_file(path) as temporary:
            temporary.write_bytes(content)

    @classmethod
    def load(cls, path: Path, space: LabelSpace) -> Project:
        """Read a project whose maps are of a label space.

        Raises:
            DataError: the file is missing, damaged, or no project.
            LabelError: its maps have an id that is no class of the space.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise DataError(f"project {path} does not exist. Give a ZIP file that Intarsia saved.") from None
        return cls.unpacked(content, space, str(path))

    @classmethod
    def unpacked(cls, content: bytes, space: LabelSpace, name: str) -> Project:
        """Read a project from a ZIP's bytes; `name` is what errors call it.

        Raises:
            DataError: it is damaged or no project.
            LabelError: its maps have an id that is no class of the space.
        """
        files = read_zip(content, name)
        about = _about_in(files, name)

        def found(file: str) -> Sent | None:
            return Sent(f"{file} in {name}", files[file]) if file in files else None

        document = Document.open(_needed(found("labels.png"), name), space, found("instances.png"))
        if (source := found("source.png")) is not None:
            before = Document.open(_needed(found("source-labels.png"), name), space, found("source-instances.png"))
            document.source, document.source_labels = read_photo(source), before.maps
        styled = about.look.style.get("kind") == "image"
        style = found("style-1.png") if styled else None
        rerolls = tuple(each.reroll(document.size) for each in about.look.rerolls)
        look = Look(about.look.seed, about.look.noise, None if style is None else read_photo(style), rerolls=rerolls)
        photo = None if (last := found("photo.png")) is None else read_photo(last)
        return cls(document, look, about.name, about.model, about.hash, photo, about.label_space)

    def _about(self) -> About:
        look, document = self.look, self.document
        style = {"kind": "seed"} if look.style is None else {"kind": "image", "one": 0}
        assert isinstance(look.noise, str)
        return About(
            name=self.name,
            model=self.model,
            hash=self.hash,
            label_space=document.space.name,
            size=document.size,
            look=LookData(
                seed=look.seed,
                noise=look.noise,
                style=style,
                rerolls=[RerollData.of(reroll) for reroll in look.rerolls],
            ),
            styles=[] if look.style is None else [{"name": "style", "preset": None}],
        )


def _about_in(files: Mapping[str, bytes], name: str) -> About:
    try:
        values = json.loads(files.get("project.json", b""))
        if values.get("version", 0) > VERSION:
            raise DataError(f"{name} was saved by a newer Intarsia. Update this one.")
        return About.model_validate(values)
    except (ValueError, AttributeError, TypeError, ValidationError):
        raise DataError(f"{name} is no project: its project.json is missing or malformed. Export it again.") from None


def _needed(file: Sent | None, name: str) -> Sent:
    if file is None:
        raise DataError(f"{name} is no project: a label map is missing. Export it again.")
    return file


def _map_files(prefix: str, maps: npt.NDArray[np.uint16], space: LabelSpace) -> dict[str, bytes]:
    files = {f"{prefix}labels.png": png(label_image(space.encode(maps[0], "of the document"), space))}
    if maps[1].any():
        files[f"{prefix}instances.png"] = png(Image.fromarray(np.ascontiguousarray(maps[1])))
    return files
