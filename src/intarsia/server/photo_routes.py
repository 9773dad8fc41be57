"""Photos: from label maps, by region, from photos, and label maps from photos."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from intarsia.data.label_files import Photo, Sent, read_instance_map
from intarsia.editing.archive import zipped
from intarsia.editing.editor import edited
from intarsia.editing.pictures import encoded
from intarsia.errors import ConfigError
from intarsia.server.engine import Job
from intarsia.server.forms import (
    EditOptionsField,
    HoleFile,
    OldLabelsFile,
    OptionsField,
    PhotoFile,
    RerollOptionsField,
    SceneForm,
    SegmentOptionsField,
    VariantOptionsField,
    content,
    encoding,
    optional_photo,
    read_labels,
    scene_form,
)
from intarsia.server.pictures import MEDIA_TYPES, check_sizes, index_png
from intarsia.server.schemas import Options, VariantOptions, problem
from intarsia.server.shop import InShop, Shop, aside
from intarsia.server.workshop import Order

router = APIRouter(prefix="/v1", tags=["photos"])
AScene = Annotated[SceneForm, Depends(scene_form)]
BINARY = {"schema": {"type": "string", "format": "binary"}}
HEADERS = {
    "X-Seed": {"description": "The seed of the photo.", "schema": {"type": "integer"}},
    "X-Milliseconds": {"description": "From the whole request to the photo.", "schema": {"type": "number"}},
}
Responses = dict[int | str, dict[str, Any]]
QUEUED: Responses = {
    409: problem("A newer request of the same client came before this one's turn."),
    429: {
        **problem("As many requests are in hand as fit."),
        "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    },
}
SCENE = ("options", "labels", "instances", "style", "style2")
A_PHOTO: Responses = {200: {"content": dict.fromkeys(MEDIA_TYPES.values(), BINARY), "headers": HEADERS}, **QUEUED}
A_ZIP: Responses = {200: {"content": {"application/zip": BINARY}}, **QUEUED}
A_LABEL_MAP: Responses = {200: {"content": {"image/png": BINARY}}, **QUEUED}


@router.post("/synthesise", response_class=Response, responses=A_PHOTO, openapi_extra=encoding(*SCENE))
async def synthesise(shop: InShop, form: AScene, options: OptionsField) -> Response:
    """Make a photo from a label map.

    Several requests of the same size that wait are rendered as a batch. A client that gives its name and counts its
    requests gets 409 for those that were overtaken while they waited.
    """
    began, order = time.perf_counter(), await _order(shop, form, options)
    job = _job(options, lambda: shop.workshop.render(order))
    job.kind, job.given = order.kind, order
    return await _photo(await shop.done(job), options, began)


@router.post("/variants", response_class=Response, responses=A_ZIP, openapi_extra=encoding(*SCENE))
async def variants(shop: InShop, form: AScene, options: VariantOptionsField) -> Response:
    """Make several photos of one label map: a ZIP of pictures that are named after their seeds."""
    began, seeds = time.perf_counter(), _seeds(options, shop.settings.most_variants)
    order = await _order(shop, form, options)

    def work() -> list[Photo]:
        scene, look = shop.workshop.scene(order), shop.workshop.look(order)
        return [replace(look, seed=seed).render(scene) for seed in seeds]

    photos = await shop.done(_job(options, work))
    files = await aside(lambda: _named_files(seeds, photos, options))
    headers = {"X-Seeds": ",".join(map(str, seeds)), "X-Milliseconds": _milliseconds(began)}
    return Response(await aside(zipped, files), media_type="application/zip", headers=headers)


@router.post("/reroll", response_class=Response, responses=A_PHOTO, openapi_extra=encoding(*SCENE))
async def reroll(shop: InShop, form: AScene, options: RerollOptionsField) -> Response:
    """Make the photo with one region more that looks as under another seed.

    Where noise is part of the model's map, the region takes other noise. In models whose look comes from one vector, it
    is cut from the photo that the other seed makes.
    """
    began = time.perf_counter()
    options = options.model_copy(update={"rerolls": [*options.rerolls, options.region]})
    order = await _order(shop, form, options)
    return await _photo(await shop.done(_job(options, lambda: shop.workshop.render(order))), options, began)


@router.post(
    "/edit", response_class=Response, responses=A_PHOTO, openapi_extra=encoding(*SCENE, "photo", "old_labels", "hole")
)
async def edit(
    shop: InShop,
    form: AScene,
    photo: PhotoFile,
    options: EditOptionsField,
    old_labels: OldLabelsFile = None,
    hole: HoleFile = None,
) -> Response:
    """Change a photo where its label map changed, or inside a hole; outside it stays as it is, to the bit.

    Models that take a hole fill it by what is around; of others, the photo of the new label map is faded in there.
    """
    began, order = time.perf_counter(), await _order(shop, form, options)
    files = (await photo.read(), await content(old_labels), await content(hole))
    old, changed = await aside(_what_changed, shop, order, *files)

    def work() -> Photo:
        scenes = shop.workshop.scenes(order.offer)
        look = shop.workshop.look(order if order.look.style is not None else _in_the_look_of(order, old))
        return edited(scenes, order.labels, order.instances, look, old, changed, options.feather)

    return await _photo(await shop.done(_job(options, work)), options, began)


@router.post("/segment", response_class=Response, responses=A_LABEL_MAP, openapi_extra=encoding("options", "photo"))
async def segment(shop: InShop, photo: PhotoFile, options: SegmentOptionsField) -> Response:
    """Find the label map of a photo: an index PNG of the segmenter's classes."""
    began = time.perf_counter()
    offer = shop.catalogue.segmenter(options.segmenter, shop.catalogue.model(options.model).space)
    seen = await aside(optional_photo, "photo", await photo.read(), shop.settings.most_pixels)
    assert seen is not None
    train = await shop.compute(lambda workshop: workshop.segment(offer, seen))
    headers = {"X-Segmenter": offer.name, "X-Milliseconds": _milliseconds(began)}
    return Response(await aside(index_png, train, offer.card.label_space), media_type="image/png", headers=headers)


async def _order(shop: Shop, form: SceneForm, options: Options) -> Order:
    offer = shop.catalogue.model(options.model)
    return await aside(form.order, offer, options, shop.settings.most_pixels)


def _job(options: Options, work: Callable[[], Any]) -> Job:
    return Job(work, options.client, options.sequence)


async def _photo(photo: Photo, options: Options, began: float) -> Response:
    file = await aside(encoded, photo, options.format)
    headers = {"X-Seed": str(options.seed), "X-Milliseconds": _milliseconds(began)}
    return Response(file, media_type=MEDIA_TYPES[options.format], headers=headers)


def _milliseconds(began: float) -> str:
    return f"{1000 * (time.perf_counter() - began):.1f}"


def _seeds(options: VariantOptions, most: int) -> list[int]:
    count = options.n or (4 if options.seeds is None else len(options.seeds))
    if count > most:
        raise ConfigError(f"{count} variants were asked for. Ask for {most} at most.")
    seeds = options.seeds or [options.seed + place for place in range(count)]
    if len(seeds) != count:
        raise ConfigError(f"n is {count} and {len(seeds)} seeds were given. Give as many seeds, or leave n out.")
    return seeds


def _named_files(seeds: Sequence[int], photos: Sequence[Photo], options: Options) -> dict[str, bytes]:
    return {
        f"{place:02}-seed-{seed}.{options.format}": encoded(photo, options.format)
        for place, (seed, photo) in enumerate(zip(seeds, photos, strict=True), 1)
    }


def _what_changed(
    shop: Shop, order: Order, photo: bytes, old_labels: bytes | None, hole: bytes | None
) -> tuple[Photo, npt.NDArray[np.bool_]]:
    """The photo, and where it is to change: H W bool."""
    if (old_labels is None) == (hole is None):
        raise ConfigError("what changed is told by old_labels or by hole. Send one of them.")
    most = shop.settings.most_pixels
    old = optional_photo("photo", photo, most)
    assert old is not None
    check_sizes(order.labels.shape, photo=old)
    if old_labels is not None:
        before = read_labels("old_labels", old_labels, order.offer, most)
        check_sizes(order.labels.shape, old_labels=before)
        return old, before != order.labels
    assert hole is not None
    mask = read_instance_map(Sent("hole", hole), most_pixels=most) > 0
    check_sizes(order.labels.shape, hole=mask)
    return old, mask


def _in_the_look_of(order: Order, photo: Photo) -> Order:
    """The order with a photo's style, in models that take one."""
    return (
        replace(order, look=replace(order.look, style=photo)) if getattr(order.offer.config, "style", False) else order
    )
