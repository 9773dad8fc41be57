"""pix2pixHD: Wang, Liu, Zhu, Tao, Kautz, Catanzaro, "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", CVPR 2018.

Differs from SPADE, which came after it: the label map is encoded by strided convolutions and grows back through
residual blocks, and at twice the resolution an enhancer is wrapped around what was trained before (coarse to fine).
Edges of instances are one more plane of the input. With features, an encoder sees the photo, averages what it sees
over each instance, and the generator gets that beside the labels: at synthesis each object has a style of its own.
Trained with least squares, feature matching and VGG losses; two or three patch discriminators look at labels and image.

Published: 183 M parameters; Cityscapes 63.9 mIoU, 83.8 accuracy (PSPNet at 2048x1024). As the SPADE paper retrained it
(mIoU / accuracy / FID): COCO-Stuff 14.6 / 45.8 / 111.5, ADE20K 20.3 / 69.2 / 81.8, Cityscapes 58.3 / 81.4 / 95.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.coarse_to_fine import CoarseToFine
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.normalisation import Norm
from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.conditioning.objects import mean_by_object
from intarsia.conditioning.semantics import batch_semantics
from intarsia.errors import ConfigError, DataError
from intarsia.losses import adversarial, matching
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Condition, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present


@dataclass(frozen=True)
class Pix2pixHDConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    edges: bool = True  # one more plane: instance edges
    size: tuple[int, int] = (512, 1024)  # height, width that it is trained at
    width: int = 64  # channels at the image's resolution; published as ngf
    halvings: int = 4  # of the trunk
    blocks: int = 9  # residual blocks of the trunk
    enhancers: int = 0  # doublings of the resolution around the trunk; 0 is the global generator
    enhancer_blocks: int = 3
    features: int = 0  # channels of the objects' features; 0: there are none
    features_of: Literal["instances", "labels"] = "instances"  # the regions that share theirs
    encoder_width: int = 16
    encoder_halvings: int = 4
    encoder_shrink: int = 0  # halvings of the photo before the encoder sees it
    normalisation: Normalisation = "instance"
    discriminator_width: int = 64  # channels of its first layer; published as ndf
    discriminator_scales: int = 2
    discriminator_layers: int = 4  # of features; one more than the published n_layers_D
    adversarial: Adversarial = "least_squares"

    def __post_init__(self) -> None:
        check_positive("pix2pixhd", asdict(self), zero=("enhancers", "features", "encoder_shrink"))

    @property
    def planes(self) -> int:
        """Channels of the dense condition."""
        return self.labels + self.edges

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        generator = self.halvings + self.enhancers
        return 1 << (max(generator, self.encoder_halvings + self.encoder_shrink) if self.features else generator)

    @property
    def least_side(self) -> int:
        """Images are at least so high and wide: what is mirrored at the border must be there, at the bottom too."""
        return 2 * self.stride

    @property
    def style(self) -> bool:
        """No style vector decides the look of the whole image."""
        return False


class Pix2pixHDGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: Pix2pixHDConfig) -> None:
        super().__init__()
        self.config = config
        kind = config.normalisation
        self.body = CoarseToFine(
            config.planes,
            config.features,
            width=config.width,
            halvings=config.halvings,
            blocks=config.blocks,
            enhancers=config.enhancers,
            enhancer_blocks=config.enhancer_blocks,
            kind=kind,
        )
        if config.features:
            self.encoder = CoarseToFine(
                3,
                outputs=config.features,
                width=config.encoder_width,
                halvings=config.encoder_halvings,
                blocks=0,
                kind=kind,
            )

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`.

        With features, they are `condition.features` as they are, or those that the encoder sees in `condition.photo`,
        each averaged over its object.
        """
        check_stride(condition.size, self.config.stride)
        least = self.config.least_side
        if min(condition.size) < least:
            raise ConfigError(f"image size {condition.size} is below {(least, least)}. Pad the label map.")
        features = self._features(condition) if self.config.features else None
        return Synthesis(self.body(condition.at(*condition.size), features))

    def encode(self, photo: Tensor, objects: Tensor) -> Tensor:
        """Features of the objects in a photo.

        Args:
            photo: B 3 H W in [-1, 1], H and W multiples of the config's stride.
            objects: B H W int64.

        Returns:
            B features H W in [-1, 1], equal within an object.
        """
        scale = 1 << self.config.encoder_shrink
        if scale > 1:
            photo = F.interpolate(photo, scale_factor=1 / scale, mode="bicubic", antialias=True)
        seen: Tensor = self.encoder(photo)
        if scale > 1:
            seen = F.interpolate(seen, scale_factor=scale, mode="nearest")
        return mean_by_object(seen, objects)

    def _features(self, condition: Condition) -> Tensor:
        if condition.features is not None:
            return condition.features
        if condition.photo is None or condition.objects is None:
            raise ConfigError(
                "this generator looks at features of objects, and the condition has neither features nor a photo "
                "with objects to see them in. Give one of them."
            )
        return self.encode(condition.photo, condition.objects)


def discriminator_of(config: Pix2pixHDConfig) -> PatchDiscriminator:
    """The discriminator that a config describes: without spectral normalisation."""
    return PatchDiscriminator(
        config.planes,
        width=config.discriminator_width,
        scales=config.discriminator_scales,
        layers=config.discriminator_layers,
        spectral=False,
        kind=config.normalisation,
    )


def initialise(network: nn.Module) -> None:
    """Weights as published: normal with deviation 0.02; biases keep torch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, Norm) and module.moments.kind == "batch":
            nn.init.normal_(module.weight, 1.0, 0.02)


def pix2pixhd(config: Pix2pixHDConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that is not computed, or VGG19's weights are missing.
    """
    generator, discriminator = Pix2pixHDGenerator(config), discriminator_of(config)
    initialise(generator)
    initialise(discriminator)
    return assembled(
        "pix2pixhd",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=condition,
        generator_terms=generator_terms(config),
        discriminator_terms=discriminator_terms(config),
        inherits=partial(inherited, config),
    )


def condition(config: Pix2pixHDConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: labels, edges, and for features the photo and its objects.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
        DataError: the config wants instances and the batch has no instance maps.
    """
    semantics = batch_semantics(batch, config.labels, config.edges)
    if not config.features:
        return Condition(semantics, batch.size)
    objects = batch.instances if config.features_of == "instances" else batch.labels
    if objects is None:
        raise DataError(
            "this network takes features of instances, and the data has no instance maps. Set features_of=labels."
        )
    return Condition(semantics, batch.size, photo=batch.image, objects=objects)


def generator_terms(config: Pix2pixHDConfig) -> dict[str, Term]:
    """All but the perceptual ones, which need files."""
    # As published, adversarial losses are summed over scales, and matching is scaled to four layers.
    scales, share = config.discriminator_scales, 4 / config.discriminator_layers
    return {
        "gan": lambda r: scales * adversarial.fooling(present(r.fake_verdict), config.adversarial),
        "feature_matching": lambda r: (
            share * matching.feature_matching(present(r.fake_verdict), present(r.real_verdict))
        ),
    }


def discriminator_terms(config: Pix2pixHDConfig) -> dict[str, Term]:
    """What the discriminator learns from, summed over scales."""
    scales = config.discriminator_scales
    return {
        "fake": lambda r: scales * adversarial.fake(present(r.fake_verdict), config.adversarial),
        "real": lambda r: scales * adversarial.real(present(r.real_verdict), config.adversarial),
    }


def inherited(config: Pix2pixHDConfig, entry: str, smaller: Mapping[str, Any]) -> str | None:
    """What a part starts with in a run that goes on, finer, where one with fewer enhancers and scales ended.

    The trunk, the enhancers inside and the encoder are taken over; the last convolution of the smaller generator is
    left behind. Each discriminator keeps the resolution that it was trained at: a finer one comes before them.

    Args:
        config: of the system that starts.
        entry: the name of a tensor in its states.
        smaller: plain values of the other's config.

    Returns:
        The name of the tensor in the other's states, or None for parts that are new.
    """
    _, network, name = entry.split("/", 2)
    if network == "discriminator":
        _, scale, rest = name.split(".", 2)
        source = int(scale) + smaller["discriminator_scales"] - config.discriminator_scales
        return f"networks/discriminator/scales.{source}.{rest}" if source >= 0 else None
    grown = config.enhancers > smaller["enhancers"]
    fresh = (
        name.startswith("body.last.") and grown,
        name.startswith("body.enhancers.") and int(name.split(".")[2]) >= smaller["enhancers"],
        name.startswith("encoder.") and not smaller["features"],
    )
    return None if any(fresh) else entry


def held_inside(enhancers: int, epochs: int) -> dict[str, int | None]:
    """For the recipe: for its first `epochs` only the outermost enhancer learns, and the encoder."""
    return dict.fromkeys(("body.trunk.", *(f"body.enhancers.{place}." for place in range(enhancers - 1))), epochs)


# Presets: the published trainings on Cityscapes at both sizes, and small ones for everyday machines.

_WITHOUT_VGG = {"gan": 1.0, "feature_matching": 10.0}
_SIDES = {"fake": 0.5, "real": 0.5}
_RECIPE = Recipe(
    _WITHOUT_VGG | {"perceptual": 10.0},
    _SIDES,
    generator_rate=2e-4,
    discriminator_rate=2e-4,
    betas=(0.5, 0.999),
    epochs=100,
    decay_epochs=100,
    load_size=(512, 1024),
    crop_size=(512, 1024),
    fresh_fakes=False,
)
_COARSE = Pix2pixHDConfig(labels=35)
_FINE = replace(_COARSE, size=(1024, 2048), width=32, enhancers=1, discriminator_scales=3)
_FINE_RECIPE = replace(
    _RECIPE, epochs=50, decay_epochs=50, load_size=None, crop_size=(1024, 2048), held=held_inside(1, epochs=10)
)
# For GPUs of 12 GB: cuts of the photos, for twice as long.
_CUT_RECIPE = replace(_RECIPE, load_size=None, crop_size=(1024, 1024), held=held_inside(1, epochs=20))
# The encoder is that of the coarse training, and stays; as published it sees photos at half the resolution.
_HELD_ENCODER: dict[str, int | None] = {"encoder.": None}
_PUBLISHED = {
    "512p": (_COARSE, _RECIPE),
    "512p-feat": (replace(_COARSE, features=3), _RECIPE),
    "1024p": (_FINE, _FINE_RECIPE),
    "1024p-feat": (
        replace(_FINE, features=3, encoder_shrink=1),
        replace(_FINE_RECIPE, held=_FINE_RECIPE.held | _HELD_ENCODER),
    ),
    "1024p-crop": (replace(_FINE, size=(1024, 1024)), _CUT_RECIPE),
    "1024p-feat-crop": (
        replace(_FINE, size=(896, 896), features=3, encoder_shrink=1),
        replace(_CUT_RECIPE, crop_size=(896, 896), held=_CUT_RECIPE.held | _HELD_ENCODER),
    ),
}
PRESETS = {
    f"pix2pixhd-cityscapes-{name}": Preset("pix2pixhd", config, recipe) for name, (config, recipe) in _PUBLISHED.items()
}
# Small ones need no file of VGG19 weights.
_STREET = Pix2pixHDConfig(
    labels=28, size=(128, 128), width=32, halvings=3, blocks=4, encoder_halvings=3, discriminator_width=32
)
_STREET_RECIPE = replace(
    _RECIPE,
    generator_weights=_WITHOUT_VGG | {"perceptual_lite0": 4.0},
    batch=4,
    load_size=(143, 143),
    crop_size=(128, 128),
    optional_terms=("perceptual_lite0",),
)
_TINY_RECIPE = replace(_RECIPE, generator_weights=_WITHOUT_VGG, batch=2, load_size=None, crop_size=(32, 32))
PRESETS |= {
    # Train on two CPU cores in hours.
    "pix2pixhd-street-128": Preset("pix2pixhd", _STREET, _STREET_RECIPE),
    "pix2pixhd-street-128-feat": Preset("pix2pixhd", replace(_STREET, features=3), _STREET_RECIPE),
    "pix2pixhd-street-64": Preset(
        "pix2pixhd", replace(_STREET, size=(64, 64)), replace(_STREET_RECIPE, load_size=(72, 72), crop_size=(64, 64))
    ),
    # The same trunk with an enhancer around it: to be trained from a run of the one above.
    "pix2pixhd-street-256": Preset(
        "pix2pixhd",
        replace(_STREET, size=(256, 256), width=16, enhancers=1, discriminator_scales=3),
        replace(
            _STREET_RECIPE,
            epochs=50,
            decay_epochs=50,
            load_size=(286, 286),
            crop_size=(256, 256),
            held=held_inside(1, epochs=10),
        ),
    ),
    # For tests: everything that the large ones have, in a second.
    "pix2pixhd-tiny": Preset(
        "pix2pixhd",
        Pix2pixHDConfig(
            labels=6,
            size=(32, 32),
            width=4,
            halvings=2,
            blocks=1,
            enhancers=1,
            enhancer_blocks=1,
            features=2,
            encoder_width=4,
            encoder_halvings=2,
            encoder_shrink=1,
            discriminator_width=8,
            discriminator_scales=3,
        ),
        replace(_TINY_RECIPE, epochs=2, decay_epochs=2, pool=3, held=held_inside(1, epochs=1)),
    ),
    "pix2pixhd-tiny-coarse": Preset(
        "pix2pixhd",
        Pix2pixHDConfig(
            labels=6,
            size=(32, 32),
            width=8,
            halvings=2,
            blocks=1,
            features=2,
            encoder_width=4,
            encoder_halvings=2,
            discriminator_width=8,
        ),
        replace(_TINY_RECIPE, epochs=2, decay_epochs=0),
    ),
}
