"""Real photos at the model's size, what is made of their labels, and photos of folders."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from intarsia.data.pairs import Listing, Pair, PairFiles
from intarsia.data.sources import Source, open_source
from intarsia.data.transforms import resize
from intarsia.errors import DataError
from intarsia.evaluation.pictures import (
    Blurred,
    MadeViews,
    blurred,
    digest,
    folder_pictures,
    spread,
    tiled_views,
    whole_views,
)
from intarsia.labels import numbered
from intarsia.synthesis.synthesiser import Synthesiser
from intarsia.training.rounds import seeds_at
from tests import maps
from tests.data.folders import SPACE, make_folder
from tests.training.scene import write_data


def source_of(*pairs, classes=6, one_class_at_most=1.0):
    """A source of pairs that lie in memory."""
    files = tuple(PairFiles(pair.name, f"{pair.name}.jpg", f"{pair.name}.png") for pair in pairs)
    listing = Listing(numbered("given", classes), files, one_class_at_most=one_class_at_most)
    return Source("given", "val", listing, dict(enumerate(pairs)))


def pair(name, labels, instances=None):
    labels = np.asarray(labels, np.uint8)
    photo = np.repeat(labels[..., None] * np.uint8(40), 3, 2) + np.arange(labels.shape[1], dtype=np.uint8)[:, None]
    return Pair(name, photo, labels, instances)


@pytest.mark.parametrize(("count", "expected"), [(None, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (2, [0, 2])])
def test_some_are_chosen_evenly(count, expected):
    assert spread(5, count) == expected


def test_whole_photos_are_resized_as_in_training_and_the_truth_stays(tmp_path):
    source = open_source(str(write_data(tmp_path, pairs=3, size=50)), "val")
    views = whole_views(source, (32, 32), 2)
    found = views.pictures([0, 1])
    assert [picture.name for picture in found] == ["0", "1"]
    for number, picture in enumerate(found):
        small = resize(source.pair(number), (32, 32))
        assert np.array_equal(picture.photo, small.photo)
        assert np.array_equal(views.pair(number).labels, small.labels)
        assert np.array_equal(picture.truth, source.pair(number).labels)
    assert [path.name for path in views.photo_files() + views.map_files()] == ["0.png", "1.png"] * 2


def test_tiles_lie_in_a_grid_in_the_middle():
    labels = np.arange(7 * 10).reshape(7, 10) % 6
    source = source_of(pair("a", labels))
    views = tiled_views(source, (3, 4))
    corners = [(0, 1), (0, 5), (3, 1), (3, 5)]
    assert [view.corner for view in views.views] == corners
    for number, (top, left) in enumerate(corners):
        (picture,) = views.pictures([number])
        assert picture.name == f"a@{top},{left}"
        assert np.array_equal(picture.truth, labels[top : top + 3, left : left + 4])
        assert np.array_equal(picture.photo, source.pair(0).photo[top : top + 3, left : left + 4])


def test_tiles_that_training_would_draw_again_are_left_out():
    half = np.zeros((4, 8), int)
    half[:, 4:] = np.arange(4)
    views = tiled_views(source_of(pair("a", half), one_class_at_most=0.95), (4, 4))
    assert [view.corner for view in views.views] == [(0, 4)]


def test_photos_smaller_than_a_tile_are_refused():
    with pytest.raises(DataError) as caught:
        tiled_views(source_of(pair("a", np.zeros((3, 9)))), (4, 4))
    assert str(caught.value) == (
        "photo a is 3x9, smaller than the tiles of 4x4 (height x width) that the model was trained on. "
        "Give --size 4x4 to resize whole photos."
    )


@pytest.fixture
def regions():
    """Three labelled photos with objects that labels alone do not tell apart."""
    labels, objects = (maps.regions(seed, 6, 64, 64, batch=3).numpy() for seed in (1, 2))
    return [pair(name, labels[number], objects[number]) for number, name in enumerate("abc")]


def test_made_pictures_are_the_synthesisers_with_a_seed_for_each(snapshot_of, regions):
    synthesiser = Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))
    found = MadeViews(synthesiser, whole_views(source_of(*regions), (64, 64)), 7).pictures([1, 2])
    for number, picture in zip((1, 2), found, strict=True):
        (seed,) = seeds_at(7, number, 1).values
        alone = synthesiser.scene(regions[number].labels, regions[number].instances).render(seed=seed)
        assert np.abs(picture.photo.astype(int) - alone).max() <= 1  # a batch rounds as its images do, but for ties
        assert np.array_equal(picture.truth, regions[number].labels)


def test_the_model_gets_the_instance_maps_that_there_are(snapshot_of, regions, monkeypatch):
    synthesiser, given = Synthesiser.from_pretrained(snapshot_of("spade-tiny-style")), []
    set_scene = synthesiser.tensor_scene
    monkeypatch.setattr(synthesiser, "tensor_scene", lambda *maps: given.append(maps[1]) or set_scene(*maps))
    MadeViews(synthesiser, whole_views(source_of(*regions), (32, 32)), 0).pictures([0, 1])
    assert given[0].shape == (2, 32, 32)
    assert np.array_equal(given[0][1], resize(regions[1], (32, 32)).instances)
    without = [replace(one, instances=None) for one in regions]
    MadeViews(synthesiser, whole_views(source_of(*without), (32, 32)), 0).pictures([0, 1])
    assert given[1] is None


def test_folders_are_read_in_natural_order_with_their_label_maps(tmp_path):
    root = make_folder(tmp_path, ("p10", "p9"))
    found = folder_pictures(root / "train" / "photos", root / "train" / "labels", SPACE)
    assert [path.stem for path in found.photos] == ["p9", "p10"]
    first, second = found.pictures([0, 1])
    assert first.name == "p9"
    assert np.array_equal(first.photo, np.asarray(Image.open(root / "train" / "photos" / "p9.png")))
    assert np.array_equal(second.truth, np.asarray(Image.open(root / "train" / "labels" / "p10.png")))
    assert folder_pictures(root / "train" / "photos", None, None, 1).pictures([0])[0].truth is None


def test_a_photo_without_a_label_map_is_named(tmp_path):
    root = make_folder(tmp_path) / "train"
    (root / "labels" / "b.png").unlink()
    with pytest.raises(DataError) as caught:
        folder_pictures(root / "photos", root / "labels", SPACE)
    assert str(caught.value) == (
        f"photo {root}/photos/b.png has no label map. Add {root}/labels/b.png or remove the photo."
    )


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        folder_pictures(tmp_path, None, None)
    assert str(caught.value) == f"{tmp_path} holds no photos. Give a folder with .jpeg, .jpg, .png, .webp files."


def test_blurred_pictures_keep_all_but_the_sharpness():
    step = np.zeros((20, 20), int)
    step[:, 10:] = 5
    clear = whole_views(source_of(pair("a", step)), (20, 20))
    (soft,) = Blurred(clear, 2.0).pictures([0])
    (sharp,) = clear.pictures([0])
    steepest = [np.abs(np.diff(one.photo.astype(int), axis=1)).max() for one in (soft, sharp)]
    assert steepest[0] < 60 < 190 < steepest[1]
    assert np.array_equal(soft.truth, sharp.truth)
    even = np.full((9, 9, 3), 77, np.uint8)
    assert np.array_equal(blurred(even, 2.0), even)


def test_the_digest_tells_names_and_contents_apart(tmp_path):
    one, two = tmp_path / "1.png", tmp_path / "2.png"
    one.write_bytes(b"a")
    two.write_bytes(b"b")
    before = digest([one, two])
    assert before == digest([one, two])
    assert before != digest([two, one])
    two.write_bytes(b"c")
    assert before != digest([one, two])
