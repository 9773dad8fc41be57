"""Inputs of `scripts/metric_goldens`, which the tests give to our own metrics."""

from pathlib import Path

import numpy as np
import torch

from intarsia.blocks.inception import Inception
from tests.goldens import rule

FILE = Path(__file__).with_name("metrics.npz")
SEED, SUBSETS, CLASSES = 2020, 20, 12


def features() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """More images than features, and fewer; features are not negative, like Inception's."""
    found = {}
    for name, (first, second, width) in {"many": (300, 260, 24), "few": (60, 50, 128)}.items():
        random = np.random.default_rng(width)
        mixing = random.standard_normal((width, width)) / width**0.5
        sets = [np.maximum(random.standard_normal((count, width)) @ mixing + 0.3, 0) for count in (first, second)]
        found[name] = (sets[0] + 0.05, sets[1])
    return found


def label_maps() -> tuple[np.ndarray, np.ndarray]:
    """Truth (with don't-care, `CLASSES`) and prediction; one class is never there, one never predicted."""
    random = np.random.default_rng(7)
    truth = random.integers(0, CLASSES + 1, (3, 40, 50))
    truth[truth == 4] = 5
    predicted = np.where(random.random(truth.shape) < 0.6, np.minimum(truth, CLASSES - 1), 0)
    predicted[predicted == 6] = 7
    return truth, predicted


def images() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of images B 3 H W float32 in [0, 1], the second of each a noisy and darker first."""
    found = {}
    for name, size in {"even": (192, 208), "odd": (171, 187)}.items():
        random = np.random.default_rng(size[0])
        first = np.stack([(rule.image(seed, 3, *size) + 1) / 2 for seed in (1, 2)])
        second = 0.9 * first + 0.1 * random.random(first.shape)
        second[1] = second[1, :, ::-1]
        found[name] = (first.astype(np.float32), second.astype(np.float32))
    return found


def inception_weights() -> dict[str, np.ndarray]:
    """The published file's keys, with weights by the rule; convolutions larger, for features that differ."""
    shapes = {key: tuple(value.shape) for key, value in Inception().state_dict().items()}
    shapes |= {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    weights = {key: rule.tensor(key, shape) for key, shape in shapes.items()}
    return {key: value * np.float32(1.6) if key.endswith("conv.weight") else value for key, value in weights.items()}


def inception_input() -> np.ndarray:
    """Two images, 2 3 299 299 uint8: at the network's own size no resizing is looked at."""
    planes = np.stack([rule.image(seed, 3, 299, 299) for seed in (3, 4)])
    return ((planes + 1) * 127.5).astype(np.uint8)


def tensors(weights: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in weights.items()}
