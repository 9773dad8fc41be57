"""What travels between rooms. Layout, range and unit of every tensor are stated here, once.

    files -> Sample -> Batch -> Condition -> Synthesis -> Verdict

Labels are train ids (`labels.py`): 0 .. classes - 1, and `classes` itself for don't-care.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from intarsia.coded import CodedMap, Semantics, resized


@dataclass(frozen=True)
class Sample:
    """One labelled photo, cut and flipped as the recipe says."""

    name: str
    image: Tensor  # 3 H W, float32 in [-1, 1]
    labels: Tensor  # H W, int64 train ids
    instances: Tensor | None = None  # H W, int64, any numbering; equal numbers are one object
    hole: Tensor | None = None  # H W bool; what a system that fills holes does not get to see of the photo
    shapes: Tensor | None = None  # S H W float32; where each pixel lies in its object (`conditioning/shapes.py`)


@dataclass(frozen=True)
class Batch:
    """Samples of one size, stacked."""

    names: tuple[str, ...]
    image: Tensor  # B 3 H W, float32 in [-1, 1]
    labels: Tensor  # B H W, int64 train ids
    instances: Tensor | None = None  # B H W, int64
    holes: Tensor | None = None  # B H W bool
    shapes: Tensor | None = None  # B S H W float32

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return (self.image.shape[2], self.image.shape[3])

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        instances, holes, shapes = (
            None if maps is None else maps.to(device) for maps in (self.instances, self.holes, self.shapes)
        )
        return Batch(self.names, self.image.to(device), self.labels.to(device), instances, holes, shapes)


def stack(samples: Sequence[Sample]) -> Batch:
    """Samples of equal size as one batch; other maps than labels are kept only if every sample has them."""
    return Batch(
        names=tuple(s.name for s in samples),
        image=torch.stack([s.image for s in samples]),
        labels=torch.stack([s.labels for s in samples]),
        instances=_stacked([s.instances for s in samples]),
        holes=_stacked([s.hole for s in samples]),
        shapes=_stacked([s.shapes for s in samples]),
    )


def _stacked(maps: Sequence[Tensor | None]) -> Tensor | None:
    """None unless every sample has the map."""
    present = [one for one in maps if one is not None]
    return torch.stack(present) if len(present) == len(maps) else None


LAST_SEED = 2**63 - 1
"""Seeds run from 0 to this."""


def derived_seed(seed: int, *place: int) -> int:
    """A seed of its own for each place (any numbers from 0 on) under `seed`: a function of these numbers alone."""
    state = np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)
    return int(state[0] >> 1)


@dataclass(frozen=True)
class Seeds:
    """One seed per image: the same seed gives the same noise, whatever else is in the batch."""

    values: tuple[int, ...]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal noise, B x `shape` float32 on the CPU."""
        draws = [torch.randn(shape, generator=torch.Generator().manual_seed(value)) for value in self.values]
        return torch.stack(draws)

    def coins(self, count: int) -> Tensor:
        """`count` fair coins for the whole batch, bool on the CPU; they go by the first seed."""
        return torch.rand(count, generator=torch.Generator().manual_seed(self.values[0])) < 0.5

    def derived(self, place: int) -> Seeds:
        """Other seeds for the same images, for what is drawn a second time."""
        return Seeds(tuple(derived_seed(value, place) for value in self.values))


NO_PAIR = -2
"""In place of the label in front, where there is no pair."""


@dataclass(frozen=True)
class Lessons:
    """What the parts of SIMS that place and order segments learn from, beside the image. All made from the photo."""

    layout: Tensor  # B H W int64, the labels as they are
    proposals: (
        Tensor  # B P 3 H W float32 in [0, 1]: segments of the photo, moved and scaled; zeros where there are fewer
    )
    queries: Tensor  # B P H W float32, 0 or 1: where each segment belongs
    pairs: Tensor  # B Q H W int64: labels within two segments that touch, -1 elsewhere
    fronts: Tensor  # B Q int64: the label of the one in front; NO_PAIR where there are fewer pairs
    dropout: Tensor  # B Q D float32, 0 or 2: what hidden values of each pair are multiplied by


@dataclass(frozen=True)
class Condition:
    """What a generator looks at.

    `semantics` is a coded map, or the same as dense planes (B C H W float32): networks take both and compute the same.

    Where noise is part of the map (OASIS's 3D noise), its first columns are noise and `noise_rows` says which vector
    each row of the codebook starts with.
    """

    semantics: Semantics
    size: tuple[int, int]  # height, width of the image to make
    noise: Tensor | None = None  # B Z float32, standard normal; V Z for the V vectors that `noise_rows` chooses from
    # B 3 H W float32 in [-1, 1]; the style image, for systems with an image encoder, or the photo whose hole is filled
    photo: Tensor | None = None
    objects: Tensor | None = None  # B H W int64; pixels of equal number share their features, for systems with these
    features: Tensor | None = None  # B F H W float32; instead of those that an encoder sees in the photo
    noise_rows: Tensor | None = None  # K int64, 0 <= row < V
    canvas: Tensor | None = None  # B 3 H W float32 in [0, 1]; pasted segments of photos, 0 where there are none (SIMS)
    lessons: Lessons | None = None  # of systems that learn to make canvases; None in synthesis
    choice: Tensor | None = None  # B int64; which image is the one, for systems that make several (the first if None)
    hole: Tensor | None = None  # B 1 H W bool; where the photo is to be made
    shapes: Tensor | None = None  # B S H W float32; where each pixel lies in its object
    _levels: dict[tuple[int, int], Semantics] = field(default_factory=dict, repr=False, compare=False)
    _recoded: Condition | None = field(default=None, repr=False, compare=False)  # the same codes with other rows

    def at(self, height: int, width: int) -> Semantics:
        """The semantics at another resolution: nearest, as `torch.nn.functional.interpolate` rounds.

        Made once of a coded map, and anew in every call of dense planes, which nobody can afford to keep.
        """
        if not isinstance(self.semantics, CodedMap):
            return resized(self.semantics, height, width)
        key = (height, width)
        if key not in self._levels:
            level = resized(self.semantics, height, width) if self._recoded is None else self._recoded.at(height, width)
            assert isinstance(level, CodedMap)
            self._levels[key] = level if self._recoded is None else level.recoded(self.semantics.codebook)
        return self._levels[key]

    def restyled(
        self, *, noise: Tensor | None = None, photo: Tensor | None = None, features: Tensor | None = None
    ) -> Condition:
        """The same scene in another style; everything computed from the labels is shared with this condition.

        Where noise is part of the map, `noise` (V Z) takes the place of its noise columns.
        """
        if noise is None or self.noise_rows is None:
            return replace(self, noise=noise, photo=photo, features=features)
        assert isinstance(self.semantics, CodedMap)
        labels = self.semantics.codebook[:, noise.shape[1] :]
        semantics = self.semantics.recoded(torch.cat([noise[self.noise_rows], labels], 1))
        origin = self if self._recoded is None else self._recoded
        restyled = replace(self, noise=noise, photo=photo, features=features)
        return replace(restyled, semantics=semantics, _levels={}, _recoded=origin)

    def dense(self) -> Condition:
        """The same condition as dense one-hot planes, as published code has it (the reference; slow)."""
        semantics = self.semantics.dense() if isinstance(self.semantics, CodedMap) else self.semantics
        return replace(self, semantics=semantics, noise_rows=None, _levels={}, _recoded=None)


@dataclass(frozen=True)
class Branches:
    """What the branches of a generator made, of which the image was then put together (LGGAN)."""

    whole: Tensor  # B 3 H W, float32 in [-1, 1]: the global branch's image
    local: Tensor  # B 3 H W, float32 in [-1, 1]: the image of all class-specific heads together
    weights: Tensor  # B 2 H W, float32 in [0, 1]: the share of the local and of the global image; they add up to 1
    heads: Tensor  # B K 3 H W, float32 in [-1, 1]: the image of each class-specific head
    scores: Tensor  # B S S, float32: which of S classes the features of each of the first S heads look like, logits


@dataclass(frozen=True)
class Synthesis:
    """What a generator made."""

    image: Tensor  # B 3 H W, float32 in [-1, 1]; of systems that end without tanh (CRN, SIMS) perhaps beyond
    images: Tensor | None = None  # B K 3 H W likewise, of systems that make K images at once; `image` is one of them
    logits: Tensor | None = None  # B labels h w, of systems that also tell which class they mean where
    placed: Tensor | None = None  # B 3 H W float32 in [0, 1]: the lessons' proposals in their places, summed
    scores: Tensor | None = None  # B Q 1+labels: of the lessons' pairs, how much each class seems to be in front
    style_mean: Tensor | None = None  # B Z, from the image encoder
    style_log_variance: Tensor | None = None  # B Z
    branches: Branches | None = None

    @property
    def judged(self) -> tuple[Tensor, ...]:
        """All that should look like the photo: the image, and those of its branches."""
        return (self.image,) if self.branches is None else (self.image, self.branches.whole, self.branches.local)


@dataclass(frozen=True)
class Verdict:
    """What a discriminator says: for each scale its features (after activation), and last its logits (not sigmoid)."""

    scales: tuple[tuple[Tensor, ...], ...]  # each B C h w float32

    @property
    def logits(self) -> tuple[Tensor, ...]:
        """The logit map of each scale: B 1 h w, or B 1+labels H W of a discriminator that segments."""
        return tuple(scale[-1] for scale in self.scales)

    @property
    def features(self) -> tuple[tuple[Tensor, ...], ...]:
        """All but the logits, by scale."""
        return tuple(scale[:-1] for scale in self.scales)

    def split(self, parts: int) -> tuple[Verdict, ...]:
        """Undo the stacking of `parts` sets of images along the batch axis."""
        chunks = [[tensor.chunk(parts) for tensor in scale] for scale in self.scales]
        return tuple(Verdict(tuple(tuple(c[part] for c in scale) for scale in chunks)) for part in range(parts))


Judge: TypeAlias = Callable[[Tensor], Verdict]
"""Images k*B 3 H W in [-1, 1], k sets of B -> what the discriminator says of them."""


@dataclass(frozen=True, eq=False)
class Round:
    """One generator or discriminator round: all that loss terms may look at."""

    batch: Batch
    condition: Condition
    fake: Synthesis
    fake_verdict: Verdict | None = None  # None for systems without a discriminator
    real_verdict: Verdict | None = None  # None too where the terms of this round do not look at it
    judge: Judge | None = None  # for terms that look at more images than fake and real
    coins: Tensor | None = None  # bool, a fair one for each label, for terms that leave something to chance
    branch_verdicts: tuple[Verdict, ...] = ()  # of the images of `fake`'s branches
