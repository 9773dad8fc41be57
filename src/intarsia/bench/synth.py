"""Synthesis: frozen on coded maps, against the network as published on one-hot planes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor

from intarsia.bench.machine import about, interleaved
from intarsia.bench.peak import peak_mb
from intarsia.bench.scenes import scene, seeds, settle, system_for
from intarsia.blocks.frozen import forget, freeze
from intarsia.conditioning.semantics import coded_labels
from intarsia.records import Condition
from intarsia.synthesis.noise import Noise
from intarsia.systems.system import System

Make = Callable[[], Tensor]


def bench_synth(preset: str, labels: Tensor, *, repeats: int = 5, seed: int = 0) -> dict[str, Any]:
    """Time one image of `preset` from a label map (1 H W int64), and compare the images.

    Returns:
        Medians in seconds of interleaved runs (`dense_s`, `coded_s`, `unchanged_s`: another style or noise of the
        labels of the last call; with noise in the map `rerolled_s`: other noise of one region), their ratios, the
        largest difference between the two images (in -1..1), peak memory in MB above the networks, and the machine.
    """
    system = settled(preset, labels, seed)
    makers = {"dense": dense_maker, "coded": coded_maker, "unchanged": unchanged_maker}
    if getattr(system.config, "noise", 0):
        makers["rerolled"] = rerolled_maker
    contestants = {name: maker(system, labels) for name, maker in makers.items()}
    with torch.inference_mode():
        difference = (contestants["dense"]() - contestants["coded"]()).abs().max().item()
        seconds = interleaved(contestants, repeats)
    rerolled = {}
    if "rerolled" in seconds:
        ratio = seconds["dense"] / seconds["rerolled"]
        rerolled = {"rerolled_s": seconds["rerolled"], "ratio_region_rerolled": ratio}
    return {
        **about(preset, labels, repeats, seed),
        "dense_s": seconds["dense"],
        "coded_s": seconds["coded"],
        "unchanged_s": seconds["unchanged"],
        "ratio": seconds["dense"] / seconds["coded"],
        "ratio_labels_unchanged": seconds["dense"] / seconds["unchanged"],
        **rerolled,
        "max_difference": difference,
        "dense_peak_mb": peak_mb(prepare, dense_maker.__name__, preset, labels, seed),
        "coded_peak_mb": peak_mb(prepare, coded_maker.__name__, preset, labels, seed),
    }


def settled(preset: str, labels: Tensor, seed: int) -> System:
    """The system in evaluation, with the statistics that its map gives it."""
    system = system_for(preset, (labels.shape[1], labels.shape[2]), seed)
    settle(system.generator, conditioned(system, labels))
    return system


def conditioned(system: System, labels: Tensor) -> Condition:
    """Everything from labels to condition: part of what is timed."""
    return system.condition(scene(labels, 0), seeds(len(labels)))


def dense_maker(system: System, labels: Tensor) -> Make:
    """As published: planes of zeros and ones, convolutions in torch's default layout."""
    generator = copy.deepcopy(system.generator)
    return lambda: generator(conditioned(system, labels).dense()).image


def coded_maker(system: System, labels: Tensor) -> Make:
    """Frozen, with a label map that was never seen before."""
    generator = freeze(system.generator)

    def make() -> Tensor:
        image: Tensor = generator(conditioned(system, labels)).image
        forget(generator)  # or the next run would find its own tables
        return image

    return make


def unchanged_maker(system: System, labels: Tensor) -> Make:
    """Frozen, with the labels of the last call: another style or noise."""
    generator = freeze(system.generator)
    condition, turns = conditioned(system, labels), count()

    def make() -> Tensor:
        noise = condition.noise
        if noise is not None:
            noise = seeds(len(labels)).derived(next(turns)).normal(noise.shape[1])
        image: Tensor = generator(condition.restyled(noise=noise, photo=condition.photo)).image
        return image

    return make


def rerolled_maker(system: System, labels: Tensor) -> Make:
    """Frozen, with noise in the map: other noise for the class in the middle, as a scene computes it."""
    generator = freeze(system.generator)
    middle = labels[:, labels.shape[1] // 2, labels.shape[2] // 2]
    field = Noise(coded_labels(labels, system.config.labels), labels, labels, system.config.noise)
    mask, turns = labels == middle[:, None, None], count()
    return lambda: generator(field.rerolled(mask, next(turns)).drawn("global", [0] * len(labels))).image


def prepare(maker: str, preset: str, labels: Tensor, seed: int) -> Make:
    """The work of one maker, for a process of its own."""
    run: Make = {"dense_maker": dense_maker, "coded_maker": coded_maker}[maker](settled(preset, labels, seed), labels)
    return torch.inference_mode()(run)
