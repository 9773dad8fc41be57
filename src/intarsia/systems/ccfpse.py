"""CC-FPSE: Liu, Yin, Shao, Wang, Li, "Learning to Predict Layout-to-image Conditional Convolutions for Semantic Image
Synthesis", NeurIPS 2019.

Differs from SPADE: the labels do not modulate activations, they make the convolutions. Each block convolves each pixel
with kernels of its own, predicted from the labels and from a feature pyramid over them. The discriminator is a feature
pyramid too: it looks at the image alone, and scores patches by how real they look and by how well they fit an embedding
of the labels. The skeleton, the style encoder and the losses are SPADE's, with feature matching weighed twice.

Published (mIoU / accuracy / FID): COCO-Stuff 41.6 / 70.7 / 19.2, ADE20K 43.7 / 82.9 / 31.7, Cityscapes
65.5 / 82.3 / 54.3; the style of each was that of the validation photo. Parameters of the generator: 141.9 M, 140.7 M,
128.1 M, of which 26,112 in layers that the released weights hold and nothing calls.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from intarsia.blocks.conditional import ConditionalBlock, Predictor
from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.label_pyramid import LabelPyramid, PyramidLevels
from intarsia.blocks.pyramid_discriminator import HALVINGS, PyramidDiscriminator
from intarsia.blocks.start import started
from intarsia.blocks.style_encoder import StyleEncoder
from intarsia.errors import ConfigError
from intarsia.losses import matching
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Condition, Round, Synthesis, Verdict
from intarsia.systems import spade
from intarsia.systems.assembly import assembled
from intarsia.systems.spade import DOUBLINGS, GAIN, initialise, widths_of
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present

MATCHED = (1 / 4,) * 4
"""What each of the discriminator's four layers counts in feature matching."""


@dataclass(frozen=True)
class CcfpseConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    edges: bool = False  # one more plane: instance edges
    width: int = 64  # channels of the last block and of the pyramid; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    depth: Literal["normal", "more"] = "normal"  # 5 or 6 doublings from the start grid to the image
    style: bool = True  # start from a style vector, with an image encoder
    latent: int = 256  # length of the style vector
    hidden: int = 128  # channels between the two convolutions of each predicting net
    discriminator_width: int = 64  # channels of its first layer; published as ndf
    adversarial: Adversarial = "hinge"

    def __post_init__(self) -> None:
        check_positive("ccfpse", asdict(self))

    @property
    def planes(self) -> int:
        """Channels of the dense condition."""
        return self.labels + self.edges

    @property
    def halvings(self) -> int:
        """From the image to the start grid."""
        return sum(DOUBLINGS[self.depth])

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this, for the discriminator too."""
        assert self.halvings >= HALVINGS
        return 1 << self.halvings


class CcfpseGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: CcfpseConfig) -> None:
        super().__init__()
        if config.size[0] % config.stride or config.size[1] % config.stride:
            raise ConfigError(f"size {config.size} is no multiple of {config.stride}. Choose one, or another depth.")
        self.config = config
        widths = widths_of(config.width, config.depth)
        blocks = [
            ConditionalBlock(inputs, outputs, config.planes, config.width, hidden=config.hidden)
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.grid = (config.size[0] // config.stride, config.size[1] // config.stride)
        self.start: nn.Module
        if config.style:
            self.encoder = StyleEncoder(config.width, config.latent)
            self.start = nn.Linear(config.latent, widths[0] * self.grid[0] * self.grid[1])
        else:
            self.start = CodedConv2d(config.planes, widths[0], 3, padding=1)
        self.pyramid = LabelPyramid(config.planes, config.width, config.halvings)
        self.decoder = Decoder(blocks, DOUBLINGS[config.depth], widths[-1])

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`. Styles are given as to SPADE (`blocks/start.py`)."""
        stride = self.config.stride
        check_stride(condition.size, stride)
        grid = (condition.size[0] // stride, condition.size[1] // stride)
        encoder = self.encoder if self.config.style else None
        begun = started(condition, self.start, encoder, trained=self.grid, grid=grid)
        levels = PyramidLevels(condition, self.pyramid(condition.at(*condition.size)))
        return Synthesis(self.decoder(begun.grid, levels), style_mean=begun.mean, style_log_variance=begun.log_variance)


def ccfpse(config: CcfpseConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that this config does not have, or a perceptual term's weights are absent.
    """
    generator = CcfpseGenerator(config)
    discriminator = PyramidDiscriminator(config.planes, width=config.discriminator_width)
    initialise(generator)
    initialise(discriminator)
    for module in generator.modules():
        if isinstance(module, Predictor):  # the first convolutions of its nets, which are one with us
            for weight in module.shared.whole.weight.detach().chunk(len(module.nets)):
                nn.init.xavier_normal_(weight, GAIN)
        elif isinstance(module, SpectralConv2d):
            # A dozen of them in a row: before any training, they would let the pyramid's features overflow.
            module.settle()
    return assembled(
        "ccfpse",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=spade.condition,
        generator_terms=generator_terms(config),
        discriminator_terms=spade.discriminator_terms(config),
        generator_sees_real="feature_matching" in recipe.generator_weights,
    )


def generator_terms(config: CcfpseConfig) -> dict[str, Term]:
    """SPADE's, with the features of this discriminator."""

    def feature_matching(round: Round) -> Tensor:
        return matching.perceptual(features(round.fake_verdict), features(round.real_verdict), MATCHED)

    return spade.generator_terms(config) | {"feature_matching": feature_matching}


def features(verdict: Verdict | None) -> tuple[Tensor, ...]:
    """B C h w each: the finest scale holds them all."""
    return present(verdict).features[0]


# Presets: the three published configurations, each also without a style, and small ones for everyday machines.

_WEIGHTS = {"gan": 1.0, "feature_matching": 20.0, "perceptual": 10.0}
_STYLED = _WEIGHTS | {"kl": 0.05}
_SIDES = {"fake": 1.0, "real": 1.0}
# Sixteen GPUs with one image each.
_SQUARE = Recipe(_STYLED, _SIDES, epochs=100, decay_epochs=100, batch=16, load_size=(286, 286), crop_size=(256, 256))
_PUBLISHED = {
    "ade20k": (CcfpseConfig(labels=151), _SQUARE),
    # Scheduled for 100 epochs of decay more, and released as it was after the first 100.
    "coco": (CcfpseConfig(labels=183, edges=True), replace(_SQUARE, decay_epochs=0)),
    "cityscapes": (
        CcfpseConfig(labels=35, edges=True, size=(256, 512), depth="more"),
        replace(_SQUARE, load_size=(256, 512), crop_size=(256, 512)),
    ),
}

PRESETS = {f"ccfpse-{data}": Preset("ccfpse", config, recipe) for data, (config, recipe) in _PUBLISHED.items()}
PRESETS |= {
    f"ccfpse-{data}-no-style": Preset(
        "ccfpse", replace(config, style=False), replace(recipe, generator_weights=_WEIGHTS)
    )
    for data, (config, recipe) in _PUBLISHED.items()
}
# Small ones need no file of VGG19 weights.
_WITHOUT_VGG = {"gan": 1.0, "feature_matching": 20.0, "kl": 0.05}
_STREET = CcfpseConfig(labels=28, edges=True, width=16, size=(128, 128), latent=64, hidden=16, discriminator_width=32)
_STREET_RECIPE = Recipe(
    _WITHOUT_VGG | {"perceptual_lite0": 4.0},
    _SIDES,
    generator_rate=2e-4,
    epochs=100,
    batch=4,
    average=0.999,
    load_size=(143, 143),
    crop_size=(128, 128),
    optional_terms=("perceptual_lite0",),
)
PRESETS |= {
    "ccfpse-street-128": Preset("ccfpse", _STREET, _STREET_RECIPE),
    "ccfpse-street-64": Preset(
        "ccfpse",
        replace(_STREET, size=(64, 64)),
        replace(_STREET_RECIPE, load_size=(72, 72), crop_size=(64, 64)),
    ),
    # For tests: everything that the large ones have, in a second.
    "ccfpse-tiny": Preset(
        "ccfpse",
        CcfpseConfig(labels=6, width=4, size=(32, 64), style=False, hidden=8, discriminator_width=8),
        Recipe(
            {"gan": 1.0, "feature_matching": 20.0},
            _SIDES,
            epochs=2,
            decay_epochs=2,
            batch=2,
            average=0.9,
            crop_size=(32, 64),
        ),
    ),
    "ccfpse-tiny-style": Preset(
        "ccfpse",
        CcfpseConfig(
            labels=6, edges=True, width=4, size=(64, 64), depth="more", latent=16, hidden=8, discriminator_width=8
        ),
        Recipe(_WITHOUT_VGG, _SIDES, epochs=2, batch=2, crop_size=(64, 64)),
    ),
}
