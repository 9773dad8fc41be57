"""Editing photos: what the hole shows, what stays, and what is refused."""

import numpy as np
import pytest

from intarsia.errors import ConfigError, IntarsiaError, LabelError
from intarsia.synthesis.edit import edited, view_of
from intarsia.synthesis.synthesiser import Synthesiser

SIZE = (50, 70)


@pytest.fixture(scope="module")
def whole(snapshot_of):
    """Sees the whole photo; stride 4, classes 0..5."""
    return Synthesiser.from_pretrained(snapshot_of("sesame-tiny"))


@pytest.fixture(scope="module")
def around(snapshot_of):
    """Sees a square view of 32 pixels around the hole, and labels everywhere."""
    return Synthesiser.from_pretrained(snapshot_of("sesame-tiny-skips"))


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def labels():
    return np.repeat([[0, 1, 2, 3, 4]], SIZE[0], 0).repeat(14, 1)


def box(top, left, height, width):
    hole = np.zeros(SIZE, np.bool_)
    hole[top : top + height, left : left + width] = True
    return hole


FREE = np.random.default_rng(1).random(SIZE) < 0.1
HOLES = {
    "box": box(10, 20, 12, 9),
    "corner": box(38, 58, 12, 12),
    "long": box(20, 2, 6, 66),
    "free": FREE,
    "all": FREE | ~FREE,
}


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES.keys())
@pytest.mark.parametrize("model", ["whole", "around"])
def test_outside_the_hole_the_photo_stays_bit_for_bit(request, model, photo, hole):
    made = edited(request.getfixturevalue(model), photo, labels(), hole)
    assert made.dtype == np.uint8
    assert made.shape == photo.shape
    assert np.array_equal(made[~hole], photo[~hole])
    assert (made[hole] != photo[hole]).any(-1).mean() > 0.9


@pytest.mark.parametrize("model", ["whole", "around"])
def test_the_labels_in_the_hole_decide_and_the_photo_in_it_does_not(request, model, photo):
    synthesiser, hole = request.getfixturevalue(model), HOLES["box"]
    made = edited(synthesiser, photo, labels(), hole)
    painted = np.where(hole, 5, labels())
    assert not np.array_equal(edited(synthesiser, photo, painted, hole), made)
    if model == "whole":  # resizing a view mixes the hole's border with what surrounds it
        other = np.where(hole[..., None], 255 - photo, photo)
        assert np.array_equal(edited(synthesiser, other, labels(), hole), made)


def test_the_given_arrays_stay_as_they_are(whole, photo):
    before = photo.copy()
    edited(whole, photo, labels(), HOLES["box"])
    assert np.array_equal(photo, before)


@pytest.mark.parametrize(
    ("hole", "context", "window", "size"),
    [
        (box(10, 20, 12, 9), 0, (0, 50, 0, 70), SIZE),
        (box(20, 30, 10, 8), 3.0, (10, 40, 19, 49), (32, 32)),
        (box(0, 62, 10, 8), 3.0, (0, 30, 40, 70), (32, 32)),
        (box(5, 20, 30, 10), 3.0, (0, 50, 0, 50), (32, 32)),
        (box(20, 2, 6, 66), 3.0, (0, 50, 0, 70), (32, 44)),
    ],
)
def test_the_view_holds_the_hole_and_lies_in_the_photo(hole, context, window, size):
    view = view_of(hole, context, (32, 32), 4)
    rows, columns = view.window
    assert (rows.start, rows.stop, columns.start, columns.stop) == window
    assert view.size == size
    assert hole[view.window].sum() == hole.sum()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            {"photo": np.zeros((50, 70), np.uint8)},
            ConfigError,
            "the photo is uint8 of shape (50, 70); expected uint8 H W 3.",
        ),
        (
            {"label_map": labels()[:40]},
            LabelError,
            "label map given is int64 of shape (40, 70) and the photo 50x70 (height x width). "
            "Give class ids in the photo's size.",
        ),
        (
            {"hole": FREE[:, :60]},
            ConfigError,
            "the hole is bool of shape (50, 60) and the photo 50x70 (height x width). "
            "Give booleans in the photo's size.",
        ),
        (
            {"hole": np.zeros(SIZE, np.bool_)},
            ConfigError,
            "the hole has no pixel, so there is nothing to fill. Give at least one.",
        ),
        (
            {"label_map": labels() + 2},
            LabelError,
            "label map given has id 6 at (0, 56); classes end at 5. Set dont_care=6 or remap with LabelSpace.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(whole, photo, change, kind, message):
    with pytest.raises(kind) as caught:
        edited(whole, **({"photo": photo, "label_map": labels(), "hole": HOLES["box"]} | change))
    assert str(caught.value) == message


def test_a_model_of_another_kind_is_refused(snapshot_of, whole, photo):
    other = Synthesiser.from_pretrained(snapshot_of("spade-tiny"))
    with pytest.raises(IntarsiaError) as caught:
        edited(other, photo, labels(), HOLES["box"])
    assert str(caught.value) == (
        "model spade-tiny makes whole photos from label maps, and fills no holes. "
        "Use one of the system sesame, or make a photo: intarsia synth."
    )
    with pytest.raises(IntarsiaError) as caught:
        whole.scene(labels())
    assert str(caught.value) == (
        "model sesame-tiny fills holes in photos, and makes none from labels alone. "
        "Edit a photo with it: intarsia edit."
    )
