"""What the pool gives back; its draws are held against the published ones by the golden image-pool."""

import random
from collections import Counter

import torch

from intarsia.records import Batch
from intarsia.training.pool import ImagePool


def batch_of(*values, instances=True):
    maps = torch.tensor(values).view(-1, 1, 1)
    image = maps[:, None].float().expand(-1, 3, -1, -1)
    return Batch(tuple(map(str, values)), image, maps, maps + 100 if instances else None)


def test_until_it_is_full_it_gives_back_what_came():
    pool = ImagePool(3, {})
    assert pool.exchange(batch_of(1, 2), random.Random(0)).labels.flatten().tolist() == [1, 2]
    assert pool.exchange(batch_of(3), random.Random(0)).labels.flatten().tolist() == [3]


def test_then_half_of_the_samples_change_places_with_older_ones():
    pool, rng = ImagePool(3, {}), random.Random(0)
    given = [int(pool.exchange(batch_of(value), rng).labels) for value in range(200)]
    older = [value > came for value, came in enumerate(given)]
    assert 70 < sum(older) < 130
    twice = {value for value, times in Counter(given).items() if times > 1}
    assert twice <= {0, 1, 2}  # only what filled the pool, which was given back at once
    assert max(Counter(given).values()) == 2


def test_an_image_travels_with_its_own_maps():
    pool, rng = ImagePool(2, {}), random.Random(1)
    for value in range(50):
        back = pool.exchange(batch_of(value), rng)
        assert torch.equal(back.image[:, 0], back.labels.float())
        assert torch.equal(back.instances, back.labels + 100)


def test_what_it_keeps_is_all_there_is_to_it():
    kept = {}
    pool, rng = ImagePool(2, kept), random.Random(2)
    for value in range(5):
        pool.exchange(batch_of(value, instances=False), rng)
    assert set(kept) == {"0/image", "0/labels", "1/image", "1/labels"}
    copies = [ImagePool(2, {name: tensor.clone() for name, tensor in kept.items()}) for _ in range(2)]
    for value in range(5, 30):
        first, second = (copy.exchange(batch_of(value, instances=False), random.Random(value)) for copy in copies)
        assert torch.equal(first.image, second.image)
