"""Where the noise of a scene comes from, for models whose noise is part of the map (OASIS's 3D noise).

A layout says which pixels share a noise vector. A re-rolled region takes the noise that it would have under another
seed; the rest of the scene keeps its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from intarsia.coded import CodedMap
from intarsia.conditioning.noise import Layout, Places, laid_out, noise_planes, with_noise
from intarsia.records import Condition, Seeds


@dataclass(frozen=True)
class Reroll:
    """A region that takes its noise from another seed."""

    mask: Tensor  # B H W bool
    seed: int


@dataclass(frozen=True, eq=False)
class Noise:
    """The label maps of a scene with the objects in them, ready to be given noise."""

    labels: CodedMap
    ids: Tensor  # B H W int64 train ids
    objects: Tensor  # B H W int64, any numbering
    length: int  # of a noise vector
    rerolls: tuple[Reroll, ...] = ()  # a later one counts where they overlap
    _laid: dict[Layout, tuple[Condition, Places]] = field(default_factory=dict, repr=False)

    def rerolled(self, mask: Tensor, seed: int) -> Noise:
        """The same scene with a region (B H W bool) that takes its noise from `seed`."""
        return replace(self, rerolls=(*self.rerolls, Reroll(mask, seed)), _laid={})

    def drawn(self, layout: Layout, seeds: Sequence[int]) -> Condition:
        """The condition under noise from seeds, one for each map. What depends on the labels alone is kept."""
        if layout not in self._laid:
            self._laid[layout] = self._lay(layout)
        condition, places = self._laid[layout]
        return condition.restyled(noise=self._vectors(places, seeds))

    def drawn_by(self, numbers: Tensor, seeds: Sequence[int]) -> Condition:
        """The condition under one vector for each number of a map of free regions (B H W int64)."""
        condition, places = replace(self, ids=numbers, _laid={})._lay("per-class")
        return condition.restyled(noise=self._vectors(places, seeds))

    def given(self, noise: Tensor) -> Condition:
        """The condition under a noise map, B Z H W float32."""
        for reroll in self.rerolls:
            other = Seeds((reroll.seed,)).normal(self.length).to(noise.device)
            noise = torch.where(reroll.mask[:, None], other[..., None, None], noise)
        return Condition(noise_planes(self.labels, noise), self.labels.size)

    def _lay(self, layout: Layout) -> tuple[Condition, Places]:
        places = laid_out(layout, self.ids, self.objects)
        regions = places.regions
        for number, reroll in enumerate(self.rerolls, 1):
            regions = torch.where(reroll.mask, places.regions + number * len(places.keys), regions)
        blank = torch.zeros((1 + len(self.rerolls)) * len(places.keys), self.length, device=regions.device)
        semantics, rows = with_noise(self.labels, regions, blank)
        return Condition(semantics, semantics.size, noise=blank, noise_rows=rows), places

    def _vectors(self, places: Places, seeds: Sequence[int]) -> Tensor:
        """By region, then by region of each re-roll."""
        others = [[reroll.seed] * len(self.ids) for reroll in self.rerolls]
        vectors = [places.vectors(some, self.length) for some in (seeds, *others)]
        return torch.cat(vectors).to(self.ids.device)
