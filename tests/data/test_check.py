"""The check finds every fault of a split, not only the first, and counts what the sound files hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.check import check_split
from intarsia.data.label_files import write_label_map
from tests.data.folders import SPACE, make_folder


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_sound_split():
    make_folder(Path("toy"), ("a", "b", "c"))
    labels = np.zeros((24, 32), int)
    labels[:, :8] = 2
    for name in "abc":
        write_label_map(Path(f"toy/train/labels/{name}.png"), labels, SPACE)
    report = check_split("toy", "train")
    assert report.wrong == ()
    assert (report.photos, report.sizes) == (3, ((24, 32),))
    assert report.pixels == (3 * 24 * 24, 0, 3 * 24 * 8)


def test_objects_are_counted_by_the_instance_maps():
    make_folder(Path("toy"), ("a", "b"))
    Path("toy/train/instances").mkdir()
    labels = np.zeros((24, 32), int)
    labels[:, :8] = 2
    instances = np.where(labels == 2, 7, 0)
    instances[:12, :4] = 300  # a second object of the same class
    for name in "ab":
        write_label_map(Path(f"toy/train/labels/{name}.png"), labels, SPACE)
        Image.fromarray(instances.astype(np.uint16)).save(f"toy/train/instances/{name}.png")
    assert check_split("toy", "train").objects == (2, 0, 4)


def test_no_objects_without_instance_maps():
    make_folder(Path("toy"), ("a",))
    assert check_split("toy", "train").objects == (0, 0, 0)


def test_all_faults_are_listed():
    make_folder(Path("toy"), tuple("abcdef"))
    Image.fromarray(np.full((24, 32), 9, np.uint8)).save("toy/train/labels/a.png")
    write_label_map(Path("toy/train/labels/b.png"), np.zeros((24, 31), int), SPACE)
    Path("toy/train/photos/c.png").write_bytes(b"")
    Path("toy/train/photos/d.png").unlink()
    Path("toy/train/labels/e.png").unlink()
    report = check_split("toy", "train")
    assert report.wrong == (
        "photo toy/train/photos/e.png has no label map. Add toy/train/labels/e.png or remove the photo.",
        "label map toy/train/labels/d.png has no photo. Add toy/train/photos/d.png or remove the label map.",
        "label map toy/train/labels/a.png has id 9 at (0, 0); classes end at 2. "
        "Set dont_care=9 or remap with LabelSpace.",
        "photo toy/train/photos/b.png is 24x32 and its label map toy/train/labels/b.png is 24x31 (height x width). "
        "Make both the same size.",
        "photo toy/train/photos/c.png is empty (0 bytes). Copy or export it again.",
    )
    assert (report.photos, sum(report.pixels)) == (4, 24 * 32)  # four pairs, one of them sound


def test_every_pair_is_watched():
    make_folder(Path("toy"), ("a", "b"))
    seen = []

    def watch(files, what: str, total: int):
        for each in files:
            seen.append((each.files.name, what, total))
            yield each

    check_split("toy", "train", watch)
    assert seen == [("a", "checking train", 2), ("b", "checking train", 2)]
