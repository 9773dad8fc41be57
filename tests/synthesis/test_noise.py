"""Noise in the map: who shares a vector, what a re-roll changes, and what is refused."""

import numpy as np
import pytest
import torch

from intarsia.conditioning.semantics import coded_labels
from intarsia.errors import IntarsiaError
from intarsia.records import Condition, Seeds
from intarsia.synthesis.synthesiser import Synthesiser

LENGTH = 8  # of oasis-tiny's noise vectors


@pytest.fixture(scope="module")
def noisy(snapshot_of):
    """With noise in the map; stride 32, classes 0..5."""
    return Synthesiser.from_pretrained(snapshot_of("oasis-tiny"))


@pytest.fixture(scope="module")
def plain(snapshot_of):
    """Labels alone decide."""
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny"))


def columns():
    """Four columns of classes 1, 2, 1, 3: class 1 has two regions."""
    return np.repeat([[1, 2, 1, 3]], 64, 0).repeat(24, 1)


def planes_of(condition):
    """The noise columns of a condition as planes, Z H W."""
    semantics = condition.semantics
    return (semantics if isinstance(semantics, torch.Tensor) else semantics.dense())[0, :LENGTH]


def vector(seed):
    return Seeds((seed,)).normal(LENGTH)[0]


def test_one_vector_for_the_image_is_that_of_its_seed(noisy):
    planes = planes_of(noisy.scene(columns()).noise.drawn("global", [5]))
    assert torch.equal(planes, vector(5)[:, None, None].expand(LENGTH, 64, 96))


def test_per_class_and_per_instance_vectors(noisy):
    scene = noisy.scene(columns())
    by_class, by_object = (
        planes_of(scene.noise.drawn(layout, [5]))[:, 0, ::24] for layout in ("per-class", "per-instance")
    )
    assert torch.equal(by_class[:, 0], by_class[:, 2])
    assert len(by_class.unique(dim=1).T) == 3
    assert len(by_object.unique(dim=1).T) == 4


def test_an_instance_map_says_what_an_object_is(noisy):
    instances = np.repeat([[7, 7, 7, 7]], 64, 0).repeat(24, 1)
    planes = planes_of(noisy.scene(columns(), instances).noise.drawn("per-instance", [5]))
    # Number 7 of each class is an object: both regions of class 1 are the same.
    assert len(planes[:, 0, ::24].unique(dim=1).T) == 3


def test_a_regions_vector_stays_when_others_come(noisy):
    fewer = np.where(columns() == 3, 2, columns())
    both = [planes_of(noisy.scene(labels).noise.drawn("per-class", [5]))[:, :, :72] for labels in (columns(), fewer)]
    assert torch.equal(*both)


def test_the_same_seed_makes_the_same_photo(noisy):
    scene = noisy.scene(columns())
    for layout in ("global", "per-class", "per-instance"):
        first = scene.render(seed=1, noise=layout)
        assert not np.array_equal(first, scene.render(seed=2, noise=layout))
        assert np.array_equal(first, scene.render(seed=1, noise=layout))
        assert np.array_equal(first, noisy.scene(columns()).render(seed=1, noise=layout))


def test_noise_may_be_given_as_a_vector_regions_or_a_map(noisy):
    scene, z = noisy.scene(columns()), vector(3).numpy()
    assert np.array_equal(scene.render(noise=z), scene.render(seed=3))
    assert np.array_equal(scene.render(noise=np.broadcast_to(z[:, None, None], (LENGTH, 64, 96))), scene.render(seed=3))
    halves = np.arange(64)[:, None].repeat(96, 1) // 32
    planes = planes_of(scene.noise.drawn_by(torch.from_numpy(halves)[None], [4]))
    assert torch.equal(planes[:, ::32, 0], planes[:, 31::32, 95])
    assert not torch.equal(planes[:, 0, 0], planes[:, 32, 0])
    assert not np.array_equal(scene.render(seed=4, noise=halves), scene.render(seed=4))


def test_a_vector_for_each_pixel_is_the_generators_answer(noisy):
    """On the dense road; the map is padded like the labels."""
    noise = np.random.default_rng(0).standard_normal((LENGTH, 50, 70)).astype(np.float32)
    labels = columns()[:50, :70]
    rows, pixels = np.minimum(np.arange(64), 49), np.minimum(np.arange(96), 69)
    planes = torch.from_numpy(noise[:, rows][:, :, pixels])[None]
    dense = coded_labels(torch.from_numpy(labels[rows][:, pixels])[None], 6).dense()
    image = noisy.generator(Condition(torch.cat([planes, dense], 1), (64, 96))).image
    expected = ((image[0, :, :50, :70] + 1) * 127.5).round().clamp(0, 255).permute(1, 2, 0).numpy()
    assert np.abs(noisy.scene(labels).render(noise=noise) - expected).max() <= 1


@pytest.mark.parametrize("layout", ["global", "per-class", "per-instance"])
def test_a_rerolled_region_takes_the_noise_of_another_seed(noisy, layout):
    scene = noisy.scene(columns())
    whole, other, rerolled = (
        planes_of(one.noise.drawn(layout, [seed]))
        for one, seed in ((scene, 1), (scene, 9), (scene.reroll("class 1", seed=9), 1))
    )
    mask = torch.from_numpy(columns() == 1)
    assert torch.equal(rerolled, torch.where(mask, other, whole))


def test_rerolls_add_up_and_the_last_counts(noisy):
    scene = noisy.scene(columns())
    top = np.zeros((64, 96), bool)
    top[:32] = True
    planes = planes_of(scene.reroll("class 2", seed=8).reroll(top, seed=9).noise.drawn("global", [1]))
    assert torch.equal(planes[:, 10, 30], vector(9))
    assert torch.equal(planes[:, 40, 30], vector(8))
    assert torch.equal(planes[:, 40, 80], vector(1))
    noise = np.zeros(LENGTH, np.float32)
    assert torch.equal(
        planes_of(scene.reroll(top, seed=9).noise.given(torch.zeros(1, LENGTH, 64, 96)))[:, ::40, 5],
        torch.stack([vector(9), torch.from_numpy(noise)], 1),
    )


def test_rerolling_everything_is_another_seed(noisy):
    scene = noisy.scene(columns())
    everything = np.ones((64, 96), bool)
    assert np.array_equal(scene.reroll(everything, seed=3).render(seed=1), scene.render(seed=3))


def test_a_rerolled_scene_is_mended_to_what_a_fresh_one_computes(noisy, snapshot_of):
    labels = np.random.default_rng(1).integers(0, 6, (4, 6)).repeat(32, 0).repeat(32, 1)
    region = np.zeros(labels.shape, bool)
    region[40:90, 70:120] = True
    scene = noisy.scene(labels)
    scene.render(seed=1)
    mended = scene.reroll(region, seed=2)
    image = mended.render_tensor(seeds=[1])
    fresh = Synthesiser.from_pretrained(snapshot_of("oasis-tiny")).scene(labels).reroll(region, seed=2)
    torch.testing.assert_close(image, fresh.render_tensor(seeds=[1]), atol=2e-6, rtol=0)
    assert not torch.equal(image, scene.render_tensor(seeds=[1]))


def test_instances_may_be_rerolled_by_number(noisy):
    instances = np.repeat([[0, 0, 4, 4]], 64, 0).repeat(24, 1)
    planes = planes_of(noisy.scene(columns(), instances).reroll(4, seed=9).noise.drawn("global", [1]))
    assert torch.equal(planes[:, 0, ::24].T, torch.stack([vector(1), vector(1), vector(9), vector(9)]))


def test_a_batch_shares_its_seeds_and_masks(noisy):
    maps = np.stack([columns(), columns()[:, ::-1]])
    scene = noisy.scene(maps)
    alone = [noisy.scene(one).reroll("class 1", seed=9).render(seed=1, noise="per-class") for one in maps]
    together = scene.reroll("class 1", seed=9).render(seed=1, noise="per-class")
    assert np.abs(together.astype(int) - np.stack(alone)).max() <= 1


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda scene: scene.render(noise=np.zeros((LENGTH, 4, 4))),
            "the noise is float64 of shape (8, 4, 4). Give 8 floats, a map of them (8, 64, 96), "
            "or integers (64, 96): regions.",
        ),
        (
            lambda scene: scene.render(noise=np.zeros(LENGTH, int)),
            "the noise is int64 of shape (8,). Give 8 floats, a map of them (8, 64, 96), "
            "or integers (64, 96): regions.",
        ),
        (
            lambda scene: scene.render(noise=np.full(LENGTH, np.nan)),
            "the noise has values that are not finite. Draw it again.",
        ),
        (
            lambda scene: scene.render(noise="per-pixel"),
            "there is no noise per-pixel. Give global, per-class, per-instance, or an array.",
        ),
        (
            lambda scene: scene.reroll("class 9", seed=1),
            "no class is called class 9 in oasis-tiny. Did you mean class 5, class 4, class 3?",
        ),
        (
            lambda scene: scene.reroll("class 5", seed=1),
            "no pixel of the label map is class 5. Choose one that occurs: class 1, class 2, class 3.",
        ),
        (
            lambda scene: scene.reroll(3, seed=1),
            "the scene has no instance map to find instance 3 in. Give one.",
        ),
        (
            lambda scene: scene.reroll(np.ones((3, 4), bool), seed=1),
            "the region is bool of shape (3, 4); the label map is 64x96 (height x width). Give booleans of that shape.",
        ),
        (
            lambda scene: scene.reroll(np.zeros((64, 96), bool), seed=1),
            "the region has no pixel inside the image. Give at least one.",
        ),
        (lambda scene: scene.reroll("class 1", seed=-1), "seed -1 is outside 0..9223372036854775807. Choose another."),
    ],
)
def test_what_is_no_noise_or_no_region_is_refused(noisy, use, message):
    with pytest.raises(IntarsiaError) as caught:
        use(noisy.scene(columns()))
    assert str(caught.value) == message


def test_an_instance_that_does_not_occur_is_refused(noisy):
    scene = noisy.scene(columns(), np.arange(64)[:, None].repeat(96, 1))
    with pytest.raises(IntarsiaError) as caught:
        scene.reroll(64, seed=1)
    assert str(caught.value) == (
        "no pixel of the instance map is 64. Choose one that occurs: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..."
    )


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda scene: scene.render(noise="per-class"), "noise cannot be given"),
        (lambda scene: scene.render(noise=np.zeros(LENGTH)), "noise cannot be given"),
        (lambda scene: scene.reroll("class 1", seed=1), "no region can be re-rolled"),
    ],
)
def test_models_without_noise_say_so(plain, use, what):
    with pytest.raises(IntarsiaError) as caught:
        use(plain.scene(columns()))
    assert str(caught.value) == (f"{what}: model spade-tiny has no noise in its map. Use one that has, such as OASIS.")
