"""The snapshot of a segmenter: weights to deliver, and a card that says everything about them.

FOLDER/card.json               what it is: sizes, label space, recipe, how it was trained, scores, licence
FOLDER/segmenter.safetensors   the parameters and buffers that were trained; EfficientNet-lite0's come with its package
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from intarsia.blocks.efficientnet_lite import EfficientNetLite0
from intarsia.blocks.unet import LEVELS, Seeing, Unet
from intarsia.checkpoints.models import Kind
from intarsia.checkpoints.snapshot import CARD, FORMAT, Space, Training, load_card_of, save_snapshot
from intarsia.checkpoints.tensors import fill, read_tensors
from intarsia.errors import CheckpointError
from intarsia.pretrained import needed_lite0_file, read_lite0

WEIGHTS = "segmenter.safetensors"
SEGMENTERS = Kind("segmenter", "segmenters", WEIGHTS)


class Config(BaseModel):
    """Sizes of the network (`blocks.unet.Unet`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: int = Field(ge=1)
    width: int = Field(ge=1)


class SegmenterCard(BaseModel):
    """What a segmenter is. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    segmenter: str  # its name
    config: Config
    label_space: Space
    recipe: dict[str, Any]
    training: Training
    scores: dict[str, float] = Field(default_factory=dict)
    licence: str = ""


def build(config: Config) -> Unet:
    """The network, with fresh weights."""
    return Unet(config.classes, width=config.width)


def lite0_features() -> EfficientNetLite0:
    """The fixed network below every segmenter.

    Raises:
        CheckpointError: the package with its weights is not installed, or its file is not EfficientNet-lite0.
    """
    return read_lite0(needed_lite0_file("segmenters"), LEVELS)


def save_segmenter(folder: Path, card: SegmenterCard, tensors: Mapping[str, Tensor]) -> None:
    """Write a segmenter's snapshot; the folder appears whole, in place of an older one.

    Convolutions are stored in half precision, all else as it is.

    Raises:
        ConfigError: the folder holds something else.
        StorageError: the disk is full or the folder cannot be written.
    """
    save_snapshot(folder, card, {name: _stored(tensor) for name, tensor in tensors.items()}, WEIGHTS)


def load_segmenter(folder: Path) -> tuple[SegmenterCard, Seeing]:
    """Build the network that a snapshot describes, with its weights: float32, in evaluation mode, channels-last.

    Raises:
        CheckpointError: a file is missing or damaged, or the card contradicts itself.
    """
    card = load_card_of(SegmenterCard, folder, SEGMENTERS.what)
    classes = len(card.label_space.classes)
    if card.config.classes != classes:
        raise CheckpointError(
            f"{folder / CARD} is malformed: its label space has {classes} classes and its network tells "
            f"{card.config.classes} apart. Restore the label space that it was trained with."
        )
    network = build(card.config)
    fill(network, read_tensors(folder / WEIGHTS), folder / WEIGHTS)
    whole = Seeing(lite0_features(), network).eval().requires_grad_(False)
    return card, whole.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _stored(tensor: Tensor) -> Tensor:
    """Kernels in half precision: twice as small. Vectors stay, since running variances may be beyond its range."""
    return tensor.half() if tensor.ndim == 4 else tensor
