"""SAFM: Lv, Li, Niu, Cao, Zuo, "Semantic-shape Adaptive Feature Modulation for Semantic Image Synthesis", CVPR 2022.

Differs from SPADE: each pixel also knows where it lies in its object, by a descriptor of the object's contour around it
(72 numbers, from the instance map). The labels predict kernels that adapt these descriptors, once for the whole network
(published so for Cityscapes) or in every layer (elsewhere), and the result modulates activations beside the labels. The
discriminator is that of SESAME. A segmenter learns beside the generator, which should make what it recognises.

Published (mIoU / accuracy / FID): Cityscapes 70.4 / 83.1 / 49.5, ADE20K 50.1 / 86.6 / 32.8, COCO-Stuff 43.3 / 73.4 /
24.6.
Parameters of the generator: 96.2 M, 104.9 M, 106.1 M.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from intarsia.blocks.convolution import JointConv2d
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.residual import SpadeBlock
from intarsia.blocks.segmenting_discriminator import SegmentingDiscriminator
from intarsia.blocks.shape_modulation import ShapeBranch, ShapedLevels, ShapedSpade
from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.conditioning.semantics import batch_semantics
from intarsia.conditioning.shapes import CHANNELS, descriptors, kept_descriptors
from intarsia.data.pairs import Pair
from intarsia.errors import ConfigError, DataError
from intarsia.losses import segmentation
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Condition, Round, Sample, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.spade import DOUBLINGS, Depth, fooling_terms, initialise, judging_terms
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, cut


@dataclass(frozen=True)
class SafmConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or odd where it must not be.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    dont_care: bool = True  # whether the last label is don't-care: pixels that the segmenter's loss leaves out
    edges: bool = False  # one more plane: instance edges
    width: int = 64  # channels of the last normal block; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    depth: Depth = "normal"  # 5, 6 or 7 doublings from the start grid to the image
    adapted: Literal["by layer", "once"] = "by layer"  # where labels adapt the descriptors
    shape_width: int = 36  # channels of the adapted descriptors
    first_instance: int = 1  # smaller instance numbers are no objects, and have no descriptors
    hidden: int = 128  # channels of the hidden layer in each modulating layer
    normalisation: Normalisation = "batch"
    discriminator_width: int = 64  # channels of its first layers; published as ndf
    discriminator_scales: int = 2
    segmenter_width: int = 128  # channels of its first layer
    adversarial: Adversarial = "hinge"

    def __post_init__(self) -> None:
        check_positive("safm", asdict(self))
        if self.segmenter_width % 2:
            raise ConfigError(f"the config of safm has segmenter_width {self.segmenter_width}. Give an even number.")

    @property
    def planes(self) -> int:
        """Channels of the dense semantics: labels, and edges."""
        return self.labels + self.edges

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 1 << sum(DOUBLINGS[self.depth])

    @property
    def style(self) -> bool:
        """There is no style vector."""
        return False

    @property
    def shapes(self) -> bool:
        """It looks at where pixels lie in their objects."""
        return True

    @property
    def unlabelled(self) -> int | None:
        """The label of pixels that nobody labelled, if there is one."""
        return self.labels - 1 if self.dont_care else None


class SafmGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: SafmConfig) -> None:
        super().__init__()
        check_stride(config.size, config.stride)
        self.config = config
        width, doublings = config.width, DOUBLINGS[config.depth]
        widths = [16 * width] * 3 + [8 * width, 4 * width, 2 * width, width, width // 2]
        widths = widths[: len(doublings)]
        once = config.adapted == "once"
        norm = partial(
            ShapedSpade,
            labels=config.planes,
            beside=CHANNELS + config.shape_width * once,
            hidden=config.hidden,
            kind=config.normalisation,
            branch=0 if once else config.shape_width,
        )
        blocks = [
            SpadeBlock(inputs, outputs, config.planes, norm=norm)
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.branch = ShapeBranch(config.planes, CHANNELS, config.shape_width) if once else None
        self.start = JointConv2d(config.planes, CHANNELS, widths[0], 3, padding=1)
        self.decoder = Decoder(blocks, doublings, widths[-1])

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size` from labels and descriptors.

        Raises:
            ConfigError: the condition has no descriptors, or its size does not suit.
        """
        stride, size = self.config.stride, condition.size
        check_stride(size, stride)
        if condition.shapes is None:
            raise ConfigError(
                "this generator looks at shapes of objects, and the condition has none. Give descriptors."
            )
        levels = ShapedLevels(condition, condition.shapes)
        grid = levels.at(size[0] // stride, size[1] // stride)
        start = self.start(grid.semantics, grid.beside)
        if self.branch is not None:
            # At the resolution of the descriptors, whatever the image's.
            whole = levels.at(condition.shapes.shape[2], condition.shapes.shape[3])
            levels = ShapedLevels(condition, torch.cat([whole.beside, self.branch(whole.semantics, whole.beside)], 1))
        return Synthesis(self.decoder(start, levels))


def safm(config: SafmConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or VGG19's weights are missing.
    """
    generator = SafmGenerator(config)
    discriminator = TwoStreamDiscriminator(
        config.planes, width=config.discriminator_width, scales=config.discriminator_scales
    )
    segmenter = SegmentingDiscriminator(config.labels, width=config.segmenter_width, fake=False)
    for network in (generator, discriminator, segmenter):
        initialise(network, spectral=True)
    terms = fooling_terms(config.adversarial) | segmenter_terms(config, segmenter.segmented)
    return assembled(
        "safm",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=discriminator,
        condition=condition,
        generator_terms=terms,
        discriminator_terms=judging_terms(config.adversarial),
        generator_sees_real="feature_matching" in recipe.generator_weights,
        draw=partial(draw, config, recipe),
        companion=segmenter if {"real_segmentation", "fake_segmentation"} & recipe.generator_weights.keys() else None,
    )


def condition(config: SafmConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: labels, edges, and where pixels lie in their objects.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
        DataError: the batch has neither descriptors nor instance maps to compute them from.
    """
    semantics = batch_semantics(batch, config.labels, config.edges)
    if batch.shapes is None and batch.instances is None:
        raise DataError("this network looks at shapes of objects, and the data has no instance maps. Add them.")
    shapes = batch.shapes
    if shapes is None:
        assert batch.instances is not None
        shapes = descriptors(batch.instances, config.first_instance)
    return Condition(semantics, batch.size, shapes=shapes)


def segmenter_terms(config: SafmConfig, segmented: Callable[[Tensor], Tensor]) -> dict[str, Term]:
    """What the segmenter learns from photos, and generator and segmenter from made images.

    As published, the segmenter is not held while it looks at made images: both learn from them. It sees them in
    float32, whatever the generator computes in.
    """

    def of(images: Callable[[Round], Tensor]) -> Term:
        return lambda r: segmentation.balanced(
            segmented(images(r).float()), r.batch.labels, dont_care=config.unlabelled
        )

    return {"real_segmentation": of(lambda r: r.batch.image), "fake_segmentation": of(lambda r: r.fake.image)}


def draw(
    config: SafmConfig,
    recipe: Recipe,
    pair: Pair,
    *,
    flip: bool,
    rng: random.Random,
    one_class_at_most: float,
    scratch: Path | None,
) -> Sample:
    """A random cut as the recipe says, and where its pixels lie in their objects (`system.Draw`).

    Descriptors are those of the cut, as published. They are kept in `scratch` where a photo has few cuts: where it is
    resized to their size.
    """
    one = cut(recipe, pair, flip=flip, rng=rng, one_class_at_most=one_class_at_most, scratch=scratch)
    if one.instances is None:
        return one
    folder = scratch if recipe.load_size == recipe.crop_size else None
    return replace(one, shapes=kept_descriptors(one.instances, folder, config.first_instance))


# Presets: the three published configurations, and small ones.

_SIDES = {"fake": 1.0, "real": 1.0}
_MATCHED = {"gan": 1.0, "feature_matching": 10.0, "real_segmentation": 1.0, "fake_segmentation": 1.0}
_SQUARE = Recipe(
    _MATCHED | {"perceptual": 10.0},
    _SIDES,
    epochs=100,
    decay_epochs=100,
    batch=4,
    load_size=(286, 286),
    crop_size=(256, 256),
    first_epochs={"fake_segmentation": 101},
)
_PUBLISHED = {
    "ade20k": (SafmConfig(151), _SQUARE),
    "coco": (SafmConfig(183, edges=True), _SQUARE),
    "cityscapes": (
        SafmConfig(35, dont_care=False, edges=True, size=(256, 512), depth="more", adapted="once", first_instance=1000),
        replace(_SQUARE, load_size=(256, 512), crop_size=(256, 512), first_epochs={"fake_segmentation": 61}),
    ),
}
PRESETS = {f"safm-{data}": Preset("safm", config, recipe) for data, (config, recipe) in _PUBLISHED.items()}

_STREET = SafmConfig(
    28,
    dont_care=False,
    edges=True,
    width=16,
    size=(128, 128),
    shape_width=12,
    hidden=48,
    discriminator_width=32,
    segmenter_width=32,
)
_STREET_RECIPE = Recipe(
    _MATCHED | {"perceptual_lite0": 4.0},
    _SIDES,
    generator_rate=2e-4,
    epochs=100,
    batch=4,
    average=0.999,
    # Whole photos, each in two ways: descriptors are found again.
    load_size=(128, 128),
    crop_size=(128, 128),
    optional_terms=("perceptual_lite0",),
    first_epochs={"fake_segmentation": 2},
)
PRESETS |= {
    "safm-street-128": Preset("safm", _STREET, _STREET_RECIPE),
    "safm-street-64": Preset(
        "safm",
        replace(_STREET, size=(64, 64), adapted="once", hidden=24, segmenter_width=16),
        replace(_STREET_RECIPE, load_size=(64, 64), crop_size=(64, 64)),
    ),
    # For tests: everything that the large ones have, in a second.
    "safm-tiny": Preset(
        "safm",
        SafmConfig(
            6,
            edges=True,
            width=4,
            size=(64, 64),
            shape_width=4,
            hidden=8,
            discriminator_width=8,
            segmenter_width=8,
        ),
        Recipe(_MATCHED, _SIDES, epochs=2, batch=2, average=0.9, load_size=(64, 64), crop_size=(64, 64)),
    ),
    "safm-tiny-once": Preset(
        "safm",
        SafmConfig(
            6,
            dont_care=False,
            width=4,
            size=(32, 32),
            adapted="once",
            shape_width=4,
            hidden=8,
            discriminator_width=8,
        ),
        Recipe({"gan": 1.0}, _SIDES, epochs=2, batch=2, crop_size=(32, 32)),
    ),
}
