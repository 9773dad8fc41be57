"""What the tests of every system share: its small presets, built and shown a batch made by rule."""

from dataclasses import replace
from functools import partial

import torch

from intarsia import systems
from intarsia.records import Batch, Condition, Round, Seeds
from intarsia.systems.system import Preset, System
from tests import maps

SMALL = [name for name in systems.PRESETS if "tiny" in name]


def build(name: str, preset: Preset | None = None) -> System:
    """A small preset, freshly made; the same every time."""
    preset = preset or systems.preset(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return systems.build(preset.system, preset.config, preset.recipe, preset=name)


def batch(system: System, count: int = 2) -> Batch:
    """Photos, labels and instances by rule, of the size that the system is trained at."""
    height, width = system.config.size
    return Batch(
        names=tuple(f"photo {i}" for i in range(count)),
        image=torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(2)) * 2 - 1,
        labels=maps.regions(3, system.config.labels, height, width, batch=count),
        instances=maps.regions(4, 20, height, width, batch=count),
        holes=maps.regions(5, 2, height, width, batch=count) > 0,
    )


def condition(system: System, count: int = 2) -> Condition:
    return system.condition(batch(system, count), Seeds(tuple(range(count))))


def round_of(system: System, condition: Condition, count: int = 2) -> Round:
    """What was made, and all verdicts."""
    photos = batch(system, count)
    made = system.generator(condition)
    if system.discriminator is None:
        return Round(photos, condition, made)
    judge = partial(system.discriminator, condition)
    fake, *others, real = judge(torch.cat([*made.judged, photos.image])).split(len(made.judged) + 1)
    return Round(photos, condition, made, fake, real, judge, Seeds((0,)).coins(system.config.labels), tuple(others))


def one_of(condition: Condition, place: int) -> Condition:
    """The condition of one image of a batch."""

    def part(tensor):
        return None if tensor is None else tensor[place : place + 1]

    semantics = replace(condition.semantics, codes=part(condition.semantics.codes), _windows={}, _half=[], _averaged={})
    names = ("noise", "photo", "objects", "features", "canvas", "hole", "shapes")
    tensors = {name: part(getattr(condition, name)) for name in names}
    return replace(condition, semantics=semantics, **tensors, lessons=None, _levels={})


def doubled(condition: Condition) -> Condition:
    """The condition in float64."""
    semantics = condition.semantics.recoded(condition.semantics.codebook.double())
    parts = {name: getattr(condition, name) for name in ("noise", "photo", "features", "canvas", "shapes")}
    tensors = {name: part.double() for name, part in parts.items() if part is not None}
    return replace(condition, semantics=semantics, **tensors, _levels={})
