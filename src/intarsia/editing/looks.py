"""How a scene looks: seed, noise, style, and the regions that take theirs from another seed.

    look = Look(seed=4, rerolls=(Reroll("tree", seed=9),))
    photo = look.render(scene)

In models whose noise is part of the map, a re-rolled region takes other noise there. In models whose look comes from
one vector for the whole photo, the region is cut from the photo that the other seed makes, and faded in.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from intarsia.conditioning.noise import Layout
from intarsia.data.label_files import Photo
from intarsia.editing.composite import composite
from intarsia.labels import Ids
from intarsia.synthesis.object_styles import Style, StyleBank, Vector
from intarsia.synthesis.regions import Region, region_mask
from intarsia.synthesis.synthesiser import Scene, Synthesiser

MOST_KEPT_PIXELS = 4 * 512 * 512


@dataclass(frozen=True, eq=False)
class Reroll:
    """A region, and the seed that it looks as under."""

    region: Region
    seed: int


@dataclass(frozen=True, eq=False)
class Look:
    """All that decides a photo beside its labels. Arguments are those of `Scene.render`."""

    seed: int = 0
    noise: Layout | npt.NDArray[np.floating] | npt.NDArray[np.integer] = "global"
    style: Photo | None = None
    z: Vector | None = None
    styles: Mapping[int | str, Style] | None = None
    bank: StyleBank | None = None
    rerolls: tuple[Reroll, ...] = ()  # where they overlap, the last one counts

    @property
    def plain(self) -> bool:
        """Whether a seed and a layout of noise say all, so that several scenes can be rendered as a batch."""
        others = (self.style, self.z, self.styles, self.bank)
        return isinstance(self.noise, str) and not self.rerolls and all(other is None for other in others)

    def rerolled(self, region: Region, seed: int) -> Look:
        """The same look with one more region that takes its look from another seed."""
        return replace(self, rerolls=(*self.rerolls, Reroll(region, seed)))

    def render(self, scene: Scene) -> Photo:
        """The photo of a scene (of one label map) under this look: H W 3 uint8.

        Raises:
            IntarsiaError: as `Scene.render` and `Scene.reroll`.
        """
        if scene.noise is None and self.rerolls and takes_seeds(scene.synthesiser):
            photo = self._whole(scene)
            for reroll in self.rerolls:
                mask = region_mask(reroll.region, scene.labels, scene.instances, scene.synthesiser.label_space)
                other = replace(self, seed=reroll.seed, style=None, z=None)._whole(scene)
                photo = composite(photo, other, mask[0].cpu().numpy())
            return photo
        for reroll in self.rerolls:
            scene = scene.reroll(reroll.region, seed=reroll.seed)
        return self._whole(scene)

    def _whole(self, scene: Scene) -> Photo:
        return scene.render(
            seed=self.seed, style=self.style, z=self.z, styles=self.styles, bank=self.bank, noise=self.noise
        )


def takes_seeds(synthesiser: Synthesiser) -> bool:
    """Whether another seed makes another photo of the same labels."""
    return bool(synthesiser.noise_length or synthesiser.has_style or synthesiser.features)


@dataclass(eq=False)
class Scenes:
    """The last scenes of a synthesiser: labels that come again are not set again."""

    synthesiser: Synthesiser
    most_pixels: int = MOST_KEPT_PIXELS  # of the scenes kept, together; the last one is kept in any case
    _kept: OrderedDict[bytes, Scene] = field(default_factory=OrderedDict, repr=False)

    def of(self, labels: Ids, instances: Ids | None = None) -> Scene:
        """The scene of a label map (H W train ids) and its instance map (H W, any numbering).

        Raises:
            IntarsiaError: as `Synthesiser.tensor_scene`.
        """
        key = _digest(labels, instances)
        scene = self._kept.get(key)
        if scene is None:
            objects = None if instances is None else torch.from_numpy(instances.astype(np.int64))[None]
            scene = self.synthesiser.tensor_scene(
                torch.from_numpy(labels.astype(np.int64))[None], objects, batched=False
            )
            self._kept[key] = scene
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(_pixels(kept) for kept in self._kept.values()) > self.most_pixels:
            self._kept.popitem(last=False)
        return scene

    def holds(self, labels: Ids, instances: Ids | None = None) -> bool:
        """Whether the scene is kept."""
        return _digest(labels, instances) in self._kept


def _pixels(scene: Scene) -> int:
    return scene.size[0] * scene.size[1]


def _digest(*maps: Ids | None) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for each in maps:
        found.update(b"none" if each is None else f"{each.shape}".encode() + each.astype(np.int64).tobytes())
    return found.digest()
