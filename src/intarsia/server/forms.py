"""The multipart forms of the API: what their fields are, and what they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import File, Form, UploadFile
from pydantic import Json

from intarsia.data.label_files import Photo, Sent, read_instance_map, read_label_map, read_photo
from intarsia.editing.looks import Look
from intarsia.server.catalogue import ModelOffer
from intarsia.server.pictures import check_sizes
from intarsia.server.schemas import (
    Cluster,
    Drawn,
    EditOptions,
    Options,
    RerollOptions,
    SegmentOptions,
    VariantOptions,
)
from intarsia.server.workshop import Order
from intarsia.synthesis import object_styles

LabelsFile = Annotated[UploadFile, File(description="Label map: PNG, 8 or 16 bit; the pixel is the class id.")]
InstancesFile = Annotated[
    UploadFile | None, File(description="Instance map: PNG, 8 or 16 bit; equal numbers are one object.")
]
StyleFile = Annotated[UploadFile | None, File(description="Photo whose look is taken over: PNG, JPEG or WebP.")]
OtherStyleFile = Annotated[UploadFile | None, File(description="A second one; `blend` says how much of it.")]
PhotoFile = Annotated[UploadFile, File(description="Photo: PNG, JPEG or WebP.")]
OldLabelsFile = Annotated[UploadFile | None, File(description="Label map of the photo as it is: PNG.")]
HoleFile = Annotated[UploadFile | None, File(description="What to make anew: PNG; zero is to stay.")]

OptionsField = Annotated[
    Json[Options],
    Form(default_factory=Options, description="JSON.", examples=['{"model": "spade-street-256", "seed": 7}']),
]
VariantOptionsField = Annotated[
    Json[VariantOptions],
    Form(default_factory=VariantOptions, description="JSON.", examples=['{"n": 8, "seed": 7, "format": "webp"}']),
]
RerollOptionsField = Annotated[
    Json[RerollOptions], Form(description="JSON.", examples=['{"seed": 7, "region": {"class": "sky", "seed": 9}}'])
]
EditOptionsField = Annotated[
    Json[EditOptions],
    Form(default_factory=EditOptions, description="JSON.", examples=['{"model": "spade-street-256", "feather": 4}']),
]
SegmentOptionsField = Annotated[
    Json[SegmentOptions],
    Form(default_factory=SegmentOptions, description="JSON.", examples=['{"segmenter": "unet-street"}']),
]
PHOTO_TYPES = "image/png, image/jpeg, image/webp"
ENCODING = {
    "options": "application/json",
    **dict.fromkeys(("labels", "instances", "old_labels", "hole"), "image/png"),
    **dict.fromkeys(("style", "style2", "photo"), PHOTO_TYPES),
}


def encoding(*fields: str) -> dict[str, Any]:
    """What the schema says of a form's parts: the kind of file that each of `fields` is."""
    kinds = {field: {"contentType": ENCODING[field]} for field in fields}
    return {"requestBody": {"content": {"multipart/form-data": {"encoding": kinds}}}}


@dataclass(frozen=True)
class SceneForm:
    """Label map, instance map and styles as they were sent."""

    labels: bytes
    instances: bytes | None
    style: bytes | None
    style2: bytes | None

    def order(self, offer: ModelOffer, options: Options, most_pixels: int) -> Order:
        """What the workshop is asked for.

        Raises:
            IntarsiaError: a file is no picture of its kind, sizes differ, or a region is not in the label map.
        """
        labels = read_labels("labels", self.labels, offer, most_pixels)
        instances = None
        if self.instances is not None:
            instances = read_instance_map(Sent("instances", self.instances), most_pixels=most_pixels)
        check_sizes(labels.shape, instances=instances)
        return Order(
            offer,
            labels,
            instances,
            _look(options, labels.shape, optional_photo("style", self.style, most_pixels), most_pixels),
            optional_photo("style2", self.style2, most_pixels),
            options.blend,
        )


async def scene_form(
    labels: LabelsFile,
    instances: InstancesFile = None,
    style: StyleFile = None,
    style2: OtherStyleFile = None,
) -> SceneForm:
    """The fields that every request for a photo has."""
    return SceneForm(await labels.read(), await content(instances), await content(style), await content(style2))


async def content(file: UploadFile | None) -> bytes | None:
    """What a field holds; None where it was not sent."""
    return None if file is None else await file.read()


def read_labels(name: str, file: bytes, offer: ModelOffer, most_pixels: int) -> npt.NDArray[np.int64]:
    """A label map of a model's classes, H W train ids.

    Raises:
        DataError: it is no PNG, damaged, or too large.
        LabelError: it has an id that is no class of the model.
    """
    return read_label_map(Sent(name, file), offer.space, most_pixels=most_pixels).labels


def optional_photo(name: str, file: bytes | None, most_pixels: int) -> Photo | None:
    """A photo, H W 3 uint8; None where none was sent.

    Raises:
        DataError: it is no picture, damaged, or too large.
    """
    return None if file is None else read_photo(Sent(name, file), most_pixels=most_pixels)


def _look(options: Options, size: tuple[int, ...], style: Photo | None, most_pixels: int) -> Look:
    height, width = size
    rerolls = tuple(each.reroll((height, width), most_pixels) for each in options.rerolls)
    styles = None
    if options.styles is not None:
        styles = {int(key) if key.isdecimal() else key: _style(style) for key, style in options.styles.items()}
    return Look(options.seed, options.noise, style, styles=styles, rerolls=rerolls)


def _style(given: Cluster | Drawn | list[float]) -> Any:
    if isinstance(given, Cluster):
        return object_styles.Cluster(given.cluster)
    return object_styles.Drawn(given.seed) if isinstance(given, Drawn) else given
