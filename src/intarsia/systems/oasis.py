"""OASIS: Schoenfeld, Sushko, Zhang, Gall, Schiele, Khoreva, "You Only Need Adversarial Supervision for Semantic Image
Synthesis", ICLR 2021; extended by Sushko et al. in the International Journal of Computer Vision, 2022.

Differs from SPADE: no perceptual loss and no feature matching. The discriminator is a U-Net that segments the image
into the label space's classes and one more, "fake", so labels are its target instead of its input. Mixing photo and
fake class by class regularises it (LabelMix). Noise is part of the map that every normalisation looks at, so one label
map has many photos, and so has one region of it. The generator has one block less.

Published (without a perceptual loss, FID / mIoU): ADE20K 28.3 / 48.8, ADE20K outdoor 48.6 / 40.4, Cityscapes
47.7 / 69.3, COCO-Stuff 17.0 / 44.1. Parameters of the generator: 74.3 M, 71.1 M (Cityscapes), 75.2 M (COCO-Stuff).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.residual import SpadeBlock
from intarsia.blocks.segmenting_discriminator import SegmentingDiscriminator
from intarsia.conditioning.noise import by_image, with_noise
from intarsia.conditioning.semantics import batch_semantics
from intarsia.errors import ConfigError
from intarsia.losses import segmentation
from intarsia.records import Batch, Condition, Round, Seeds, Synthesis, Verdict
from intarsia.systems.assembly import assembled
from intarsia.systems.spade import GAIN, initialise
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present

DOUBLINGS = (False, True, True, True, True, True)
STRIDE = 1 << sum(DOUBLINGS)


@dataclass(frozen=True)
class OasisConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or the kernel is even.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    dont_care: bool = True  # whether the last label is don't-care: pixels that the balanced loss leaves out
    noise: int = 64  # length of a noise vector, published as z_dim; 0 for none
    width: int = 64  # channels of the last block; published as channels_G
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    hidden: int = 128  # channels of the hidden layer in each SPADE layer
    kernel: int = 3  # of both convolutions in each SPADE layer
    normalisation: Normalisation = "batch"
    discriminator_width: int = 128  # channels of its first layer
    discriminator_gain: float = GAIN  # of its spectrally normalised weights at first: how far a step turns them

    def __post_init__(self) -> None:
        check_positive("oasis", asdict(self), zero=("noise",))
        if self.kernel % 2 == 0:
            raise ConfigError(f"the config of oasis has kernel {self.kernel}. Give an odd number.")
        if self.discriminator_width % 2:
            raise ConfigError(
                f"the config of oasis has discriminator_width {self.discriminator_width}. Give an even number."
            )

    @property
    def planes(self) -> int:
        """Channels of the dense condition: noise, then labels."""
        return self.noise + self.labels

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return STRIDE

    @property
    def edges(self) -> bool:
        """Instance edges are not looked at."""
        return False

    @property
    def style(self) -> bool:
        """There is no style vector: noise is part of the map."""
        return False

    @property
    def unlabelled(self) -> int | None:
        """The label of pixels that nobody labelled, if there is one."""
        return self.labels - 1 if self.dont_care else None


class OasisGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of 32."""

    def __init__(self, config: OasisConfig) -> None:
        super().__init__()
        if config.size[0] % STRIDE or config.size[1] % STRIDE:
            raise ConfigError(f"size {config.size} is no multiple of {STRIDE}. Choose one.")
        width = config.width
        widths = [16 * width] * 2 + [8 * width, 4 * width, 2 * width, width]
        blocks = [
            SpadeBlock(
                inputs, outputs, config.planes, hidden=config.hidden, kernel=config.kernel, kind=config.normalisation
            )
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.start = CodedConv2d(config.planes, widths[0], 3, padding=1)
        self.decoder = Decoder(blocks, DOUBLINGS, widths[-1])

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size` from a map whose first columns are noise."""
        check_stride(condition.size, STRIDE)
        start = self.start(condition.at(condition.size[0] // STRIDE, condition.size[1] // STRIDE))
        return Synthesis(self.decoder(start, condition))


def oasis(config: OasisConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or VGG19's weights are missing.
    """
    generator = OasisGenerator(config)
    discriminator = SegmentingDiscriminator(config.labels, width=config.discriminator_width)
    initialise(generator, spectral=True)
    initialise(discriminator, spectral=True)
    if config.discriminator_gain != GAIN:
        for module in discriminator.modules():
            if isinstance(module, SpectralConv2d):
                nn.init.xavier_normal_(module.weight, config.discriminator_gain)
                module.settle()
    return assembled(
        "oasis",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=condition,
        generator_terms=generator_terms(config),
        discriminator_terms=discriminator_terms(config),
        generator_sees_real=False,
    )


def condition(config: OasisConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the generator looks at in training: labels, and one noise vector for each image.

    Raises:
        LabelError: a label is outside the config's planes.
    """
    labels = batch_semantics(batch, config.labels, config.edges)
    if not config.noise:
        return Condition(labels, batch.size)
    noise = seeds.normal(config.noise).to(batch.image.device)
    semantics, rows = with_noise(labels, by_image(batch.labels), noise)
    return Condition(semantics, batch.size, noise=noise, noise_rows=rows)


def generator_terms(config: OasisConfig) -> dict[str, Term]:
    """All but the perceptual ones, which need a file."""
    return {
        "segmentation": lambda r: segmentation.as_labelled(
            logits(present(r.fake_verdict)), r.batch.labels, dont_care=config.unlabelled
        )
    }


def discriminator_terms(config: OasisConfig) -> dict[str, Term]:
    """What the discriminator learns from."""
    return {
        "fake": lambda r: segmentation.as_fake(logits(present(r.fake_verdict))),
        "real": lambda r: segmentation.as_labelled(
            logits(present(r.real_verdict)), r.batch.labels, dont_care=config.unlabelled
        ),
        "label_mix": partial(label_mix, config),
    }


def label_mix(config: OasisConfig, round: Round) -> Tensor:
    """LabelMix of a round's photo and fake, with its coins."""
    mask = segmentation.label_mix_mask(round.batch.labels, present(round.coins), dont_care=config.unlabelled)
    of_mixed = present(round.judge)(segmentation.mixed(mask, round.batch.image, round.fake.image))
    real, fake = logits(present(round.real_verdict)), logits(present(round.fake_verdict))
    return segmentation.label_mix(logits(of_mixed), real, fake, mask)


def logits(verdict: Verdict) -> Tensor:
    """B 1+labels H W: this discriminator has one scale."""
    return verdict.logits[0]


# Presets: the three published configurations, each also with a perceptual loss, and small ones.

_SEGMENTATION = {"segmentation": 1.0}
_SQUARE = Recipe(
    _SEGMENTATION,
    {"fake": 1.0, "real": 1.0, "label_mix": 10.0},
    betas=(0.0, 0.999),
    epochs=200,
    batch=32,
    average=0.9999,
    # Whole photos: the published code means to cut 256 out of 286, and does not.
    load_size=(256, 256),
    crop_size=(256, 256),
)
_PUBLISHED = {
    "ade20k": (OasisConfig(labels=151), _SQUARE),
    "coco": (OasisConfig(labels=183), replace(_SQUARE, epochs=100)),
    "cityscapes": (
        OasisConfig(labels=35, size=(256, 512)),
        replace(
            _SQUARE,
            discriminator_weights={"fake": 1.0, "real": 1.0, "label_mix": 5.0},
            generator_rate=4e-4,
            batch=20,
            average=0.999,
            load_size=(256, 512),
            crop_size=(256, 512),
        ),
    ),
}

PRESETS = {f"oasis-{data}": Preset("oasis", config, recipe) for data, (config, recipe) in _PUBLISHED.items()}
PRESETS |= {
    f"oasis-{data}-vgg": Preset(
        "oasis", config, replace(recipe, generator_weights=_SEGMENTATION | {"perceptual": 10.0})
    )
    for data, (config, recipe) in _PUBLISHED.items()
}
# At the published gain, Adam's first steps are as long as the weights of the discriminator: within twenty iterations
# its logits explode, and for the thousand after that Adam's memory of it holds all steps short. Few images need a start
# that does not (docs/decisions/0007-start-of-oasis.md).
_STREET = OasisConfig(
    labels=28,
    dont_care=False,
    noise=32,
    width=16,
    size=(128, 128),
    hidden=48,
    discriminator_width=32,
    discriminator_gain=1.0,
)
_STREET_RECIPE = replace(
    _SQUARE,
    discriminator_rate=1e-4,
    epochs=100,
    batch=8,
    average=0.999,
    load_size=(143, 143),
    crop_size=(128, 128),
)
_STREET_RECIPE_64 = replace(_STREET_RECIPE, batch=4, load_size=(72, 72), crop_size=(64, 64))
_WITH_LITE0 = _SEGMENTATION | {"perceptual_lite0": 4.0}
PRESETS |= {
    # Trains on two CPU cores in hours.
    "oasis-street-128": Preset("oasis", _STREET, _STREET_RECIPE),
    "oasis-street-64": Preset("oasis", replace(_STREET, size=(64, 64)), _STREET_RECIPE_64),
    # With a perceptual loss, as was published of the large ones: sooner good, less varied.
    "oasis-street-128-lite0": Preset("oasis", _STREET, replace(_STREET_RECIPE, generator_weights=_WITH_LITE0)),
    "oasis-street-64-lite0": Preset(
        "oasis", replace(_STREET, size=(64, 64)), replace(_STREET_RECIPE_64, generator_weights=_WITH_LITE0)
    ),
    # For tests: everything that the large ones have, in a second.
    "oasis-tiny": Preset(
        "oasis",
        OasisConfig(labels=6, noise=8, width=4, size=(64, 64), hidden=8, discriminator_width=8),
        replace(_SQUARE, epochs=2, batch=2, average=0.9, load_size=None, crop_size=(64, 64)),
    ),
}
