"""The perceptual term: VGG19 features of the made image against those of the photo."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks.vgg import Vgg19, layer_keys
from intarsia.errors import CheckpointError, ConfigError
from intarsia.losses import matching
from intarsia.records import Round
from intarsia.systems.system import Recipe, Term
from intarsia.weights import read_weights

_log = logging.getLogger(__name__)
PUBLISHED_FILE = "vgg19-dcbb9e9d.pth"


def perceptual_term(path: Path | None) -> Term:
    """The term, with the weights of `path`.

    Raises:
        ConfigError: `path` is None.
        CheckpointError: the file cannot be read or is not VGG19.
    """
    if path is None:
        raise ConfigError(
            f"the recipe weighs the term perceptual, which needs VGG19's weights. Download {PUBLISHED_FILE} "
            "(torchvision's) and give it as --perceptual FILE, or leave the term out: --without perceptual."
        )
    network = read_vgg19(path)

    def term(round: Round) -> Tensor:
        network.to(round.fake.image.device)
        with torch.no_grad():
            target = network(round.batch.image)
        return matching.perceptual(network(round.fake.image), target)

    return term


def without_absent(recipe: Recipe, path: Path | None) -> Recipe:
    """The recipe, without the perceptual term where its file is absent and the recipe calls it optional."""
    if path is not None or "perceptual" not in recipe.generator_weights or "perceptual" not in recipe.optional_terms:
        return recipe
    _log.warning("The term perceptual is left out: no file of VGG19 weights was given, and the recipe allows that.")
    weights = {name: weight for name, weight in recipe.generator_weights.items() if name != "perceptual"}
    return replace(recipe, generator_weights=weights)


def read_vgg19(path: Path) -> Vgg19:
    """VGG19 with the weights of a file whose keys are torchvision's (`features.N`) or SPADE's (`sliceK.N`).

    Raises:
        CheckpointError: the file cannot be read, or a layer is missing or of another shape.
    """
    return vgg19(read_weights(path), str(path))


def vgg19(weights: Mapping[str, Tensor], source: str) -> Vgg19:
    """VGG19 from named tensors; `source` names them in errors. Layers beyond relu5_1 are not used."""
    network = Vgg19()
    own = network.state_dict()
    by_place = {tuple(key.split(".")[-2:]): value for key, value in weights.items() if "classifier" not in key}
    for number, layer in layer_keys().items():
        for part in ("weight", "bias"):
            value = by_place.get((str(number), part))
            expected = own[f"{layer}.{part}"]
            if value is None or value.shape != expected.shape:
                found = (
                    "is missing" if value is None else f"has shape {tuple(value.shape)}, not {tuple(expected.shape)}"
                )
                raise CheckpointError(
                    f"weight file {source} is not VGG19: features.{number}.{part} {found}. "
                    f"Give torchvision's {PUBLISHED_FILE}."
                )
            expected.copy_(value)
    return network.eval()
