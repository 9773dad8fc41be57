"""Content terms of CRN and SIMS: errors of the image and of features that a network sees in it.

A term's name says its form and, behind it, the network: none for MatConvNet's VGG19, as published, `_lite0` for
EfficientNet-lite0, which a laptop can afford and a package index carries.

    content            the mean over everything, of systems that make one image of a map
    content_nearest    by class the nearest of K images, summed over classes
    content_average    the mean over K images, summed over classes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.errors import ConfigError
from intarsia.losses import content
from intarsia.pretrained import MATCONVNET_FILE, read_matconvnet_vgg19
from intarsia.records import Round
from intarsia.systems import perceptual
from intarsia.systems.perceptual import LITE0_LEVELS, Viewer, network_of
from intarsia.systems.system import Recipe, Term

MEAN = (123.68, 116.779, 103.939)
"""Of ImageNet, RGB 0 to 255."""
VGG19_LEVELS, OF_LITE0_LEVELS = 6, 1 + len(LITE0_LEVELS)
# Of the image in [-1, 1] and of EfficientNet-lite0's features: so weighed, levels of unrelated photos count alike.
LITE0_WEIGHTS = (1 / 2, 1 / 4, 1 / 34, 1 / 32, 1 / 28)
FORMS = ("content", "content_nearest", "content_average")
Levels = Callable[[Tensor], tuple[Tensor, ...]]
"""Images B 3 H W in [-1, 1] -> the image in the unit that errors are measured in, and features from fine to coarse."""

VIEWERS = {
    "": Viewer(
        file=lambda given: given,
        read=read_matconvnet_vgg19,
        needs=f"VGG19's weights. Download {MATCONVNET_FILE} (MatConvNet's) and give it as --perceptual FILE",
        missed=perceptual.VGG19_MISSED,
    ),
    "_lite0": perceptual.VIEWERS["perceptual_lite0"],
}
"""By the end of a term's name."""
FROM_FILE = frozenset(FORMS)
"""The terms whose network is read from the user's file."""


@dataclass(frozen=True)
class Published:
    """How the published code shows images to VGG19."""

    network: nn.Module
    flipped: bool = False  # whether the channels are turned round first
    halved: bool = False  # whether VGG19 sees half the resolution

    def __call__(self, image: Tensor) -> tuple[Tensor, ...]:
        """The image less ImageNet's mean, 0 to 255, and relu1_2 .. relu5_2."""
        values = (image.flip(1) if self.flipped else image).float().add(1).mul(127.5)
        values = values - torch.tensor(MEAN, device=image.device)[:, None, None]
        seen = values
        if self.halved:
            size = (image.shape[2] // 2, image.shape[3] // 2)
            seen = F.interpolate(values, size, mode="bilinear", align_corners=True)
        return (values, *self.network(seen))


def content_terms(
    recipe: Recipe,
    given: Path | None,
    *,
    weights: tuple[float, ...],
    classes: int,
    show: Callable[[nn.Module], Levels] = Published,
) -> dict[str, Term]:
    """The content terms that the recipe weighs, by name; those of one network look through it together, once a round.

    Args:
        recipe: a term without a weight needs no file.
        given: the user's file of VGG19 weights.
        weights: of the levels.
        classes: planes of the labels.
        show: how images are shown to VGG19.

    Raises:
        ConfigError: there is another number of weights, or those of a network are absent.
        CheckpointError: its file cannot be read or holds another network.
    """
    terms: dict[str, Term] = {}
    for ending, viewer in VIEWERS.items():
        names = [form + ending for form in FORMS if form + ending in recipe.generator_weights]
        if not names:
            continue
        wanted = OF_LITE0_LEVELS if ending else VGG19_LEVELS
        if len(weights) != wanted:
            raise ConfigError(
                f"the term {names[0]} looks at {wanted} levels, and the config has {len(weights)} level_weights. "
                f"Give {wanted}."
            )
        network = network_of(names[0], viewer, given)
        levels = partial(_lite0_levels, network) if ending else show(network)
        shown = _on_device(network, levels)
        by_class = once(partial(_by_class, shown, weights, classes))
        forms: dict[str, Term] = {
            "content": partial(_content, shown, weights),
            "content_nearest": partial(_made_of, content.nearest, by_class),
            "content_average": partial(_made_of, content.average, by_class),
        }
        terms |= {name: forms[name.removesuffix(ending)] for name in names}
    return terms


def once(compute: Callable[[Round], Tensor]) -> Callable[[Round], Tensor]:
    """The same function, computed once for each round however many terms ask."""
    known: WeakKeyDictionary[Round, Tensor] = WeakKeyDictionary()

    def answer(round: Round) -> Tensor:
        if round not in known:
            known[round] = compute(round)
        return known[round]

    return answer


def _made_of(reduce: Callable[[Tensor], Tensor], matrix: Callable[[Round], Tensor], round: Round) -> Tensor:
    return reduce(matrix(round))


def _content(levels: Levels, weights: tuple[float, ...], round: Round) -> Tensor:
    with torch.no_grad():
        real = levels(round.batch.image)
    return content.content(levels(round.fake.image), real, weights)


def _by_class(levels: Levels, weights: tuple[float, ...], classes: int, round: Round) -> Tensor:
    """Errors of K images by class, B K classes."""
    images = round.fake.image[:, None] if round.fake.images is None else round.fake.images
    with torch.no_grad():
        real = levels(round.batch.image)
    fake = [level.view(*images.shape[:2], *level.shape[1:]) for level in levels(images.flatten(0, 1))]
    planes = F.one_hot(round.batch.labels, classes).permute(0, 3, 1, 2).float()
    return content.content_by_class(fake, real, planes, weights)


def _lite0_levels(network: nn.Module, image: Tensor) -> tuple[Tensor, ...]:
    return (image, *network(image))


def _on_device(network: nn.Module, levels: Levels) -> Levels:
    """The same levels, with the network where the images are."""

    def answer(image: Tensor) -> tuple[Tensor, ...]:
        network.to(image.device)
        return levels(image)

    return answer
