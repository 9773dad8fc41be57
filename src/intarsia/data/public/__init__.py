"""The public data sets in the layouts of their archives. Nothing is downloaded; `ARCHIVES` says what to get."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """What a data set comes in, who gives it out, and how many labelled photos each split then has."""

    files: tuple[str, ...]
    source: str
    counts: dict[str, int]
    note: str = ""


ARCHIVES: dict[str, Archive] = {
    "cityscapes": Archive(
        ("leftImg8bit_trainvaltest.zip", "gtFine_trainvaltest.zip"),
        "cityscapes-dataset.com, after registering",
        {"train": 2975, "val": 500},
        "papers test on val; the labels of test were never given out",
    ),
    "ade20k": Archive(
        ("ADEChallengeData2016.zip",),
        "the scene parsing challenge of 2016 (SceneParse150)",
        {"train": 20210, "val": 2000},
        "the full ADE20K of 2021 (3,688 classes, 27,574 photos) is another data set",
    ),
    "ade20k-outdoor": Archive(
        ("ADEChallengeData2016.zip",),
        "the scene parsing challenge of 2016 (SceneParse150)",
        {},
        "papers chose their own photos, and their counts differ",
    ),
    "coco-stuff": Archive(
        ("train2017.zip", "val2017.zip", "stuffthingmaps_trainval2017.zip"),
        "cocodataset.org; the label maps from nightrome/cocostuff",
        {"train": 118287, "val": 5000},
        "instances: annotations_trainval2017.zip or panoptic_annotations_trainval2017.zip, from the same place",
    ),
    "celebamask-hq": Archive(
        ("CelebAMask-HQ.zip",),
        "switchablenorms/CelebAMask-HQ",
        {"train": 24183, "val": 2993, "test": 2824},
        "splits are CelebA's own, by CelebA-HQ-to-CelebA-mapping.txt of the archive",
    ),
    "facades": Archive(
        ("CMP_facade_DB_base.zip", "CMP_facade_DB_extended.zip"),
        "the Center for Machine Perception, Prague",
        {},
        "the archive has no splits; every eighth photo of base is held out here",
    ),
}
"""By data set. Its publishers gave no checksums out."""
