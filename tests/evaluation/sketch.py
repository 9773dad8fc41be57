"""A segmenter to evaluate with."""

from pathlib import Path

import torch

from intarsia import labels
from intarsia.segmentation.card import Config, SegmenterCard, build, save_segmenter


def write_segmenter(folder: Path, classes: int = 6) -> Path:
    """An untrained segmenter of the classes of `training.scene.write_data`: it recognises something, whatever it is."""
    config = Config(classes=classes, width=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build(config)
    card = SegmenterCard(
        segmenter=folder.name,
        config=config,
        label_space=labels.numbered("rectangles", classes),
        recipe={},
        training={"images": 0, "seconds": 0.0, "hardware": "", "versions": {}, "seed": 0, "data": "none"},
    )
    save_segmenter(folder, card, network.state_dict())
    return folder
