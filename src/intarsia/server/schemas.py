"""What goes over the border: requests and answers, checked by pydantic. An unknown key is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from intarsia.conditioning.noise import Layout
from intarsia.editing.composite import FEATHER
from intarsia.editing.palette import How
from intarsia.editing.pictures import Format
from intarsia.editing.region_data import RerollData, Seed

Id = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(BaseModel):
    """What requests are made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(BaseModel):
    """What is wrong, in one line that names the value and the mend."""

    detail: str


def problem(description: str) -> dict[str, Any]:
    """What the schema says of an answer that is a problem, whatever the door gives otherwise."""
    return {"description": description, "content": {"application/json": {"schema": Problem.model_json_schema()}}}


class Cluster(Strict):
    """A style of the model's style bank, by its number for the class."""

    cluster: Annotated[int, Field(ge=0, strict=True)]


class Drawn(Strict):
    """A style of the bank, drawn by seed."""

    seed: Seed


class Options(Strict):
    """How a label map is to look."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "spade-street-256", "seed": 7, "client": "me", "sequence": 3}]}
    )

    model: Name | None = Field(
        default=None, description="A name from `GET /v1/models`; the default model if not given."
    )
    seed: Seed = 0
    noise: Layout = Field(
        default="global", description="Which pixels share a noise vector; for models that take noise."
    )
    rerolls: Annotated[list[RerollData], Field(max_length=64)] = Field(
        default=[], description="Regions that look as under another seed; where they overlap, the last one counts."
    )
    styles: dict[Name, Cluster | Drawn | Annotated[list[float], Field(max_length=1024)]] | None = Field(
        default=None,
        max_length=1024,
        description="How objects look, by name of a class or number of an instance: out of the style bank, or the "
        "numbers themselves. For models that take object styles.",
    )
    blend: Annotated[float, Field(ge=0, le=1)] = Field(default=0.5, description="Share of `style2`, if that is given.")
    format: Format = "png"
    client: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="Whoever sends many: of the requests of one client that wait, only the latest is answered.",
    )
    sequence: Annotated[int, Field(ge=0, le=2**53, strict=True)] = Field(
        default=0, description="Which of the client's requests this is: higher is later."
    )


class VariantOptions(Options):
    """Several photos of one label map."""

    n: Annotated[int, Field(ge=1, le=64, strict=True)] | None = Field(
        default=None, description="How many; 4 if not given."
    )
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Their seeds; counted up from `seed` if not given."
    )


class RerollOptions(Options):
    """One region more to look as under another seed."""

    region: RerollData


class EditOptions(Options):
    """How the changed part of a photo is to look."""

    feather: Annotated[int, Field(ge=0, le=64, strict=True)] = Field(
        default=FEATHER, description="Pixels over which the new fades in, inside what changed."
    )


class SegmentOptions(Strict):
    """Who is to find the label map of a photo."""

    segmenter: Name | None = Field(
        default=None, description="Its name; if not given, one that speaks the model's classes."
    )
    model: Name | None = Field(default=None, description="The model that the label map is for.")


class ClassEntry(BaseModel):
    """A class of a label space."""

    id: Id = Field(description="The pixel's value in label files.")
    name: str
    colour: str = Field(pattern="^#[0-9a-f]{6}$")
    group: str


class Takes(BaseModel):
    """What a model looks at beside the labels."""

    noise: bool = Field(description="Noise by class, object or region.")
    style: bool = Field(description="A style photo.")
    instances: bool = Field(description="An instance map.")
    object_styles: bool = Field(description="A style for each object.")
    hole: bool = Field(description="A photo with a hole to fill.")
    seed: bool = Field(description="Another seed makes another photo, so that regions can be re-rolled.")


class ModelEntry(BaseModel):
    """A model that can be asked for."""

    name: str
    system: str
    size: tuple[int, int] = Field(description="Height and width that it was trained at; it takes others.")
    label_space: str
    classes: list[ClassEntry]
    dont_care: int | None = Field(description="The pixel value for don't-care; null where there is none.")
    takes: Takes
    default: bool
    hash: str = Field(description="SHA-256 of the weights.")
    segmenter: str | None = Field(description="A segmenter that speaks the same classes.")


class Named(BaseModel):
    """A class by id and name."""

    id: Id
    name: str


class MappedClass(BaseModel):
    """What a class becomes."""

    origin: Named
    target: Named | None = Field(description="Null where nothing is near by name.")
    how: How = Field(description="same: equal names; alike: a word in common; group: the first class of the group.")


class MappingReport(BaseModel):
    """How the classes of one model map to those of another."""

    of: str
    to: str
    classes: list[MappedClass]


class StarterScene(BaseModel):
    """A label map that comes with the package."""

    name: str
    label_space: str
    labels: str = Field(description="Where its PNG is.")
    instances: str | None = Field(description="Where its instance map is.")


class ProjectEntry(BaseModel):
    """A project that is kept."""

    name: str
    bytes: int
    modified: float = Field(description="Seconds since 1970.")


class Health(BaseModel):
    """The server is there."""

    status: Literal["ok"]
    version: str
    waiting: int = Field(description="Requests whose turn has not come.")
