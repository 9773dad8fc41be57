"""Segment banks: what they hold, what is found in them, and what is said where nothing is."""

import dataclasses
import json

import numpy as np
import pytest

from intarsia.conditioning.segments import large_segments
from intarsia.errors import CheckpointError, ConfigError
from intarsia.synthesis import segment_bank, segment_index
from intarsia.synthesis.segment_bank import SegmentBank
from tests.synthesis.banks import THIN, small_bank


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return small_bank(tmp_path_factory.mktemp("bank"))


def own_segments(bank, photo):
    labels = bank.labels[photo].astype(np.int64)
    return labels, large_segments(labels, THIN, 6)


def test_it_holds_all_large_segments_of_the_photos(bank):
    assert bank.size == (64, 64)
    assert len(bank.photos) == 6
    assert len(bank) == sum(len(own_segments(bank, photo)[1]) for photo in range(6))
    assert sum(bank.counts.values()) == len(bank)
    assert sorted(bank.order) == list(range(6))
    number = int(bank.regions[2].max())
    assert bank.photo_of[number] == 2
    assert (bank.labels[2][bank.regions[2] == number] == bank.label_of[number]).all()


def test_a_segment_of_the_bank_finds_itself_first(bank):
    for photo in (0, 3):
        labels, segments = own_segments(bank, photo)
        for segment in segments:
            found = bank.retrieve(segment, labels)
            assert 1 <= len(found) <= 10
            top, bottom, left, right = segment_index.surroundings(segment.mask)
            assert found[0].score == pytest.approx(2 - segment.mask[top:bottom, left:right].all())
            assert np.array_equal(found[0].mask, segment.mask)
            assert np.array_equal(found[0].picture, bank.photos[photo].astype(np.float32) / 255)
            assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
            assert all(bank.label_of[one.number] == segment.label for one in found)


def test_surroundings_decide_between_equal_shapes():
    """Two photos with the same square, one on class 1 and one on class 2: the layout's own surroundings win."""
    labels = np.ones((2, 64, 64), np.int32)
    labels[1] = 2
    labels[:, 20:40, 20:40] = 3
    regions = np.where(labels == 3, np.arange(2)[:, None, None], -1).astype(np.int32)
    square = labels[0] == 3
    bank = SegmentBank(
        label_space=small_space(),
        data="made up",
        thin=(),
        ground=(),
        order=tuple(range(6)),
        photos=np.zeros((2, 64, 64, 3), np.uint8),
        labels=labels,
        regions=regions,
        photo_of=np.arange(2, dtype=np.int32),
        label_of=np.full(2, 3, np.int32),
        descriptions=np.stack([segment_index.described(square, one.astype(np.int64), 6) for one in labels]),
    )
    for photo in range(2):
        layout = labels[photo].astype(np.int64)
        segment = next(one for one in large_segments(layout, (), 6) if one.label == 3)
        found = bank.retrieve(segment, layout)
        assert [one.number for one in found] == [photo, 1 - photo]
        assert found[0].score == pytest.approx(2)
        assert found[1].score == pytest.approx(1)


def small_space():
    from intarsia.labels import numbered

    return numbered("six", 6)


def test_a_class_without_segments_finds_nothing_and_is_named(bank):
    gone = dataclasses.replace(bank, label_of=np.where(bank.label_of == 2, 1, bank.label_of), _indices={})
    labels = np.full((64, 64), 2, np.int64)
    assert gone.retrieve(large_segments(labels, (), 6)[0], labels) == []
    assert gone.lacking([2, 2, 1]) == [gone.label_space.classes[2].name]


def test_the_short_list_holds_the_best_of_all(bank, monkeypatch):
    short = [bank.retrieve(segment, labels)[0].score for labels, segment in everything(bank)]
    monkeypatch.setattr(segment_bank, "SHORTLIST", len(bank))
    assert short == [bank.retrieve(segment, labels)[0].score for labels, segment in everything(bank)]


def everything(bank):
    for photo in range(len(bank.photos)):
        labels, segments = own_segments(bank, photo)
        yield from ((labels, segment) for segment in segments)


def test_it_is_written_and_read(bank, tmp_path):
    bank.save(tmp_path / "bank")
    read = SegmentBank.load(tmp_path / "bank")
    assert read.counts == bank.counts
    assert (read.order, read.thin, read.ground, read.data) == (bank.order, bank.thin, bank.ground, bank.data)
    assert read.label_space == bank.label_space
    for name in ("photos", "labels", "regions", "descriptions"):
        assert np.array_equal(getattr(read, name), getattr(bank, name))


def test_another_size_is_refused(bank):
    labels = np.zeros((32, 32), np.int64)
    with pytest.raises(ConfigError) as caught:
        bank.retrieve(large_segments(labels, (), 6)[0], labels)
    assert str(caught.value) == (
        "the segment is 32x32 and those of bank given are 64x64 (height x width). Resize its label map."
    )


def test_what_is_no_bank_is_refused(bank, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        SegmentBank.load(tmp_path)
    assert (
        str(caught.value) == f"{tmp_path} has no card.json, so it is no segment bank. Build one: intarsia bank build."
    )
    (tmp_path / "card.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(CheckpointError) as caught:
        SegmentBank.load(tmp_path)
    assert str(caught.value) == f"{tmp_path} is no segment bank. Build one: intarsia bank build."
    with pytest.raises(ConfigError) as caught:
        bank.save(tmp_path)
    assert (
        str(caught.value) == f"{tmp_path} exists and is no segment bank, so it is not replaced. Choose another --out."
    )
    bank.save(tmp_path / "bank")
    card = json.loads((tmp_path / "bank" / "card.json").read_text())
    (tmp_path / "bank" / "card.json").write_text(json.dumps({key: v for key, v in card.items() if key != "order"}))
    with pytest.raises(CheckpointError) as caught:
        SegmentBank.load(tmp_path / "bank")
    assert str(caught.value) == f"segment bank {tmp_path / 'bank'} is malformed ('order'). Build it again."


def test_without_scikit_learn_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(segment_index.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        SegmentBank.load(tmp_path)
    assert str(caught.value) == (
        "looking up segments needs scikit-learn. Install it with: pip install 'intarsia[bank]'"
    )
