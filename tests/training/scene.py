"""A small data set, a small system and a small run, for the tests of this folder.

As a program it is a run of its own, to be killed, interrupted or split over processes:

    python -m tests.training.scene DATA OUT IMAGES               one process, a state after every iteration
    python -m tests.training.scene DATA OUT IMAGES DEVICES       several, without drop-out, a state at the end
"""

import random
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from PIL import Image
from torch import nn

from intarsia import labels
from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.modulation import Spade
from intarsia.conditioning.semantics import coded_labels
from intarsia.data.sources import open_source
from intarsia.losses import adversarial, matching
from intarsia.records import Condition, Synthesis, Verdict
from intarsia.systems.system import Recipe, System
from intarsia.training.loop import Ending, Plan, train

CLASSES = 6
RECIPE = Recipe(
    {"gan": 1.0, "feature_matching": 10.0},
    {"fake": 1.0, "real": 1.0},
    epochs=2,
    decay_epochs=2,
    batch=4,
    average=0.9,
    crop_size=(16, 16),
)


def write_data(root: Path, pairs: int = 8, size: int = 20, classes: int = CLASSES, *, instances: bool = False) -> Path:
    """A plain folder data set of rectangles: photos in colours of their labels; a class is one instance."""
    space = labels.numbered("rectangles", classes)
    space.save(root / "label_space.json")
    draw = random.Random(0)
    for split in ("train", "val"):
        for kind in ("photos", "labels", *(["instances"] if instances else [])):
            (root / split / kind).mkdir(parents=True)
        for number in range(pairs):
            ids = np.zeros((size, size), np.uint8)
            for _ in range(8):
                top, left = draw.randrange(size), draw.randrange(size)
                ids[top : top + size // 2, left : left + size // 2] = draw.randrange(classes)
            photo = space.colourise(ids) // 2 + np.arange(size, dtype=np.uint8)[:, None, None]
            Image.fromarray(ids).save(root / split / "labels" / f"{number}.png")
            Image.fromarray(photo).save(root / split / "photos" / f"{number}.png")
            if instances:
                Image.fromarray(ids).save(root / split / "instances" / f"{number}.png")
    return root


@dataclass(frozen=True)
class MiniConfig:
    """Two layers and all that training has to take care of: coded labels, batch statistics, noise and drop-out."""

    labels: int = CLASSES
    width: int = 8
    drop: float = 0.1


class MiniGenerator(nn.Module):
    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.start = CodedConv2d(config.labels, config.width, 3, padding=1, bias=False)
        self.style = nn.Linear(4, config.width, bias=False)
        self.norm = Spade(config.width, config.labels, hidden=4)
        self.drop = nn.Dropout(config.drop)
        self.to_image = nn.Conv2d(config.width, 3, 3, padding=1)

    def forward(self, condition: Condition) -> Synthesis:
        x = self.start(condition.semantics) + self.style(condition.noise)[..., None, None]
        x = self.norm(x, condition.semantics, slope=0.2)
        return Synthesis(torch.tanh(self.to_image(self.drop(x))))


class MiniDiscriminator(nn.Module):
    def __init__(self, config: MiniConfig) -> None:
        super().__init__()
        self.labels = CodedConv2d(config.labels, config.width, 3, padding=1)
        self.image = SpectralConv2d(3, config.width, 3, padding=1)
        self.logits = nn.Conv2d(config.width, 1, 3, padding=1)

    def forward(self, condition: Condition, image: torch.Tensor) -> Verdict:
        sets = len(image) // len(condition.noise)
        features = F.leaky_relu(self.image(image) + self.labels(condition.semantics).repeat(sets, 1, 1, 1), 0.2)
        return Verdict(((features, self.logits(features)),))


def mini_condition(config, batch, seeds):
    noise = seeds.normal(4).to(batch.image.device)
    return Condition(coded_labels(batch.labels, config.labels), tuple(batch.image.shape[2:]), noise)


def mini_generator_terms(round):
    return {
        "gan": adversarial.fooling(round.fake_verdict, "hinge"),
        "feature_matching": matching.feature_matching(round.fake_verdict, round.real_verdict),
    }


def mini_discriminator_terms(round):
    return {
        "fake": adversarial.fake(round.fake_verdict, "hinge"),
        "real": adversarial.real(round.real_verdict, "hinge"),
    }


def mini_system(recipe: Recipe = RECIPE, **sizes) -> System:
    config = MiniConfig(**sizes)
    torch.manual_seed(0)
    return System(
        name="mini",
        preset="mini",
        config=config,
        generator=MiniGenerator(config),
        discriminator=MiniDiscriminator(config),
        condition=partial(mini_condition, config),
        generator_terms=mini_generator_terms,
        discriminator_terms=mini_discriminator_terms,
        recipe=recipe,
    )


def launched(devices: int = 1, precision: str = "32-true") -> Fabric:
    strategy = "ddp" if devices > 1 else "auto"
    fabric = Fabric(accelerator="cpu", devices=devices, strategy=strategy, precision=precision)
    fabric.launch()
    return fabric


def run_mini(
    data: Path, out: Path, images: int, *, fabric=None, system=None, say=print, score=None, **options
) -> Ending:
    """Train the small system; a state is written after every iteration."""
    plan = Plan(out, images, **{"workers": 0, "state_minutes": 0.0} | options)
    source, watched = open_source(str(data), "train"), open_source(str(data), "val")
    return train(fabric or launched(), system or mini_system(), source, watched, plan, say, score)


def run_split(data: Path, out: Path, images: int, devices: int) -> Ending:
    """Train the small system without drop-out, whose masks are each process's own."""
    return run_mini(data, out, images, fabric=launched(devices), system=mini_system(drop=0.0), state_minutes=60)


if __name__ == "__main__":
    data, out, images = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    print(run_split(data, out, images, int(sys.argv[4])) if sys.argv[4:] else run_mini(data, out, images))
