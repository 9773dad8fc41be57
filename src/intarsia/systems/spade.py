"""SPADE (GauGAN): Park, Liu, Wang, Zhu, "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019.

Differs from pix2pixHD: no encoder for the labels; every normalisation is modulated by them instead. A start grid made
from the labels (or from a style vector) grows through seven residual blocks. Trained with hinge, feature matching and
VGG losses, and KL where a style encoder is used. The discriminator looks at patches on two scales.

Published (Table 1, mIoU / accuracy / FID): COCO-Stuff 37.4 / 67.9 / 22.6, ADE20K 38.5 / 79.9 / 33.9,
Cityscapes 62.3 / 81.9 / 71.8. Parameters of the generator: 97.5 M, 96.5 M, 93.0 M.

SPADE+ is the stronger baseline of OASIS's authors (Schoenfeld et al., ICLR 2021): the same networks by another recipe,
without feature matching and with an average of the generator's weights. Published (FID / mIoU, with and without a
perceptual loss): ADE20K 32.9 / 42.5 and 60.7 / 21.0, Cityscapes 47.8 / 64.0 and 61.4 / 47.6, COCO-Stuff 21.7 / 38.8
and 99.1 / 16.1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from torch import nn

from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.blocks.residual import SpadeBlock
from intarsia.blocks.start import started
from intarsia.blocks.style_encoder import StyleEncoder
from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.conditioning.semantics import batch_semantics
from intarsia.errors import ConfigError
from intarsia.losses import adversarial, divergence, matching
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Condition, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present

Depth = Literal["normal", "more", "most"]
DOUBLINGS: dict[str, tuple[bool, ...]] = {
    "normal": (False, True, False, True, True, True, True),
    "more": (False, True, True, True, True, True, True),
    "most": (False, True, True, True, True, True, True, True),
}

GAIN = 0.02


class Styled(Protocol):
    """What SPADE's condition and terms need of a config; those of its successors that keep them have it too."""

    @property
    def labels(self) -> int:
        """One-hot planes."""

    @property
    def edges(self) -> bool:
        """Whether instance edges are one more."""

    @property
    def style(self) -> bool:
        """Whether the generator starts from a style vector."""

    @property
    def latent(self) -> int:
        """Length of that."""

    @property
    def adversarial(self) -> Adversarial:
        """The kind of adversarial loss."""


@dataclass(frozen=True)
class SpadeConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or the kernel is even.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    edges: bool = False  # one more plane: instance edges
    width: int = 64  # channels of the last normal block; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    depth: Depth = "normal"  # 5, 6 or 7 doublings from the start grid to the image
    style: bool = False  # start from a style vector, with an image encoder
    latent: int = 256  # length of the style vector
    hidden: int = 128  # channels of the hidden layer in each SPADE layer
    kernel: int = 3  # of both convolutions in each SPADE layer
    normalisation: Normalisation = "batch"
    discriminator_width: int = 64  # channels of its first layer; published as ndf
    discriminator_scales: int = 2
    discriminator: Literal["patch", "two-stream"] = "patch"  # SPADE's own, or that of SESAME
    adversarial: Adversarial = "hinge"

    def __post_init__(self) -> None:
        check_positive("spade", asdict(self))
        if self.kernel % 2 == 0:
            raise ConfigError(f"the config of spade has kernel {self.kernel}. Give an odd number.")

    @property
    def planes(self) -> int:
        """Channels of the dense condition."""
        return self.labels + self.edges

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 1 << sum(DOUBLINGS[self.depth])


class SpadeGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: SpadeConfig) -> None:
        super().__init__()
        if config.size[0] % config.stride or config.size[1] % config.stride:
            raise ConfigError(f"size {config.size} is no multiple of {config.stride}. Choose one, or another depth.")
        self.config = config
        widths = widths_of(config.width, config.depth)
        blocks = [
            SpadeBlock(
                inputs, outputs, config.planes, hidden=config.hidden, kernel=config.kernel, kind=config.normalisation
            )
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.grid = (config.size[0] // config.stride, config.size[1] // config.stride)
        self.start: nn.Module
        if config.style:
            self.encoder = StyleEncoder(config.width, config.latent)
            self.start = nn.Linear(config.latent, widths[0] * self.grid[0] * self.grid[1])
        else:
            self.start = CodedConv2d(config.planes, widths[0], 3, padding=1)
        self.decoder = Decoder(blocks, DOUBLINGS[config.depth], widths[-1])

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`.

        With a style, the start is a style vector: `condition.noise` (B latent) as it is, or, where `condition.photo`
        is given, drawn with that noise from the distribution that the encoder sees in the photo.
        """
        stride = self.config.stride
        check_stride(condition.size, stride)
        grid = (condition.size[0] // stride, condition.size[1] // stride)
        encoder = self.encoder if self.config.style else None
        begun = started(condition, self.start, encoder, trained=self.grid, grid=grid)
        return Synthesis(
            self.decoder(begun.grid, condition), style_mean=begun.mean, style_log_variance=begun.log_variance
        )


def widths_of(width: int, depth: Depth) -> list[int]:
    """Channels of each block's output, for a generator of `width` channels after the last normal block."""
    widths = [16 * width] * 3 + [8 * width, 4 * width, 2 * width, width, width // 2]
    return widths[: len(DOUBLINGS[depth])]


def initialise(network: nn.Module, *, spectral: bool = False) -> None:
    """Weights as the published training really had them: Xavier normal, gain `GAIN`, and zero biases.

    Spectrally normalised weights keep torch's default unless `spectral`, since SPADE's initialisation never reached
    them; that of OASIS does.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            if spectral or not isinstance(module, SpectralConv2d):
                nn.init.xavier_normal_(module.weight, GAIN)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def spade(config: SpadeConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that this config does not have, or a perceptual term's weights are absent.
    """
    generator = SpadeGenerator(config)
    kind = PatchDiscriminator if config.discriminator == "patch" else TwoStreamDiscriminator
    discriminator = kind(config.planes, width=config.discriminator_width, scales=config.discriminator_scales)
    initialise(generator)
    initialise(discriminator)
    return assembled(
        "spade",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=condition,
        generator_terms=generator_terms(config),
        discriminator_terms=discriminator_terms(config),
        generator_sees_real="feature_matching" in recipe.generator_weights,
    )


def condition(config: Styled, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: labels, edges, and for a style the photo itself and noise.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
        DataError: the config wants edges and the batch has no instance maps.
    """
    semantics = batch_semantics(batch, config.labels, config.edges)
    if not config.style:
        return Condition(semantics, batch.size)
    noise = seeds.normal(config.latent).to(batch.image.device)
    return Condition(semantics, batch.size, noise=noise, photo=batch.image)


def generator_terms(config: Styled) -> dict[str, Term]:
    """All but the perceptual ones, which need files."""
    terms = fooling_terms(config.adversarial)
    if config.style:
        terms["kl"] = lambda r: divergence.kl(present(r.fake.style_mean), present(r.fake.style_log_variance))
    return terms


def discriminator_terms(config: Styled) -> dict[str, Term]:
    """What the discriminator learns from."""
    return judging_terms(config.adversarial)


def fooling_terms(kind: Adversarial) -> dict[str, Term]:
    """What a generator learns from a discriminator of photos and fakes."""
    return {
        "gan": lambda r: adversarial.fooling(present(r.fake_verdict), kind),
        "feature_matching": lambda r: matching.feature_matching(present(r.fake_verdict), present(r.real_verdict)),
    }


def judging_terms(kind: Adversarial) -> dict[str, Term]:
    """What such a discriminator learns from."""
    return {
        "fake": lambda r: adversarial.fake(present(r.fake_verdict), kind),
        "real": lambda r: adversarial.real(present(r.real_verdict), kind),
    }


# Presets: the four published configurations, each also with a style, and small ones for everyday machines.

_WEIGHTS = {"gan": 1.0, "feature_matching": 10.0, "perceptual": 10.0}
_SIDES = {"fake": 1.0, "real": 1.0}
_SQUARE = Recipe(_WEIGHTS, _SIDES, epochs=100, decay_epochs=100, batch=32, load_size=(286, 286), crop_size=(256, 256))
_PUBLISHED = {
    "ade20k": (SpadeConfig(labels=151), _SQUARE),
    "coco": (SpadeConfig(labels=183, edges=True), replace(_SQUARE, decay_epochs=0)),
    "cityscapes": (
        SpadeConfig(labels=35, edges=True, size=(256, 512), depth="more"),
        replace(_SQUARE, batch=16, load_size=(256, 512), crop_size=(256, 512)),
    ),
    # No recipe was published: these are the published code's defaults.
    "facades": (SpadeConfig(labels=13), replace(_SQUARE, epochs=50, decay_epochs=0, batch=1)),
}

PRESETS = {f"spade-{data}": Preset("spade", config, recipe) for data, (config, recipe) in _PUBLISHED.items()}
PRESETS |= {
    f"spade-{data}-style": Preset(
        "spade", replace(config, style=True), replace(recipe, generator_weights=_WEIGHTS | {"kl": 0.05})
    )
    for data, (config, recipe) in _PUBLISHED.items()
}
# SPADE+, with a perceptual loss and without. The paper tells its decay; rates and epochs it leaves to SPADE's code.
_WEIGHTS_PLUS = {"gan": 1.0, "perceptual": 10.0}
_PLUS = {
    data: (config, replace(recipe, generator_weights=_WEIGHTS_PLUS, average=0.9999))
    for data, (config, recipe) in _PUBLISHED.items()
    if data != "facades"
}
PRESETS |= {f"spade+-{data}": Preset("spade", config, recipe) for data, (config, recipe) in _PLUS.items()}
PRESETS |= {
    f"spade+-{data}-no-vgg": Preset("spade", config, replace(recipe, generator_weights={"gan": 1.0}))
    for data, (config, recipe) in _PLUS.items()
}
# Small ones need no file of VGG19 weights.
_WITHOUT_VGG = {"gan": 1.0, "feature_matching": 10.0}
# Rendered streets: weather and light do not follow from the labels, so the look comes from a style vector.
_STREET = SpadeConfig(
    labels=28, edges=True, width=16, size=(128, 128), style=True, latent=64, hidden=48, discriminator_width=32
)
_STREET_RECIPE = Recipe(
    _WITHOUT_VGG | {"perceptual_lite0": 4.0, "kl": 0.05},
    _SIDES,
    generator_rate=2e-4,
    epochs=100,
    batch=4,
    average=0.999,
    load_size=(143, 143),
    crop_size=(128, 128),
    optional_terms=("perceptual_lite0",),
)
_STREET_RECIPE_64 = replace(_STREET_RECIPE, load_size=(72, 72), crop_size=(64, 64))
_WEIGHTS_PLUS_LITE0 = {"gan": 1.0, "perceptual_lite0": 4.0, "kl": 0.05}
PRESETS |= {
    "spade-street-128": Preset("spade", _STREET, _STREET_RECIPE),
    # The shapes of all weights are those of spade-street-128, so that a run can start with its networks.
    "spade-street-256": Preset(
        "spade",
        replace(_STREET, size=(256, 256), depth="more"),
        replace(_STREET_RECIPE, load_size=(286, 286), crop_size=(256, 256)),
    ),
    # All systems at one small size and one batch, to be compared in a table.
    "spade-street-64": Preset("spade", replace(_STREET, size=(64, 64)), _STREET_RECIPE_64),
    "spade+-street-64": Preset(
        "spade", replace(_STREET, size=(64, 64)), replace(_STREET_RECIPE_64, generator_weights=_WEIGHTS_PLUS_LITE0)
    ),
    # Trains on two CPU cores in an hour.
    "spade-earth-128": Preset(
        "spade",
        SpadeConfig(labels=15, width=16, size=(128, 128), hidden=48, discriminator_width=32),
        Recipe(_WITHOUT_VGG, _SIDES, epochs=100, batch=8, average=0.999, crop_size=(128, 128)),
    ),
    # For tests: everything that the large ones have, in a second.
    "spade-tiny": Preset(
        "spade",
        SpadeConfig(labels=6, width=4, size=(32, 32), hidden=8, discriminator_width=8),
        Recipe(_WITHOUT_VGG, _SIDES, epochs=2, decay_epochs=2, batch=2, average=0.9, crop_size=(32, 32)),
    ),
    "spade-tiny-style": Preset(
        "spade",
        SpadeConfig(
            labels=6, edges=True, width=4, size=(64, 64), style=True, latent=16, hidden=8, discriminator_width=8
        ),
        Recipe(_WITHOUT_VGG | {"kl": 0.05}, _SIDES, epochs=2, batch=2, crop_size=(64, 64)),
    ),
    "spade+-tiny": Preset(
        "spade",
        SpadeConfig(labels=6, width=4, size=(32, 32), hidden=8, discriminator_width=8),
        Recipe({"gan": 1.0}, _SIDES, epochs=2, batch=2, average=0.9, crop_size=(32, 32)),
    ),
}
