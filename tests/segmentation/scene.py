"""A small segmenter and a small run, for the tests of this folder and of those who use segmenters."""

from pathlib import Path

import torch
from torch import Tensor, nn

from intarsia.data.sources import open_source
from intarsia.labels import LabelSpace
from intarsia.segmentation.augmentation import Augmentation
from intarsia.segmentation.card import Config, SegmenterCard
from intarsia.segmentation.segmenter import Segmenter
from intarsia.segmentation.training import Plan, Recipe, train
from intarsia.training.loop import Ending

RECIPE = Recipe(Augmentation(crop_size=(32, 32)), batch=4, average=0.9)


def run_mini(data: Path, out: Path, *, recipe: Recipe = RECIPE, width: int = 2, say=print, **options) -> Ending:
    """Train a small segmenter; a state is written after every iteration."""
    plan = Plan(out, **{"workers": 0, "state_minutes": 0.0} | options)
    return train(recipe, width, open_source(str(data), "train"), plan, say)


class NearestColour(nn.Module):
    """Takes each pixel for the class whose colour is nearest: all that `tests.training.scene.write_data`'s photos need.

    Those are half as bright as their labels' colours, and brighter by one step with each row.
    """

    def __init__(self, space: LabelSpace, unknown: int | None) -> None:
        super().__init__()
        colours = [
            [-1000.0] * 3 if number == unknown else [value // 2 for value in label_class.colour]
            for number, label_class in enumerate(space.classes)
        ]
        self.colours = Tensor(colours)[:, :, None, None]

    def forward(self, image: Tensor) -> Tensor:
        values = (image + 1) * 127.5 - torch.arange(image.shape[2])[:, None]
        return -(values[:, None] - self.colours).square().sum(2)


def by_colour(space: LabelSpace, unknown: int | None = None) -> Segmenter:
    """A segmenter that knows the classes by their colours, all but one."""
    card = SegmenterCard(
        segmenter="by-colour",
        config=Config(classes=len(space.classes), width=1),
        label_space=space,
        recipe={},
        training={"images": 0, "seconds": 0, "hardware": "", "versions": {}, "seed": 0, "data": ""},
    )
    return Segmenter(card, NearestColour(space, unknown))
