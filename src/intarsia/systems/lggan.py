"""LGGAN: Tang, Xu, Yan, Torr, Sebe, "Local Class-Specific and Global Image-Level Generative Adversarial Networks for
Semantic-Guided Scene Generation", CVPR 2020.

Differs from SPADE: two more branches beside its generator, which starts from an encoding of the labels. The local
branch makes an image of each class with a head of its own, and one image of these; the third branch says, pixel by
pixel, how much of the local and of the global image the result takes. Features under each class's mask are also
classified, so that classes look different to the heads. All three images are judged, and held against the photo.
There is no style and no noise.

Published (mIoU / accuracy / FID): Cityscapes 68.4 / 83.0 / 57.7, ADE20K 41.6 / 81.8 / 31.6. Parameters of the
generator: 111.1 M, 115.1 M, of which 0.3 M and 1.4 M in a layer that the released weights hold and nothing calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.class_heads import ClassHeads
from intarsia.blocks.coarse_to_fine import EntryConv2d, Normed, ResidualBlock, growing, shrinking
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.blocks.residual import SpadeBlock
from intarsia.conditioning.semantics import batch_semantics
from intarsia.errors import ConfigError
from intarsia.losses import adversarial, matching
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Branches, Condition, Round, Seeds, Synthesis, Verdict
from intarsia.systems.assembly import assembled
from intarsia.systems.spade import DOUBLINGS, GAIN, Depth, initialise, widths_of
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present

CAR, TRUCK = 26, 27
"""Of Cityscapes' ids: see `LgganConfig.trucks_as_cars`."""


@dataclass(frozen=True)
class LgganConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or the kernel is even.
    """

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    edges: bool = False  # one more plane: instance edges
    width: int = 64  # channels of the last block of each branch; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    depth: Depth = "normal"  # 5, 6 or 7 doublings from the start grid to the global image
    blocks: int = 9  # residual blocks of the local branch
    most_heads: int = 52  # with more labels than this, the last head is for all from there on, and is not classified
    hidden: int = 128  # channels of the hidden layer in each SPADE layer
    kernel: int = 3  # of both convolutions in each SPADE layer
    normalisation: Normalisation = "batch"  # of the global branch
    discriminator_width: int = 64  # channels of its first layer; published as ndf
    discriminator_scales: int = 2
    adversarial: Adversarial = "hinge"
    # A slip of the code that was published for Cityscapes: what the head for trucks makes is held against the photo
    # under the mask of cars.
    trucks_as_cars: bool = False

    def __post_init__(self) -> None:
        check_positive("lggan", asdict(self))
        if self.kernel % 2 == 0:
            raise ConfigError(f"the config of lggan has kernel {self.kernel}. Give an odd number.")

    @property
    def planes(self) -> int:
        """Channels of the dense condition."""
        return self.labels + self.edges

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 1 << sum(DOUBLINGS[self.depth])

    @property
    def heads(self) -> int:
        """Class-specific generators."""
        return min(self.labels, self.most_heads)

    @property
    def scored(self) -> int:
        """Heads of one class each: the first ones, which are classified."""
        return self.heads - (self.heads < self.labels)

    @property
    def style(self) -> bool:
        """The look follows from the labels."""
        return False


class LgganGenerator(nn.Module):
    """Condition -> Synthesis with its branches. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: LgganConfig) -> None:
        super().__init__()
        if config.size[0] % config.stride or config.size[1] % config.stride:
            raise ConfigError(f"size {config.size} is no multiple of {config.stride}. Choose one, or another depth.")
        self.config = config
        width = config.width
        self.entry = Normed(EntryConv2d(config.planes, 0, width, spectral=False), width, "instance")
        self.down = nn.ModuleList(
            shrinking(width << level, width << (level + 1), "instance", spectral=False) for level in range(4)
        )
        widths = widths_of(width, config.depth)
        blocks = [
            SpadeBlock(
                inputs, outputs, config.planes, hidden=config.hidden, kernel=config.kernel, kind=config.normalisation
            )
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.decoder = Decoder(blocks, DOUBLINGS[config.depth], widths[-1])
        self.residual = nn.ModuleList(ResidualBlock(4 * width, "instance", False) for _ in range(config.blocks))
        self.grow_local, self.grow_weights = (
            nn.ModuleList(growing(2 * outputs, outputs, "instance", spectral=False) for outputs in (2 * width, width))
            for _ in range(2)
        )
        self.heads = ClassHeads(width, config.labels, config.heads)
        self.classify = nn.Linear(width, config.scored)
        self.merge = nn.Conv2d(3 * config.heads, 3, 3, padding=1)
        self.weigh = nn.Conv2d(width, 2, 1)

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`."""
        check_stride(condition.size, self.config.stride)
        semantics = condition.at(*condition.size)
        encoded = activated(self.down[:2], F.relu(self.entry(semantics, None)))
        grid = (condition.size[0] // self.config.stride, condition.size[1] // self.config.stride)
        start = F.interpolate(activated(self.down[2:], encoded), grid, mode="nearest")
        whole = self.decoder(start, condition)

        x = encoded
        for block in self.residual:
            x = block(x)
        made, pooled = self.heads(activated(self.grow_local, x), semantics)
        made = torch.tanh(made)
        by_head = made.view(len(made), -1, 3, *condition.size)
        local = torch.tanh(self.merge(made))
        weights = self.weigh(activated(self.grow_weights, encoded)).softmax(1)
        image = weights[:, :1] * local + weights[:, 1:] * whole
        scores = self.classify(pooled[:, : self.config.scored])
        return Synthesis(image, branches=Branches(whole, local, weights, by_head, scores))


def activated(layers: Iterable[nn.Module], x: Tensor) -> Tensor:
    """One layer after the other, a ReLU after each."""
    for layer in layers:
        x = F.relu(layer(x))
    return x


def lggan(config: LgganConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for the term `perceptual`.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or a perceptual term's weights are absent.
    """
    generator = LgganGenerator(config)
    discriminator = PatchDiscriminator(
        config.planes, width=config.discriminator_width, scales=config.discriminator_scales
    )
    initialise(generator, spectral=True)
    initialise(discriminator, spectral=True)
    generator.heads.initialise(GAIN)
    return assembled(
        "lggan",
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


def condition(config: LgganConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: labels, and edges.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
        DataError: the config wants edges and the batch has no instance maps.
    """
    semantics = batch_semantics(batch, config.labels, config.edges)
    return Condition(semantics, batch.size)


def generator_terms(config: LgganConfig) -> dict[str, Term]:
    """All but the perceptual ones, which need files. What judges or compares images is summed over all three."""
    kind = config.adversarial
    return {
        "gan": lambda r: total(adversarial.fooling(of_fake, kind) for of_fake in fakes(r)),
        "feature_matching": lambda r: total(
            matching.feature_matching(of_fake, present(r.real_verdict)) for of_fake in fakes(r)
        ),
        "l1": lambda r: total(F.l1_loss(image.float(), r.batch.image) for image in r.fake.judged),
        "classification": lambda r: classification(config, r),
        "local": lambda r: of_heads(config, r),
    }


def discriminator_terms(config: LgganConfig) -> dict[str, Term]:
    """What the discriminator learns from: the photo counts as often as there are images made."""
    kind = config.adversarial
    return {
        "fake": lambda r: total(adversarial.fake(of_fake, kind) for of_fake in fakes(r)),
        "real": lambda r: len(fakes(r)) * adversarial.real(present(r.real_verdict), kind),
    }


def classification(config: LgganConfig, round: Round) -> Tensor:
    """Cross entropy of what each class's masked features look like, averaged over the classes that each image shows."""
    scores = present(round.fake.branches).scores.float()  # B scored scored
    shown = owner_masks(config, round.batch.labels)[:, : config.scored].flatten(2).any(2)
    targets = torch.arange(config.scored, device=scores.device).expand(len(scores), -1)
    entropy = F.cross_entropy(scores.transpose(1, 2), targets, reduction="none")
    return (entropy * shown).sum() / shown.sum().clamp(min=1)


def of_heads(config: LgganConfig, round: Round) -> Tensor:
    """Mean absolute difference of each head's image and the photo under its mask, summed over the heads.

    A head whose class the image does not show should make nothing, and counts like any other.
    """
    masks = owner_masks(config, round.batch.labels)
    if config.trucks_as_cars:
        masks[:, TRUCK] = masks[:, CAR]
    wanted = round.batch.image[:, None] * masks[:, :, None]
    made = present(round.fake.branches).heads.float()
    return (made - wanted).abs().mean((0, 2, 3, 4)).sum()


def owner_masks(config: LgganConfig, labels: Tensor) -> Tensor:
    """Where each head looks, for labels B H W int64: B heads H W bool."""
    owner = labels.clamp(max=config.heads - 1)
    return F.one_hot(owner, config.heads).permute(0, 3, 1, 2).bool()


def fakes(round: Round) -> tuple[Verdict, ...]:
    """What the discriminator says of the image and of those of the branches."""
    return (present(round.fake_verdict), *round.branch_verdicts)


def total(terms: Iterable[Tensor]) -> Tensor:
    """The sum of scalars."""
    return torch.stack(list(terms)).sum()


# Presets: the two published configurations, and small ones for everyday machines.

_WITHOUT_VGG = {"gan": 1.0, "feature_matching": 10.0, "classification": 1.0, "local": 1.0}
_SIDES = {"fake": 1.0, "real": 1.0}
_SQUARE = Recipe(
    _WITHOUT_VGG | {"perceptual": 10.0},
    _SIDES,
    epochs=100,
    decay_epochs=100,
    batch=24,
    load_size=(286, 286),
    crop_size=(256, 256),
)
PRESETS = {
    "lggan-ade20k": Preset("lggan", LgganConfig(labels=151), _SQUARE),
    "lggan-cityscapes": Preset(
        "lggan",
        LgganConfig(labels=35, edges=True, size=(256, 512), depth="more"),
        replace(_SQUARE, batch=8, load_size=(256, 512), crop_size=(256, 512)),
    ),
}
# Small ones need no file of VGG19 weights.
_STREET = LgganConfig(labels=28, edges=True, width=12, size=(128, 128), blocks=4, hidden=32, discriminator_width=32)
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
_TINY_RECIPE = Recipe(_WITHOUT_VGG | {"l1": 1.0}, _SIDES, epochs=2, decay_epochs=2, batch=2, average=0.9)
PRESETS |= {
    "lggan-street-128": Preset("lggan", _STREET, _STREET_RECIPE),
    "lggan-street-64": Preset(
        "lggan",
        replace(_STREET, size=(64, 64)),
        replace(_STREET_RECIPE, load_size=(72, 72), crop_size=(64, 64)),
    ),
    # For tests: everything that the large ones have, in a second. One with a head for several labels, one without.
    "lggan-tiny": Preset(
        "lggan",
        LgganConfig(labels=6, width=4, size=(32, 64), blocks=1, most_heads=4, hidden=8, discriminator_width=8),
        replace(_TINY_RECIPE, crop_size=(32, 64)),
    ),
    "lggan-tiny-edges": Preset(
        "lggan",
        LgganConfig(
            labels=6, edges=True, width=4, size=(64, 64), depth="more", blocks=1, hidden=8, discriminator_width=8
        ),
        replace(_TINY_RECIPE, decay_epochs=0, crop_size=(64, 64)),
    ),
}
