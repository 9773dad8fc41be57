"""A pool of images made earlier, so that the discriminator does not forget them (Shrivastava et al. 2017)."""

from __future__ import annotations

import random
from collections.abc import MutableMapping

import torch
from torch import Tensor

from intarsia.records import Batch, Sample, stack

MAPS = ("image", "labels", "instances")


class ImagePool:
    """Made images with the maps that they were made from.

    Args:
        size: how many.
        kept: where the pool lives: tensors by "SLOT/image", "SLOT/labels", "SLOT/instances". It may be filled already.
    """

    def __init__(self, size: int, kept: MutableMapping[str, Tensor]) -> None:
        self.size, self.kept = size, kept

    def exchange(self, batch: Batch, rng: random.Random) -> Batch:
        """For each sample of `batch` itself, or one made earlier whose place it takes.

        Until the pool is full it keeps every sample and gives it back; after that, every second one changes places
        with a random one. Draws from `rng` in the published order.
        """
        given = []
        for place, name in enumerate(batch.names):
            instances = None if batch.instances is None else batch.instances[place]
            new = Sample(name, batch.image[place], batch.labels[place], instances)
            filled = sum(key.endswith("/image") for key in self.kept)
            if filled < self.size:
                self._put(filled, new)
                given.append(new)
            elif rng.uniform(0, 1) > 0.5:
                slot = rng.randint(0, self.size - 1)
                given.append(self._get(slot, batch.image.device))
                self._put(slot, new)
            else:
                given.append(new)
        return stack(given)

    def _put(self, slot: int, sample: Sample) -> None:
        for kind in MAPS:
            tensor = getattr(sample, kind)
            if tensor is not None:
                self.kept[f"{slot}/{kind}"] = (
                    tensor.clone()
                )  # of its own: its batch goes, and files refuse shared memory

    def _get(self, slot: int, device: torch.device) -> Sample:
        maps = {kind: self.kept[f"{slot}/{kind}"].to(device) for kind in MAPS if f"{slot}/{kind}" in self.kept}
        return Sample("pooled", **maps)
