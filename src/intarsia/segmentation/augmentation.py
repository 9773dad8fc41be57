"""Labelled photo -> training sample: another scale, place, side and light, a little blur, a little noise.

What is recognised should not hang on the exact colours, sharpness or size of the training photos, since generated
photos differ from photos in just these.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from intarsia.data.pairs import Pair
from intarsia.data.transforms import Size, sample
from intarsia.records import Sample

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How samples differ from the photos that they are cut from: plain values."""

    crop_size: Size = (192, 192)  # height, width
    scales: tuple[float, float] = (0.8, 1.4)  # that the photo is resized by, all as likely on a logarithmic scale
    jitter: float = 0.25  # by which brightness, contrast and saturation differ at most
    blurred: float = 0.15  # share of samples
    noisy: float = 0.15  # share of samples
    noise: float = 0.06  # at most: standard deviation, of values in [-1, 1]


def augmented(augmentation: Augmentation, one_class_at_most: float, pair: Pair, rng: random.Random) -> Sample:
    """A random sample of a labelled photo of any size; a function of its arguments.

    Args:
        augmentation: how it may differ.
        one_class_at_most: of a cut, see `data.transforms.sample`.
        pair: the photo and its labels; instances are not looked at.
        rng: drawn from.
    """
    height, width = augmentation.crop_size
    scale = math.exp(rng.uniform(*(math.log(end) for end in augmentation.scales)))
    rows, columns = pair.labels.shape
    cut = sample(
        replace(pair, instances=None),
        load_size=(max(height, round(rows * scale)), max(width, round(columns * scale))),
        crop_size=augmentation.crop_size,
        flip=True,
        rng=rng,
        one_class_at_most=one_class_at_most,
    )
    disturb(augmentation, cut.image.numpy(), rng)
    return cut


def disturb(augmentation: Augmentation, image: Values, rng: random.Random) -> None:
    """Change light, sharpness and noise of an image (3 H W in [-1, 1], and so it stays) in place."""
    brightness, contrast, saturation = (rng.uniform(1 - augmentation.jitter, 1 + augmentation.jitter) for _ in range(3))
    image += 1  # black is 0
    image *= brightness
    _spread(image, image.mean(), contrast)
    _spread(image, image.mean(0), saturation)
    image -= 1
    if rng.random() < augmentation.blurred:
        for axis in (1, 2):
            image[:] = _smoothed(image, axis)
    if rng.random() < augmentation.noisy:
        normal = np.random.default_rng(rng.getrandbits(64)).standard_normal(image.shape, np.float32)
        image += normal * np.float32(rng.uniform(0, augmentation.noise))
    np.clip(image, -1, 1, out=image)


def _spread(image: Values, middle: Any, factor: float) -> None:
    """Take values away from `middle`, or nearer to it."""
    image -= middle
    image *= factor
    image += middle


def _smoothed(image: Values, axis: int) -> Values:
    """The binomial mean (1 2 1) / 4 along an axis."""
    padding = [(1, 1) if place == axis else (0, 0) for place in range(3)]
    padded = np.pad(image, padding, mode="edge")
    before, here, after = (np.take(padded, range(start, start + image.shape[axis]), axis) for start in range(3))
    return np.asarray((before + 2 * here + after) / 4, np.float32)
