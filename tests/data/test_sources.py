"""Sources: which files pair up, what a pair holds, and one sentence for folders that are wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data import sources
from intarsia.data.label_files import write_label_map
from intarsia.data.sources import open_source
from intarsia.errors import ConfigError, DataError, LabelError
from intarsia.labels import numbered
from tests.data.folders import SPACE, make_folder


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read_all(spec: str, split: str) -> None:
    source = open_source(spec, split)
    for number in range(len(source)):
        source.pair(number)


def said(spec: str, split: str = "train", error: type[Exception] = DataError) -> str:
    """What opening the data set and reading all of it says."""
    with pytest.raises(error) as caught:
        read_all(spec, split)
    return str(caught.value)


@pytest.mark.parametrize("spec", ["toy", "folder:toy", "earth:toy", "street:toy"])
def test_a_plain_folder(spec: str):
    make_folder(Path("toy"))
    source = open_source(spec, "train")
    pair = source.pair(1)
    assert len(source) == 2
    assert source.label_space == SPACE
    assert pair.name == "b"
    assert np.array_equal(pair.photo, np.asarray(Image.open("toy/train/photos/b.png")))
    assert np.array_equal(pair.labels, np.asarray(Image.open("toy/train/labels/b.png")))
    assert pair.labels.dtype == np.uint8
    assert pair.instances is None


def test_names_are_in_natural_order():
    make_folder(Path("toy"), ("10", "9", "a2", "a10", "1"))
    source = open_source("toy", "train")
    assert [files.name for files in source.listing.files] == ["1", "9", "10", "a2", "a10"]


def test_photos_and_maps_may_have_different_formats_and_instances_are_read():
    make_folder(Path("toy"), ("a",))
    Image.open("toy/train/photos/a.png").save("toy/train/photos/a.JPG")
    Path("toy/train/photos/a.png").unlink()
    Path("toy/train/instances").mkdir()
    numbers = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32) * 80
    Image.fromarray(numbers).save("toy/train/instances/a.png")
    assert np.array_equal(open_source("toy", "train").pair(0).instances, numbers)


def test_more_than_256_channels_keep_wide_labels():
    make_folder(Path("toy"), ("a",))
    space = numbered("many", 300)
    space.save(Path("toy/label_space.json"))
    write_label_map(Path("toy/train/labels/a.png"), np.full((24, 32), 299), space)
    labels = open_source("toy", "train").pair(0).labels
    assert labels.dtype == np.int64
    assert (labels == 299).all()


def test_a_pair_is_decoded_once_while_memory_allows(monkeypatch: pytest.MonkeyPatch):
    make_folder(Path("toy"))
    source = open_source("toy", "train")
    assert source.pair(0) is source.pair(0)
    monkeypatch.setattr(sources, "CACHE_BYTES", 24 * 32 * 4)
    source = open_source("toy", "train")
    assert source.pair(0) is source.pair(0)
    assert source.pair(1) is not source.pair(1)


def test_an_unknown_layout():
    assert said("eart:x", error=ConfigError) == "no data set layout is called eart. Did you mean earth?"


def test_a_folder_that_is_not_there():
    assert said("toy") == "data set folder toy does not exist. Check the path."
    assert said("earth:out/earth") == (
        "data set folder out/earth does not exist. Make it with: intarsia data build earth --out out/earth"
    )
    assert said("street:out/street") == (
        "data set folder out/street does not exist. "
        "Make it with: intarsia data build street --out out/street --count 2000 --val 200"
    )


def test_a_folder_without_label_space():
    Path("toy").mkdir()
    assert said("toy", error=LabelError) == (
        "label space toy/label_space.json does not exist. Give a JSON file written by LabelSpace.save."
    )


def test_a_file_where_a_folder_is_needed():
    Path("toy.png").touch()
    assert said("toy.png") == "data set toy.png is a file. Give the folder that it lies in."


def test_an_empty_folder():
    make_folder(Path("toy"), ())
    assert said("toy") == "toy/train/photos holds no photos. Put .jpeg, .jpg, .png, .webp files there."


def test_a_photo_without_label_map_and_the_reverse():
    make_folder(Path("toy"))
    Path("toy/train/labels/b.png").unlink()
    assert said("toy") == (
        "photo toy/train/photos/b.png has no label map. Add toy/train/labels/b.png or remove the photo."
    )
    Path("toy/train/photos/b.png").rename("toy/train/labels/b.png")
    Path("toy/train/photos/a.png").rename("toy/train/photos/c.png")
    assert said("toy") == (
        "photo toy/train/photos/c.png has no label map. Add toy/train/labels/c.png or remove the photo. "
        "(2 more: intarsia data check toy)"
    )


def test_instance_maps_for_some_photos_only():
    make_folder(Path("toy"))
    Path("toy/train/instances").mkdir()
    Image.new("L", (32, 24)).save("toy/train/instances/b.png")
    assert said("toy") == (
        "photo toy/train/photos/a.png has no instance map. Add toy/train/instances/a.png or remove all of them."
    )


def test_two_photos_of_one_name():
    make_folder(Path("toy"), ("a",))
    Image.open("toy/train/photos/a.png").save("toy/train/photos/a.jpg")
    assert said("toy") == "toy/train/photos holds a.jpg and a.png. Keep one of them."


def test_photo_and_label_map_of_unequal_size():
    make_folder(Path("toy"), ("a",))
    write_label_map(Path("toy/train/labels/a.png"), np.zeros((24, 31), int), SPACE)
    assert said("toy") == (
        "photo toy/train/photos/a.png is 24x32 and its label map toy/train/labels/a.png is 24x31 (height x width). "
        "Make both the same size."
    )


def test_a_malformed_card():
    make_folder(Path("toy"))
    Path("toy/dataset.json").write_text('{"visits": 0}')
    assert said("toy") == (
        "toy/dataset.json is malformed (visits: Input should be greater than or equal to 1). Mend it or remove it."
    )
    Path("toy/dataset.json").write_text('{"vists": 2}')
    assert said("toy") == (
        "toy/dataset.json is malformed (vists: Extra inputs are not permitted). Mend it or remove it."
    )
