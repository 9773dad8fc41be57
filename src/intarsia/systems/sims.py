"""SIMS: Qi, Chen, Jia, Koltun, "Semi-parametric Image Synthesis", CVPR 2018.

Differs from all others: photos are made from photos. A bank holds the segments of a training set; for each segment of
a label map one of like shape and surroundings is looked up, brought to its place by a spatial transformer and pasted
onto a canvas, in an order that a network predicts, with boundaries left out. From canvas and labels a network like
CRN's paints the photo. There is no discriminator; trained with CRN's content loss, and a head that tells the classes.

Published: 55.7 M, 56.1 M and 56.1 M parameters of the painting network at 256x512, 512x1024 and 1024x2048, 14.7 M of
the placing and 15.3 M of the ordering one. As the SPADE paper reports it (mIoU / accuracy / FID): Cityscapes
47.2 / 75.5 / 49.7, ADE20K-outdoor 13.1 / 74.7 / 67.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.layer_normalised import initialise
from intarsia.blocks.segment_networks import OrderingNetwork, PaintingNetwork, PlacingNetwork
from intarsia.blocks.spatial_transformer import transformed
from intarsia.conditioning.canvas import Roles, training_canvases
from intarsia.conditioning.lessons import lessons_of
from intarsia.conditioning.semantics import check_labels, coded_labels
from intarsia.data.street import STREET
from intarsia.errors import ConfigError
from intarsia.losses import segments
from intarsia.records import Batch, Condition, Lessons, Round, Seeds, Synthesis
from intarsia.systems.assembly import assembled
from intarsia.systems.content import LITE0_WEIGHTS, Published, content_terms
from intarsia.systems.crn import SIMPLE_WEIGHTS
from intarsia.systems.system import Preset, Recipe, System, Term, check_positive, check_stride, present

# The 19 classes in the order of their train ids, as the ordering network was shown them.
CITYSCAPES_COLOURS = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)


@dataclass(frozen=True)
class SimsConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card.

    Raises:
        ConfigError: a size is not positive, or an image size does not suit the networks.
    """

    labels: int  # one-hot planes of the data: classes, and don't-care where the label space has it
    dont_care: bool = True  # whether the last label is don't-care; else a plane for unlabelled pixels is added
    size: tuple[int, int] = (256, 512)  # height, width that it is trained at
    doublings: Literal[0, 1, 2] = 0  # between the resolution that the encoder works at and the image
    width: int = 64  # channels of each network's first stage
    proposals: int = 10  # segments of a photo that the placing network learns from
    pairs: int = 10  # pairs of segments of a photo that the ordering network learns from
    thin: tuple[int, ...] = ()  # classes of things that do not split what is behind them
    ground: tuple[int, ...] = ()  # classes that lie flat
    stuff: tuple[int, ...] = ()  # classes that keep their label where no segment is found
    colours: Literal["numbered", "cityscapes"] = "numbered"  # in which the ordering network sees labels
    level_weights: tuple[float, ...] = SIMPLE_WEIGHTS  # of the errors of image and features, from fine to coarse

    def __post_init__(self) -> None:
        check_positive("sims", asdict(self), zero=("doublings", "thin", "ground", "stuff"))
        if self.size[0] % self.stride or self.size[1] % self.stride:
            raise ConfigError(f"size {self.size} is no multiple of {self.stride}. Choose one.")

    @property
    def planes(self) -> int:
        """Channels of the dense condition: all labels, and unlabelled."""
        return self.labels + (not self.dont_care)

    @property
    def roles(self) -> Roles:
        """The classes that are treated apart."""
        return Roles(self.planes - 1, self.planes - 1, self.thin, self.ground, self.stuff)

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 64 << self.doublings

    @property
    def edges(self) -> bool:
        """Instance edges are not looked at."""
        return False

    @property
    def style(self) -> bool:
        """There is no style vector: the canvas decides the look."""
        return False

    @property
    def pasted(self) -> bool:
        """A canvas of pasted segments is looked at."""
        return True


class SimsGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    colours: Tensor

    def __init__(self, config: SimsConfig) -> None:
        super().__init__()
        self.config = config
        self.shrink = 1 << config.doublings
        self.painting = PaintingNetwork(config.planes, config.width, config.doublings)
        self.placing = PlacingNetwork(config.planes, config.width, self.shrink)
        self.ordering = OrderingNetwork(config.planes, config.width)
        self.register_buffer("colours", colours_of(config), persistent=False)

    def forward(self, condition: Condition) -> Synthesis:
        """Paint an image of `condition.size` from labels and `condition.canvas` (empty if None).

        With `condition.lessons`, say also how the other two networks do in them.
        """
        check_stride(condition.size, self.config.stride)
        semantics = condition.at(*condition.size)
        canvas = condition.canvas
        if canvas is None:
            count = len(semantics) if isinstance(semantics, Tensor) else len(semantics.codes)
            canvas = torch.zeros(count, 3, *condition.size, device=self.colours.device)
        image, logits = self.painting(semantics, canvas)
        made = Synthesis(image, logits=logits)
        return made if condition.lessons is None else self._taught(made, condition.lessons)

    def places(self, proposals: Tensor, queries: Tensor, layout: Tensor) -> Tensor:
        """Where segments belong, as affine maps for `transformed`.

        Args:
            proposals: B P 3 H W in [0, 1].
            queries: B P H W, 0 or 1.
            layout: B H W int64 labels.

        Returns:
            B*P 6.
        """
        planes = F.one_hot(layout, self.config.planes).permute(0, 3, 1, 2).to(proposals.dtype)
        planes = planes.repeat_interleave(proposals.shape[1], 0)
        theta: Tensor = self.placing(proposals.flatten(0, 1), queries.flatten(0, 1), planes)
        return theta

    def orders(self, pairs: Tensor, layout: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Scores of the class in front, class c at c + 1.

        Args:
            pairs: B Q H W int64 labels within two segments, -1 elsewhere.
            layout: B H W int64 labels.
            dropout: B Q D, see `OrderingNetwork`.

        Returns:
            B Q planes.
        """
        count = pairs.shape[1]
        layouts = layout[:, None].expand_as(pairs)
        maps = [labels[..., :: self.shrink, :: self.shrink].flatten(0, 1) for labels in (pairs, layouts)]
        shown = torch.cat([self.colours[labels].permute(0, 3, 1, 2) for labels in maps], 1)
        scores: Tensor = self.ordering(shown, None if dropout is None else dropout.flatten(0, 1))
        return scores.view(-1, count, scores.shape[1])

    def _taught(self, made: Synthesis, lessons: Lessons) -> Synthesis:
        theta = self.places(lessons.proposals, lessons.queries, lessons.layout)
        warped = transformed(lessons.proposals.flatten(0, 1), theta).view_as(lessons.proposals)
        placed = (warped * lessons.queries[:, :, None]).sum(1)
        dropout = lessons.dropout if self.training else None
        return replace(made, placed=placed, scores=self.orders(lessons.pairs, lessons.layout, dropout))


def colours_of(config: SimsConfig) -> Tensor:
    """planes+1 3 in [0, 1]: a colour for each label; black for unlabelled, and last for what is not shown."""
    colours: list[tuple[int, ...]]
    if config.colours == "cityscapes":
        colours = list(CITYSCAPES_COLOURS[: config.planes - 1])
    else:
        # Three bits of the number to each round, highest first: neighbours in number are far apart in colour.
        colours = [
            tuple(
                sum(((number >> (3 * place + channel)) & 1) << (7 - place) for place in range(3))
                for channel in range(3)
            )
            for number in range(1, config.planes)
        ]
    return torch.tensor([*colours, (0, 0, 0), (0, 0, 0)]) / 255


def sims(config: SimsConfig, recipe: Recipe, preset: str, perceptual: Path | None = None) -> System:
    """Build the networks, freshly initialised, and the terms that the recipe weighs.

    Args:
        config: sizes.
        recipe: a term without a weight is not computed.
        preset: the name that goes into the checkpoint's card.
        perceptual: MatConvNet's file of VGG19 weights, for the term `content`.

    Raises:
        ConfigError: the recipe weighs a term that there is not, or the weights of a term's network are absent.
        CheckpointError: the file of such weights cannot be read.
    """
    generator = SimsGenerator(config)
    initialise(generator)
    generator.placing.start_as_identity()
    # As published VGG19, which learnt from RGB, sees blue first; and at the largest size half the resolution.
    show = partial(Published, flipped=True, halved=config.doublings > 1)
    content = content_terms(recipe, perceptual, weights=config.level_weights, classes=config.planes, show=show)
    return assembled(
        "sims",
        preset,
        config,
        recipe,
        perceptual,
        generator=generator,
        discriminator=None,
        condition=condition,
        generator_terms={**content, **segment_terms()},
        discriminator_terms={},
        inherits=partial(inherited, config),
    )


def condition(config: SimsConfig, batch: Batch, seeds: Seeds) -> Condition:
    """What the networks look at in training: labels and canvas with holes, and lessons, all made from the photos.

    Raises:
        LabelError: the batch has a train id that this config has no plane for.
    """
    check_labels(batch, config.labels)
    canvas, labels = training_canvases(batch, config.roles, seeds)
    lessons = lessons_of(
        batch, config.roles, seeds, proposals=config.proposals, pairs=config.pairs, hidden=16 * config.width
    )
    return Condition(coded_labels(labels, config.planes), batch.size, canvas=canvas, lessons=lessons)


def segment_terms() -> dict[str, Term]:
    """All but the content term, which needs a network of others."""

    def placement(round: Round) -> Tensor:
        return segments.placement(
            present(round.fake.placed), (round.batch.image + 1) / 2, present(round.condition.lessons).queries
        )

    return {
        "meaning": lambda r: segments.meaning(present(r.fake.logits), r.batch.labels),
        "placement": placement,
        "order": lambda r: segments.order(present(r.fake.scores), present(r.condition.lessons).fronts),
    }


def inherited(config: SimsConfig, entry: str, smaller: Mapping[str, Any]) -> str | None:
    """What a part starts with in a run that goes on, finer, where one with fewer doublings ended.

    All is taken over but the last layers, and the level that is new.

    Args:
        config: of the system that starts.
        entry: the name of a tensor in its states.
        smaller: plain values of the other's config.

    Returns:
        The name of the tensor in the other's states, or None for parts that are new.
    """
    name = entry.split("/", 2)[2]
    if config.doublings == smaller["doublings"]:
        return entry
    new = ["painting.to_fine_image."]
    if not smaller["doublings"]:
        new += ["painting.fine.", "painting.to_image.", "painting.to_logits."]
    return None if name.startswith(tuple(new)) else entry


# Presets: the published trainings, and small ones for everyday machines.

_OTHERS = {"meaning": 10.0, "placement": 1.0, "order": 1.0}
_CITYSCAPES = SimsConfig(
    labels=20,
    thin=(5, 6, 7),
    ground=(0, 1, 9),
    stuff=(0, 1, 3, 4, 8, 9, 10),
    colours="cityscapes",
)
_RECIPE = Recipe(
    {"content": 1.0} | _OTHERS,
    {},
    generator_rate=1e-4,
    betas=(0.9, 0.999),
    epochs=800,
    load_size=(256, 512),
    crop_size=(256, 512),
    flip=False,
)


def _finer(doublings: Literal[1, 2]) -> Preset:
    """A training at twice the resolution or more, to be started from the run before (`--from`)."""
    size = (256 << doublings, 512 << doublings)
    config = replace(_CITYSCAPES, size=size, doublings=doublings)
    return Preset("sims", config, replace(_RECIPE, epochs=100, load_size=size, crop_size=size))


PRESETS = {
    "sims-cityscapes-256p": Preset("sims", _CITYSCAPES, _RECIPE),
    "sims-cityscapes-512p": _finer(1),
    "sims-cityscapes-1024p": _finer(2),
}


def _street(*names: str) -> tuple[int, ...]:
    """The labels of classes of the data set street."""
    return tuple(place for place, one in enumerate(STREET.classes) if one.name in names)


# Small ones need no file of VGG19 weights.
_STREET = SimsConfig(
    labels=28,
    dont_care=False,
    size=(64, 64),
    width=8,
    proposals=2,
    pairs=2,
    thin=_street("pole", "sign", "traffic light"),
    ground=_street("road", "sidewalk", "grass", "marking", "water", "field", "snow", "path"),
    stuff=_street(
        "sky", "road", "sidewalk", "grass", "tree", "marking", "mountain", "hedge", "water", "field", "snow", "path"
    ),
    level_weights=LITE0_WEIGHTS,
)
_STREET_RECIPE = replace(
    _RECIPE,
    generator_weights={"content_lite0": 1.0, "meaning": 0.1, "placement": 0.01, "order": 0.1},
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
    "sims-street-64": Preset("sims", _STREET, _STREET_RECIPE),
    # The networks of sims-street-64 and one level more: a run can start from one of that.
    "sims-street-128": Preset(
        "sims",
        replace(_STREET, size=(128, 128), doublings=1),
        replace(_STREET_RECIPE, load_size=(143, 143), crop_size=(128, 128)),
    ),
    # For tests: everything that the large ones have, in a second.
    "sims-tiny": Preset(
        "sims",
        SimsConfig(
            labels=6,
            dont_care=False,
            size=(64, 64),
            width=2,
            proposals=2,
            pairs=2,
            thin=(5,),
            ground=(0,),
            stuff=(0, 1),
            level_weights=LITE0_WEIGHTS,
        ),
        replace(_STREET_RECIPE, epochs=2, batch=2, average=0.9, load_size=None, crop_size=(64, 64)),
    ),
}
