"""What the engine's thread holds: the one model in memory, its last scenes and styles, and a segmenter."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intarsia.data.label_files import Photo
from intarsia.data.transforms import photo_array
from intarsia.editing.looks import Look, Scenes
from intarsia.segmentation.segmenter import Segmenter
from intarsia.server.catalogue import ModelOffer, SegmenterOffer
from intarsia.synthesis.object_styles import StyleBank, Vector
from intarsia.synthesis.synthesiser import Scene, Synthesiser

KEPT_STYLES = 32


@dataclass(frozen=True, eq=False)
class Order:
    """A photo that somebody asked for."""

    offer: ModelOffer
    labels: npt.NDArray[np.int64]  # H W train ids
    instances: npt.NDArray[np.int64] | None  # H W
    look: Look
    other_style: Photo | None = None  # blended with the look's
    share: float = 0.0  # of the other style

    @property
    def kind(self) -> tuple[Any, ...] | None:
        """Orders of one kind can be rendered as a batch; None for those that cannot."""
        # Objects with styles of their own come from a bank, map by map.
        if not self.look.plain or getattr(self.offer.config, "features", False):
            return None
        return self.offer.name, self.labels.shape, self.instances is None, self.look.noise


@dataclass(eq=False)
class Workshop:
    """Only the engine's thread works here."""

    device: str = "cpu"
    loaded: Callable[[str], None] = lambda name: None  # told of each model that is read
    _model: tuple[str, Synthesiser, Scenes] | None = None
    _bank: StyleBank | None = None
    _segmenter: tuple[str, Segmenter] | None = None
    _styles: OrderedDict[bytes, Vector] = field(default_factory=OrderedDict)

    def render(self, order: Order) -> Photo:
        """H W 3 uint8."""
        return self.look(order).render(self.scene(order))

    def render_together(self, orders: Sequence[Order]) -> list[Photo]:
        """The photos of orders of one kind: one batch, apart from those whose scene is set already."""
        scenes = self.scenes(orders[0].offer)
        fresh = [order for order in orders if not scenes.holds(order.labels, order.instances)]
        batch = dict(zip(map(id, fresh), self._batch(fresh), strict=True)) if len(fresh) > 1 else {}
        return [batch[id(order)] if id(order) in batch else self.render(order) for order in orders]

    def scene(self, order: Order) -> Scene:
        """The order's label map, set for its model."""
        return self.scenes(order.offer).of(order.labels, order.instances)

    def scenes(self, offer: ModelOffer) -> Scenes:
        """The last scenes of a model."""
        return self._of(offer)[1]

    def look(self, order: Order) -> Look:
        """The order's look, with a style photo as the vector that it stands for, and the model's style bank."""
        synthesiser, look = self.synthesiser(order.offer), replace(order.look, bank=self._bank)
        if look.style is None or not synthesiser.has_style:
            return look
        z = self._style(look.style)
        if order.other_style is not None:
            z = (1 - order.share) * z + order.share * self._style(order.other_style)
        return replace(look, style=None, z=z)

    def synthesiser(self, offer: ModelOffer) -> Synthesiser:
        """The model; another one that was in memory makes room for it."""
        return self._of(offer)[0]

    def warm(self, offer: ModelOffer) -> None:
        """Read a model and show it one label map, so that kernels are compiled and weights laid out for its size."""
        synthesiser = self.synthesiser(offer)
        # Without styles for its objects, or without a photo, such a model renders nothing.
        if not (synthesiser.features or synthesiser.edits):
            synthesiser.scene(np.full(offer.config.size, offer.space.classes[0].id)).render()

    def segment(self, offer: SegmenterOffer, photo: Photo) -> npt.NDArray[np.int64]:
        """Train ids of the segmenter's label space, H W."""
        if self._segmenter is None or self._segmenter[0] != offer.name:
            self._segmenter = (offer.name, Segmenter.from_pretrained(offer.folder, self.device))
        return self._segmenter[1](photo)

    def _of(self, offer: ModelOffer) -> tuple[Synthesiser, Scenes]:
        if self._model is None or self._model[0] != offer.name:
            self._model = self._bank = None  # before the next one is read: memory holds one
            self._styles.clear()
            bank = None if offer.bank is None else StyleBank.load(offer.bank)
            synthesiser = Synthesiser.from_pretrained(offer.folder, self.device)
            self._model, self._bank = (offer.name, synthesiser, Scenes(synthesiser)), bank
            self.loaded(offer.name)
        return self._model[1:]

    def _batch(self, orders: Sequence[Order]) -> list[Photo]:
        maps = torch.from_numpy(np.stack([order.labels for order in orders]))
        objects = [order.instances for order in orders if order.instances is not None]
        instances = torch.from_numpy(np.stack(objects)) if objects else None
        scene = self.synthesiser(orders[0].offer).tensor_scene(maps, instances)
        layout: Any = orders[0].look.noise
        return list(photo_array(scene.render_tensor(seeds=[order.look.seed for order in orders], layout=layout)))

    def _style(self, photo: Photo) -> Vector:
        assert self._model is not None
        key = hashlib.blake2b(f"{photo.shape}".encode() + photo.tobytes(), digest_size=16).digest()
        if key not in self._styles:
            self._styles[key] = self._model[1].style_of(photo)
        self._styles.move_to_end(key)
        if len(self._styles) > KEPT_STYLES:
            self._styles.popitem(last=False)
        return self._styles[key]
