"""KID-lite0 of a generator while it is trained, so that the best snapshot can be kept apart from the last."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from intarsia.data.sources import Source
from intarsia.data.transforms import photo_array
from intarsia.errors import ConfigError
from intarsia.evaluation.kid import FEWEST, kid
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.measure import AT_ONCE
from intarsia.records import Sample, stack
from intarsia.systems.system import System
from intarsia.training.loop import Score, views
from intarsia.training.rounds import seeds_at

NAME = "kid_lite0"
Features = npt.NDArray[np.float32]


def kid_lite0_score(system: System, watched: Source, most: int, seed: int, device: torch.device) -> Score:
    """KID-lite0 between photos and what a generator makes of their label maps, each from a seed of its own.

    Args:
        system: whose conditions the generator takes.
        watched: photos that it is not trained on; cut as in training, without mirroring.
        most: of them that are looked at, evenly spread.
        seed: of noise and styles.
        device: the generator's.

    Raises:
        CheckpointError: EfficientNet-lite0's weights are not installed.
        ConfigError: there are too few photos.
    """
    if min(most, len(watched)) < FEWEST:
        raise ConfigError(
            f"a best snapshot cannot be told by {min(most, len(watched))} held-out photos. Keep it by {FEWEST} or more."
        )
    lite0 = Lite0.installed(device)
    samples = views(system, watched, most)
    real = lite0.features([photo_array(sample.image[None])[0] for sample in samples])
    return Score(NAME, partial(_kid_lite0, system, samples, lite0, real, seed))


def _kid_lite0(
    system: System, samples: list[Sample], lite0: Lite0, real: Features, seed: int, generator: nn.Module
) -> float:
    features = []
    with torch.inference_mode():
        for first in range(0, len(samples), AT_ONCE):
            batch = stack(samples[first : first + AT_ONCE]).to(lite0.device)
            made = generator(system.condition(batch, seeds_at(seed, first, len(batch))))
            features.append(lite0.features(list(photo_array(made.image))))
    return kid(np.concatenate(features), real, seed=seed).value
