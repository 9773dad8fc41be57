"""What there is: health, metrics, models, and label maps to start from."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, PlainTextResponse

from intarsia.checkpoints.models import BUNDLED
from intarsia.editing.palette import group_of, mapped
from intarsia.labels import LabelClass
from intarsia.server.catalogue import Catalogue, ModelOffer, UnknownNameError, shown
from intarsia.server.schemas import (
    ClassEntry,
    Health,
    MappedClass,
    MappingReport,
    ModelEntry,
    Named,
    StarterScene,
    Takes,
)
from intarsia.server.shop import InShop, aside

router = APIRouter(tags=["what there is"])
MAPS = BUNDLED / "maps"


@router.get("/v1/health")
async def health(shop: InShop) -> Health:
    """Whether the server is there; needs no token."""
    return Health(status="ok", version=version("intarsia"), waiting=shop.engine.waiting)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(shop: InShop) -> PlainTextResponse:
    """Figures for Prometheus."""
    shop.metrics.waiting.set(shop.engine.waiting)
    return PlainTextResponse(shop.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/models")
async def models(shop: InShop) -> list[ModelEntry]:
    """The models, their classes and what they look at."""
    return await aside(lambda: [_entry(offer, shop.catalogue) for offer in shop.catalogue.models])


@router.get("/v1/models/{name}/mapping")
async def mapping(
    shop: InShop, name: str, of: str = Query(description="The model that a label map is of.")
) -> MappingReport:
    """How the classes of another model map to this one's, by name."""
    to, other = shop.catalogue.model(name), shop.catalogue.model(of)
    classes = [
        MappedClass(
            origin=_named(each.origin), target=None if each.target is None else _named(each.target), how=each.how
        )
        for each in mapped(other.space, to.space)
    ]
    return MappingReport(of=other.name, to=to.name, classes=classes)


@router.get("/v1/scenes")
async def scenes() -> list[StarterScene]:
    """Label maps to start from, one or more for each bundled label space."""
    return await aside(_scenes)


@router.get("/v1/scenes/{label_space}/{name}.png", response_class=FileResponse)
async def scene(label_space: str, name: str, instances: bool = False) -> FileResponse:
    """The label map of a scene to start from, as an index PNG; or its instance map."""
    for each in await aside(_scenes):
        if (each.label_space, each.name) == (label_space, name) and not (instances and each.instances is None):
            return FileResponse(_file(label_space, name, instances), media_type="image/png")
    raise UnknownNameError(f"there is no scene {shown(name)} of {shown(label_space)}. List them with GET /v1/scenes.")


def _entry(offer: ModelOffer, catalogue: Catalogue) -> ModelEntry:
    space, segmenter = offer.space, catalogue.segmenter_for(offer.space)
    classes = [
        ClassEntry(
            id=each.id, name=each.name, colour="#{:02x}{:02x}{:02x}".format(*each.colour), group=group_of(each.name)
        )
        for each in space.classes
    ]
    return ModelEntry(
        name=offer.name,
        system=offer.card.system,
        size=offer.config.size,
        label_space=space.name,
        classes=classes,
        dont_care=space.dont_care_ids[0] if space.dont_care_ids else None,
        takes=_takes(offer),
        default=offer is catalogue.models[0],
        hash=offer.digest,
        segmenter=None if segmenter is None else segmenter.name,
    )


def _takes(offer: ModelOffer) -> Takes:
    config = offer.config  # most systems lack some of these settings
    noise, features = bool(getattr(config, "noise", 0)), bool(getattr(config, "features", 0))
    style = bool(getattr(config, "style", False))
    return Takes(
        noise=noise,
        style=style,
        instances=bool(config.edges) or noise or features or bool(getattr(config, "shapes", False)),
        object_styles=features,
        hole=bool(getattr(config, "edits", False)),
        seed=noise or features or style,
    )


def _named(label_class: LabelClass) -> Named:
    return Named(id=label_class.id, name=label_class.name)


def _scenes() -> list[StarterScene]:
    found = []
    for path in sorted(MAPS.glob("*/*.png")):
        space, name = path.parent.name, path.stem
        labels = f"/v1/scenes/{space}/{name}.png"
        instances = f"{labels}?instances=true" if _file(space, name, True).is_file() else None
        found.append(StarterScene(name=name, label_space=space, labels=labels, instances=instances))
    return found


def _file(label_space: str, name: str, instances: bool) -> Path:
    return MAPS / label_space / ("instances" if instances else "") / f"{name}.png"
