"""CRN: Chen, Koltun, "Photographic Image Synthesis with Cascaded Refinement Networks", ICCV 2017.

Differs from all that came after it: there is no discriminator. One forward cascade: each refinement module doubles the
resolution, looks at what the one before made and at the label map at its own resolution. Trained to come near the photo
in the eyes of VGG19, class by class with the nearest of several images (the diversity loss), which leaves the network
free to make them different.

Published: 97.9 M parameters at 256x512 with nine images, 98.6 M and 98.7 M at 512x1024 and 1024x2048 with one; the
paper compares by people's preference. As the SPADE paper retrained it (mIoU / accuracy / FID):
COCO-Stuff 23.7 / 40.4 / 70.4, ADE20K 22.4 / 68.8 / 73.3, ADE20K-outdoor 16.5 / 68.6 / 99.0, Cityscapes 52.4 / 77.1 /
104.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intarsia.blocks.layer_normalised import JointNormedConv2d, NormedConv2d, initialise, resized_bilinear
from intarsia.coded import Semantics, averaged
from intarsia.conditioning.semantics import batch_semantics
from intarsia.errors import ConfigError
from intarsia.records import Batch, Condition, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.content import LITE0_WEIGHTS, content_terms
from intarsia.systems.system import Preset, Recipe, System, check_positive, check_stride

# Channels of the modules as published, from height 4 on: as many of them as the image's height needs.
WIDTHS = (1024, 1024, 1024, 1024, 1024, 512, 512, 128, 32)
# Of the image and relu1_2 .. relu5_2: each level's error counts relative to its size after 100 epochs, the last ten
# times as much.
DIVERSE_WEIGHTS = (1.0, 1 / 1.6, 1 / 2.3, 1 / 1.8, 1 / 2.8, 10 / 0.8)
GTA_WEIGHTS = (1.0, 1 / 1.4, 1 / 1.8, 1 / 1.3, 1 / 2.2, 10 / 0.62)
SIMPLE_WEIGHTS = (1.0, 1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5)


@dataclass(frozen=True)
class CrnConfig:
    """Sizes of the network: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or the modules do not lead to it.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    images: int = 9  # made at once of each map
    size: tuple[int, int] = (256, 512)  # height, width that it is trained at
    widths: tuple[int, ...] = WIDTHS[:7]  # channels of the modules; each doubles the resolution of the one before
    level_weights: tuple[float, ...] = DIVERSE_WEIGHTS  # of the errors of image and features, from fine to coarse

    def __post_init__(self) -> None:
        check_positive("crn", asdict(self))
        if self.size[0] % self.stride or self.size[1] % self.stride:
            raise ConfigError(f"size {self.size} is no multiple of {self.stride}. Choose one, or fewer widths.")

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this: the doublings from the first module to the image."""
        return 1 << (len(self.widths) - 1)

    @property
    def edges(self) -> bool:
        """Instance edges are not looked at."""
        return False

    @property
    def style(self) -> bool:
        """There is no style vector: a seed chooses among the images."""
        return False


class RefinementModule(nn.Module):
    """Two normalised convolutions over the labels and what the module before made."""

    def __init__(self, planes: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_0 = JointNormedConv2d(planes, inputs, outputs)
        self.conv_1 = NormedConv2d(outputs, outputs)

    def forward(self, semantics: Semantics, x: Tensor | None) -> Tensor:
        """Labels of this resolution, and B inputs h w of half of it (None in the first module) -> B outputs H W."""
        if x is not None:
            x = resized_bilinear(x, 2 * x.shape[2], 2 * x.shape[3])
        out: Tensor = self.conv_1(self.conv_0(semantics, x))
        return out


class CrnGenerator(nn.Module):
    """Condition -> Synthesis. The images have `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: CrnConfig) -> None:
        super().__init__()
        self.config = config
        inputs = (0, *config.widths)
        self.stages = nn.ModuleList(
            RefinementModule(config.labels, before, width) for before, width in zip(inputs, config.widths, strict=False)
        )
        self.to_image = nn.Conv2d(config.widths[-1], 3 * config.images, 1)

    def forward(self, condition: Condition) -> Synthesis:
        """Make `config.images` images of `condition.size`; `condition.choice` says which one is *the* image."""
        check_stride(condition.size, self.config.stride)
        levels = [condition.at(*condition.size)]
        for _ in self.stages[1:]:
            levels.append(averaged(levels[-1], 2))
        x: Tensor | None = None
        for stage, semantics in zip(self.stages, reversed(levels), strict=True):
            x = stage(semantics, x)
        # Channels go by colour first, then by image.
        images = self.to_image(x).unflatten(1, (3, self.config.images)).transpose(1, 2)
        if condition.choice is None:
            return Synthesis(images[:, 0], images)
        numbers = torch.arange(len(images), device=images.device)
        return Synthesis(images[numbers, condition.choice.to(images.device)], images)


def crn(config: CrnConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the network, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: MatConvNet's file of VGG19 weights, for the terms that look through it.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or the weights of a term's network are absent.
        CheckpointError: the file of such weights cannot be read.
    """
    generator = CrnGenerator(config)
    initialise(generator)
    return assembled(
        "crn",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=None,
        condition=condition,
        generator_terms=content_terms(recipe, perceptual, weights=config.level_weights, classes=config.labels),
        discriminator_terms={},
        inherits=partial(inherited, config),
    )


def condition(config: CrnConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the network looks at in training: labels alone; nothing is drawn.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
    """
    return Condition(batch_semantics(batch, config.labels, config.edges), batch.size)


def inherited(config: CrnConfig, entry: str, smaller: Mapping[str, Any]) -> str | None:
    """What a part starts with in a run that goes on, finer, where one with fewer modules ended.

    All modules are taken over; the last convolution of the smaller network is left behind.

    Args:
        config: of the system that starts.
        entry: the name of a tensor in its states.
        smaller: plain values of the other's config.

    Returns:
        The name of the tensor in the other's states, or None for parts that are new.
    """
    name = entry.split("/", 2)[2]
    known = len(smaller["widths"])
    if name.startswith("to_image."):
        return entry if len(config.widths) == known and config.images == smaller["images"] else None
    return entry if int(name.split(".")[1]) < known else None


# Presets: the four published trainings, and small ones for everyday machines.

_DIVERSE = {"content_nearest": 0.999, "content_average": 0.001}
_256 = CrnConfig(labels=20)
_RECIPE = Recipe(
    _DIVERSE,
    {},
    generator_rate=1e-4,
    betas=(0.9, 0.999),
    epochs=200,
    load_size=(256, 512),
    crop_size=(256, 512),
    flip=False,
)


def _finer(height: int, epochs: int) -> tuple[CrnConfig, Recipe]:
    """A training at twice the resolution or more, to be started from the run before (`--from`)."""
    size = (height, 2 * height)
    widths = WIDTHS[: height.bit_length() - 2]
    return (
        replace(_256, images=1, size=size, widths=widths, level_weights=SIMPLE_WEIGHTS),
        replace(_RECIPE, generator_weights={"content": 1.0}, epochs=epochs, load_size=size, crop_size=size),
    )


_512, _RECIPE_512 = _finer(512, epochs=20)
_1024, _RECIPE_1024 = _finer(1024, epochs=5)
PRESETS = {
    "crn-cityscapes-256p": Preset("crn", _256, _RECIPE),
    "crn-cityscapes-512p": Preset("crn", _512, _RECIPE_512),
    # Only the last two modules learn: as published, for want of memory.
    "crn-cityscapes-1024p": Preset(
        "crn", _1024, replace(_RECIPE_1024, held={f"stages.{place}.": None for place in range(7)})
    ),
    # As published 400 rounds of 3,001 random photos of 12,403.
    "crn-gta-256p": Preset("crn", replace(_256, level_weights=GTA_WEIGHTS), replace(_RECIPE, epochs=97)),
}
# Small ones need no file of VGG19 weights. Rendered streets: four images leave room for as many kinds of light.
_STREET = CrnConfig(labels=28, images=4, size=(64, 64), widths=(192, 160, 128, 80, 40), level_weights=LITE0_WEIGHTS)
_STREET_RECIPE = replace(
    _RECIPE,
    generator_weights={f"{name}_lite0": weight for name, weight in _DIVERSE.items()},
    generator_rate=4e-4,
    epochs=100,
    batch=4,
    average=0.999,
    load_size=(71, 71),
    crop_size=(64, 64),
    flip=True,
)
PRESETS |= {
    # Train on two CPU cores in hours.
    "crn-street-64": Preset("crn", _STREET, _STREET_RECIPE),
    # The modules of crn-street-64 and one more: a run can start from one of that.
    "crn-street-128": Preset(
        "crn",
        replace(_STREET, size=(128, 128), widths=(*_STREET.widths, 20)),
        replace(_STREET_RECIPE, load_size=(143, 143), crop_size=(128, 128)),
    ),
    # For tests: everything that the large ones have, in a second.
    "crn-tiny": Preset(
        "crn",
        CrnConfig(labels=6, images=3, size=(32, 32), widths=(16, 8, 8, 6), level_weights=LITE0_WEIGHTS),
        replace(_STREET_RECIPE, epochs=2, batch=2, average=0.9, load_size=None, crop_size=(32, 32)),
    ),
}
