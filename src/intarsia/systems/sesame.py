"""SESAME: Ntavelis, Romero, Kastanis, Van Gool, Timofte, "SESAME: Semantic Editing of Scenes by Adding, Manipulating or
Erasing Objects", ECCV 2020.

Differs from SPADE: it edits a photo. The generator sees a photo with a hole and the labels that should fill it; what it
makes is laid into the hole, and everywhere else the photo stays. An encoder with dilated convolutions carries the
surroundings into the hole, and SPADE blocks grow from there instead of from a start grid. The discriminator has two
streams, one for the image and one for the semantics, which meet by multiplication.

The same discriminator behind SPADE's generator makes photos from labels alone: presets `spade-DATA-sesame`. Published
so (mIoU / accuracy / FID): Cityscapes 66.0 / 82.5 / 54.2, ADE20K 49 / 85.5 / 31.9.
Parameters of the editing generator: Cityscapes 20.5 M, bedrooms of ADE20K 20.8 M, landscapes 20.1 M.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from intarsia.blocks.context_encoder import ContextEncoder
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.residual import SpadeBlock
from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.coded import CodedMap
from intarsia.conditioning.holes import holed_labels
from intarsia.conditioning.semantics import check_labels
from intarsia.data.holes import Holes, holed_sample
from intarsia.data.pairs import Pair
from intarsia.errors import ConfigError, DataError
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Condition, Sample, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.spade import PRESETS as SPADE_PRESETS
from intarsia.systems.spade import fooling_terms, initialise, judging_terms
from intarsia.systems.system import Preset, Recipe, System, check_positive, check_stride, present

DILATION = 2  # of all SPADE blocks before the last at the bottom


@dataclass(frozen=True)
class SesameConfig:
    """Sizes of the networks and what holes they learn: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, the kernel is even, or parts contradict each other.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    everywhere: bool = False  # whether labels are told outside the hole too; published so for ADE20K only
    width: int = 64  # channels at full resolution; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    halvings: int = 2  # from the image to the bottom
    blocks: int = 4  # residual blocks of the encoder
    spade_blocks: int = 5  # at the bottom
    skips: bool = False  # connections from the encoder to the decoder
    wide: bool = False  # twice the channels at the bottom
    composite: bool = True  # lay what was made into the photo, for losses too; else the photo is made anew as a whole
    hidden: int = 128  # channels of the hidden layer in each SPADE layer
    kernel: int = 3  # of both convolutions in each SPADE layer
    normalisation: Normalisation = "batch"  # in the SPADE layers
    discriminator_width: int = 64  # channels of its first layers; published as ndf
    discriminator_scales: int = 2
    adversarial: Adversarial = "hinge"
    holes: Holes = field(default_factory=Holes)

    def __post_init__(self) -> None:
        check_positive("sesame", asdict(self))
        if self.kernel % 2 == 0:
            raise ConfigError(f"the config of sesame has kernel {self.kernel}. Give an odd number.")
        if self.wide and self.skips:
            raise ConfigError("the config of sesame is wide and has skips, which were never published. Choose one.")

    @property
    def planes(self) -> int:
        """Channels of the dense condition: labels, then the hole."""
        return self.labels + 1

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 1 << self.halvings

    @property
    def least_side(self) -> int:
        """Of an image: borders are mirrored at the bottom too."""
        return (DILATION + 1) * self.stride

    @property
    def edges(self) -> bool:
        """Instance edges are not looked at."""
        return False

    @property
    def style(self) -> bool:
        """There is no style vector."""
        return False

    @property
    def edits(self) -> bool:
        """It fills holes in photos."""
        return True


class SesameGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: SesameConfig) -> None:
        super().__init__()
        check_stride(config.size, config.stride)
        self.config = config
        width, bottom = config.width, config.width << config.halvings
        self.encoder = ContextEncoder(
            config.planes, width=width, halvings=config.halvings, blocks=config.blocks, wide=config.wide
        )
        core = 2 * bottom if config.wide else bottom
        widths = [
            *[core] * (config.spade_blocks - 1),
            bottom,
            *(bottom >> (level + 1) for level in range(config.halvings)),
        ]
        # With skips, the last block at the bottom and all after it also see what the encoder had there.
        beside = [0] * (config.spade_blocks - 1) + [
            (bottom >> level) * config.skips for level in range(config.halvings + 1)
        ]
        blocks = [
            SpadeBlock(
                inputs + skipped,
                outputs,
                config.planes,
                hidden=config.hidden,
                kernel=config.kernel,
                kind=config.normalisation,
                dilation=DILATION if place < config.spade_blocks - 1 else 1,
            )
            for place, (inputs, skipped, outputs) in enumerate(zip([core, *widths], beside, widths, strict=False))
        ]
        doublings = (False,) * config.spade_blocks + (True,) * config.halvings
        self.decoder = Decoder(blocks, doublings, width + (3 + config.planes) * config.skips)

    def forward(self, condition: Condition) -> Synthesis:
        """Fill the hole of `condition.photo`; outside it, the image is the photo.

        Raises:
            ConfigError: the condition has no photo or hole, or its size does not suit.
        """
        made = self.made(condition)
        if not self.config.composite:
            return Synthesis(made)
        return Synthesis(torch.where(present(condition.hole), made, present(condition.photo)))

    def made(self, condition: Condition) -> Tensor:
        """What is made of the whole image before it is laid into the photo: B 3 H W in [-1, 1]. Errors: `forward`."""
        if condition.photo is None or condition.hole is None:
            raise ConfigError("this generator fills a hole in a photo, and the condition lacks one of them. Give both.")
        check_stride(condition.size, self.config.stride)
        semantics = condition.at(*condition.size)
        masked = condition.photo.masked_fill(condition.hole, 0)
        x, seen = self.encoder(semantics, masked)
        made: Tensor = self.decoder(x, condition, self._beside(condition, masked, seen))
        return made

    def _beside(self, condition: Condition, masked: Tensor, seen: list[Tensor]) -> list[Tensor | None]:
        """What stands beside the input of each block and of the last convolution, by skip connections."""
        if not self.config.skips:
            return []
        semantics = condition.at(*condition.size)
        planes = semantics.dense() if isinstance(semantics, CodedMap) else semantics
        without: list[Tensor | None] = [None] * (self.config.spade_blocks - 1)
        return [*without, *reversed(seen), torch.cat([masked, planes], 1)]


def sesame(config: SesameConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the terms `perceptual` and `style`.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or VGG19's weights are missing.
    """
    generator = SesameGenerator(config)
    discriminator = TwoStreamDiscriminator(
        config.planes, width=config.discriminator_width, scales=config.discriminator_scales
    )
    initialise(generator, spectral=True)
    initialise(discriminator, spectral=True)
    return assembled(
        "sesame",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=condition,
        generator_terms=fooling_terms(config.adversarial),
        discriminator_terms=judging_terms(config.adversarial),
        generator_sees_real="feature_matching" in recipe.generator_weights,
        draw=partial(draw, config, recipe),
    )


def condition(config: SesameConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: the photo with its hole, and the labels.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
        DataError: the batch has no holes.
    """
    check_labels(batch, config.labels)
    if batch.holes is None:
        raise DataError("this network fills holes, and the data has none. Draw them with holed_sample.")
    return holed_condition(config, batch.image, batch.labels, batch.holes)


def holed_condition(config: SesameConfig, photo: Tensor, labels: Tensor, hole: Tensor) -> Condition:
    """The condition for photos B 3 H W in [-1, 1], train ids B H W int64, and holes B H W bool."""
    semantics = holed_labels(labels, hole, config.labels, everywhere=config.everywhere)
    return Condition(semantics, semantics.size, photo=photo, hole=hole[:, None])


def draw(
    config: SesameConfig,
    recipe: Recipe,
    pair: Pair,
    *,
    flip: bool,
    rng: random.Random,
    one_class_at_most: float,
    scratch: Path | None,
) -> Sample:
    """A random cut with a hole, as config and recipe say (`system.Draw`)."""
    return holed_sample(
        config.holes,
        pair,
        load_size=recipe.load_size,
        crop_size=recipe.crop_size,
        flip=flip,
        rng=rng,
        one_class_at_most=one_class_at_most,
    )


# Presets: the three published editors, the discriminator behind SPADE's generator, and small ones.

_WEIGHTS = {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0}
_SIDES = {"fake": 1.0, "real": 1.0}
_RECIPE = Recipe(_WEIGHTS, _SIDES, epochs=100, decay_epochs=100, batch=4, crop_size=(256, 256))
# Train ids are those of the published data: raw ids of Cityscapes, places among the 48 most frequent objects of ADE20K.
_THINGS = tuple(range(24, 34))
_FURNITURE = (2, 4, 5, *range(7, 27), *range(28, 34), *range(35, 39))
_PUBLISHED = {
    "cityscapes": (SesameConfig(35, holes=Holes(classes=_THINGS, first_instance=1000, least=128)), _RECIPE),
    "ade20k": (
        SesameConfig(49, everywhere=True, holes=Holes(classes=_FURNITURE, least=64, background=0.1)),
        _RECIPE,
    ),
    # No script was published for landscapes; whether labels are told everywhere is not known.
    "landscapes": (SesameConfig(18, holes=Holes(context=0.0, free=1.0)), replace(_RECIPE, load_size=(286, 286))),
}
PRESETS = {f"sesame-{data}": Preset("sesame", config, recipe) for data, (config, recipe) in _PUBLISHED.items()}


def judged_by_two_streams(preset: Preset) -> Preset:
    """A preset of SPADE with SESAME's discriminator."""
    return replace(preset, config=replace(preset.config, discriminator="two-stream"))


_SPADE = {
    name: SPADE_PRESETS[f"spade-{name}"] for name in ("ade20k", "coco", "cityscapes", "street-128", "street-64", "tiny")
}
PRESETS |= {f"spade-{name}-sesame": judged_by_two_streams(preset) for name, preset in _SPADE.items()}

_STREET = SesameConfig(
    28,
    width=24,
    size=(128, 128),
    hidden=48,
    discriminator_width=32,
    # Of photos of 256 pixels.
    holes=Holes(free=0.3, whole=0.05, least=24, most=128, background=0.2),
)
_STREET_RECIPE = Recipe(
    {"gan": 1.0, "feature_matching": 10.0, "perceptual_lite0": 4.0},
    _SIDES,
    generator_rate=2e-4,
    epochs=100,
    batch=4,
    average=0.999,
    crop_size=(128, 128),
    optional_terms=("perceptual_lite0",),
)
PRESETS |= {
    "sesame-street-128": Preset("sesame", _STREET, _STREET_RECIPE),
    "sesame-street-64": Preset("sesame", replace(_STREET, size=(64, 64)), replace(_STREET_RECIPE, crop_size=(64, 64))),
    # For tests: everything that the large ones have, in a second.
    "sesame-tiny": Preset(
        "sesame",
        SesameConfig(
            6,
            width=4,
            size=(32, 32),
            hidden=8,
            discriminator_width=8,
            holes=Holes(context=0.0, free=0.3, least=4, most=16),
        ),
        replace(
            _STREET_RECIPE,
            generator_weights={"gan": 1.0, "feature_matching": 10.0},
            epochs=2,
            batch=2,
            average=0.9,
            crop_size=(32, 32),
        ),
    ),
    "sesame-tiny-skips": Preset(
        "sesame",
        SesameConfig(
            6,
            everywhere=True,
            width=4,
            size=(32, 32),
            skips=True,
            hidden=8,
            discriminator_width=8,
            holes=Holes(least=4, most=16),
        ),
        Recipe({"gan": 1.0}, _SIDES, epochs=2, batch=2, crop_size=(32, 32)),
    ),
}
