"""Batches: a function of seed and step alone, the same on any number of processes and threads."""

from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import torch

from intarsia.data.batches import Batches
from intarsia.data.pairs import Pair
from intarsia.data.sources import Source, open_source
from intarsia.data.transforms import sample
from intarsia.errors import ConfigError, DataError
from intarsia.records import Batch, Sample
from tests.data.folders import make_folder

NAMES = tuple("abcdefghijk")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(str(make_folder(tmp_path_factory.mktemp("data") / "toy", NAMES)), "train")


def batches(source: Source, **changes) -> Batches:
    return Batches(source, partial(drawn, changes.pop("crop_size", (16, 16))), **{"batch": 4, "seed": 7} | changes)


def drawn(crop_size: tuple[int, int], pair: Pair, rng: Random) -> Sample:
    return sample(pair, load_size=None, crop_size=crop_size, flip=True, rng=rng)


def same(one: Batch, other: Batch) -> bool:
    return one.names == other.names and torch.equal(one.image, other.image) and torch.equal(one.labels, other.labels)


def test_a_batch_depends_on_seed_and_step_alone(source: Source):
    first, again = batches(source), batches(source)
    forth = [first.at(step) for step in range(6)]
    back = [again.at(step) for step in reversed(range(6))]
    assert all(same(one, other) for one, other in zip(forth, reversed(back), strict=True))
    assert not same(forth[0], forth[1])
    assert not same(forth[0], batches(source, seed=8).at(0))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_reading_on_from_a_step_gives_what_at_gives(source: Source, workers: int):
    made = batches(source, workers=workers)
    ahead = made.starting(3)
    for step, batch in enumerate(islice(ahead, 7), start=3):
        assert same(batch, made.at(step))
    ahead.close()


@pytest.mark.parametrize("world", [2, 4])
def test_the_ranks_batches_are_in_order_the_batch_of_one_process(source: Source, world: int):
    alone = batches(source, batch=8)
    ranks = [batches(source, batch=8 // world, rank=rank, world=world) for rank in range(world)]
    for step in range(4):
        parts = [rank.at(step) for rank in ranks]
        joined = Batch(
            sum((part.names for part in parts), ()),
            torch.cat([part.image for part in parts]),
            torch.cat([part.labels for part in parts]),
        )
        assert same(joined, alone.at(step))


def test_an_epoch_shows_each_photo_at_most_once_and_drops_the_rest(source: Source):
    made = batches(source)
    assert made.batches_per_epoch == 2
    epochs = [[name for step in (2 * epoch, 2 * epoch + 1) for name in made.at(step).names] for epoch in range(4)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_photo_is_cut_elsewhere_each_time(source: Source):
    made = batches(source, batch=11)
    images = {made.at(epoch).image[made.at(epoch).names.index("a")].sum().item() for epoch in range(6)}
    assert len(images) > 3


def test_visits_lengthen_the_epoch(tmp_path: Path):
    root = make_folder(tmp_path / "toy", ("a", "b"))
    (root / "dataset.json").write_text('{"visits": 6}')
    made = batches(open_source(str(root), "train"))
    assert made.batches_per_epoch == 3
    names = [name for step in range(3) for name in made.at(step).names]
    assert sorted(names) == ["a"] * 6 + ["b"] * 6


def test_fewer_photos_than_a_batch(source: Source):
    with pytest.raises(ConfigError) as caught:
        batches(source, batch=6, world=2)
    assert str(caught.value) == (
        f"an epoch of {source.spec} has 11 samples, fewer than one batch of 12. Set a smaller batch."
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_file_stops_reading_ahead_with_its_sentence(tmp_path: Path, workers: int):
    root = make_folder(tmp_path / "toy", ("a", "b"))
    (root / "train/photos/a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png is empty \(0 bytes\)\. Copy or export it again\."):
        next(batches(open_source(str(root), "train"), batch=2, workers=workers).starting(0))
