import numpy as np
import pytest
import torch

from intarsia.data.label_files import write_label_map
from intarsia.data.transforms import photo_array
from intarsia.errors import ConfigError, IntarsiaError, LabelError
from intarsia.synthesis.photos import photo_tensor
from intarsia.synthesis.synthesiser import Synthesiser, padded_map


@pytest.fixture(scope="module")
def plain(snapshot_of):
    """Labels alone decide; stride 32, classes 0..5."""
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny"))


@pytest.fixture(scope="module")
def styled(snapshot_of):
    """With a style and instance edges; stride 32, classes 0..5."""
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))


def blocks(height, width, seed=0, side=8):
    ids = np.random.default_rng(seed).integers(0, 6, (-(-height // side), -(-width // side)))
    return ids.repeat(side, 0).repeat(side, 1)[:height, :width]


@pytest.mark.parametrize("size", [(64, 96), (1, 1), (33, 64), (31, 95), (100, 7)])
def test_a_photo_has_its_label_maps_size(plain, size):
    photo = plain(blocks(*size))
    assert photo.shape == (*size, 3)
    assert photo.dtype == np.uint8


def test_padding_leaves_a_map_of_fitting_size_as_it_is(plain):
    labels = blocks(64, 64)
    assert np.array_equal(padded_map(torch.from_numpy(labels)[None], 32)[0].numpy(), labels)
    # The same photo as from the generator itself, fed the very map.
    condition = plain.scene(labels).condition
    assert condition.size == (64, 64)
    image = plain.generator(condition).image
    assert np.array_equal(plain(labels), photo_array(image)[0])


def test_padding_repeats_the_last_row_and_column():
    labels = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
    assert padded_map(labels, 4).tolist() == [[[1, 2, 3, 3], [4, 5, 6, 6], [4, 5, 6, 6], [4, 5, 6, 6]]]


def test_a_cut_photo_equals_the_photo_of_the_padded_map(plain):
    labels = blocks(50, 70)
    rows, columns = np.minimum(np.arange(64), 49), np.minimum(np.arange(96), 69)
    assert np.array_equal(plain(labels), plain(labels[rows][:, columns])[:50, :70])


def test_a_file_and_its_ids_are_one_scene(plain, tmp_path):
    labels = blocks(40, 50)
    write_label_map(tmp_path / "map.png", labels, plain.label_space)
    assert np.array_equal(plain.open(str(tmp_path / "map.png")).render(), plain(labels))


@pytest.mark.parametrize("model", ["plain", "styled"])
def test_a_batch_equals_its_images_one_by_one(model, request):
    synthesiser = request.getfixturevalue(model)
    maps = torch.from_numpy(np.stack([blocks(40, 64, seed) for seed in range(3)]))
    together = synthesiser.tensor_scene(maps).render_tensor(seeds=[4, 5, 6])
    alone = [synthesiser.tensor_scene(m[None]).render_tensor(seeds=[s]) for m, s in zip(maps, (4, 5, 6), strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=0)


def test_the_numpy_door_takes_batches(plain):
    photos = plain.scene(np.stack([blocks(32, 32, 1), blocks(32, 32, 2)])).render()
    assert photos.shape == (2, 32, 32, 3)


def test_a_scene_gives_what_a_fresh_scene_gives(styled):
    """Tables kept from the first render serve the next ones."""
    labels = blocks(64, 64)
    scene = styled.scene(labels)
    first, second = scene.render(seed=1), scene.render(seed=2)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, scene.render(seed=1))
    assert np.array_equal(second, styled.scene(labels).render(seed=2))


def test_labels_are_looked_at_once_per_scene(styled, monkeypatch):
    scene = styled.scene(blocks(64, 64))
    scene.render(seed=1)
    monkeypatch.setattr("intarsia.kernels.distinct_windows", None)  # a second look would call it
    scene.render(seed=2)


@pytest.mark.parametrize("model", ["plain", "styled"])
def test_where_tables_do_not_pay_at_once_the_first_image_is_dense_and_the_same(model, request, monkeypatch):
    synthesiser = request.getfixturevalue(model)
    labels = torch.from_numpy(blocks(64, 64))[None]
    expected = synthesiser.tensor_scene(labels).render_tensor(seeds=[1])
    monkeypatch.setattr("intarsia.synthesis.synthesiser.tables_pay_at_once", lambda device: False)
    scene = synthesiser.tensor_scene(labels)
    with monkeypatch.context() as patch:
        patch.setattr("intarsia.kernels.distinct_windows", None)  # looking for windows would call it
        first = scene.render_tensor(seeds=[1])
    torch.testing.assert_close(first, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(scene.render_tensor(seeds=[1]), expected, atol=1e-5, rtol=0)


def test_style_comes_from_a_photo_a_seed_or_a_vector(styled):
    scene = styled.scene(blocks(64, 64))
    red, blue = np.zeros((30, 40, 3), np.uint8), np.zeros((30, 40, 3), np.uint8)
    red[:15, :, 0], blue[:, 20:, 2] = 255, 255
    assert not np.array_equal(scene.render(style=red), scene.render(style=blue))
    assert np.array_equal(scene.render(style=red, seed=1), scene.render(style=red, seed=2))
    z = torch.randn(16, generator=torch.Generator().manual_seed(3)).numpy()
    assert np.array_equal(scene.render(z=z), scene.render(seed=3))


def test_instance_edges_show_and_default_to_connected_regions(styled):
    labels = np.zeros((64, 64), np.int64)
    labels[:, 32:] = 1
    two = labels.copy()
    two[32:] += 2  # two objects in each class
    assert not np.array_equal(styled.scene(labels, two).render(), styled.scene(labels).render())
    assert np.array_equal(styled.scene(labels, 7 - labels).render(), styled.scene(labels).render())


def test_rounding_is_to_the_nearest_value():
    levels = torch.arange(256).float() / 127.5 - 1
    images = torch.stack([levels, levels + 0.4 / 127.5, levels - 0.4 / 127.5])[None, :, None]
    assert np.array_equal(photo_array(images)[0, 0], np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1))
    assert photo_array(torch.tensor([-1.5, 0.0, 2.0]).view(1, 3, 1, 1)).ravel().tolist() == [0, 128, 255]


def test_photo_and_tensor_are_inverse():
    photo = np.arange(256, dtype=np.uint8).reshape(8, 32, 1).repeat(3, 2)
    assert np.array_equal(photo_array(photo_tensor(photo)[None])[0], photo)


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (
            np.full((4, 4), 9),
            "label map given has id 9 at (0, 0); classes end at 5. Set dont_care=9 or remap with LabelSpace.",
        ),
        (np.zeros((0, 4), int), "label map given has no pixels (0x4). Export it again."),
        (np.zeros((0, 4, 4), int), "label map given is a batch of none. Give at least one."),
        (
            np.zeros((4097, 4096), np.uint8),
            "label map given is 4097x4096 (height x width), more than 16777216 pixels. Cut it into tiles.",
        ),
        (
            np.zeros((4, 4, 3, 1), np.uint8),
            "label map given is uint8 of shape (4, 4, 3, 1); expected integers H W or B H W. "
            "Give class ids, not colours; Synthesiser.open reads files of either.",
        ),
        (
            np.zeros((4, 4)),
            "label map given is float64 of shape (4, 4); expected integers H W or B H W. "
            "Give class ids, not colours; Synthesiser.open reads files of either.",
        ),
    ],
)
def test_what_is_no_label_map_is_refused(plain, label_map, message):
    with pytest.raises(IntarsiaError) as refused:
        plain.scene(label_map)
    assert str(refused.value) == message


@pytest.mark.parametrize("labels", [torch.zeros(4, 4, dtype=torch.int64), torch.zeros(1, 4, 4)])
def test_tensors_that_are_no_batch_of_label_maps_are_refused(plain, labels):
    with pytest.raises(LabelError) as refused:
        plain.tensor_scene(labels)
    assert str(refused.value) == (
        f"label map given is {labels.dtype} of shape {tuple(labels.shape)}; expected torch.int64 B H W."
    )


def test_seeds_for_another_number_of_maps_are_refused(styled):
    with pytest.raises(ConfigError) as refused:
        styled.scene(blocks(32, 32)).render_tensor(seeds=[1, 2])
    assert str(refused.value) == "2 seeds were given for 1 label maps. Give one for each."


def test_train_ids_outside_the_space_are_refused(plain):
    with pytest.raises(LabelError) as refused:
        plain.tensor_scene(torch.full((1, 4, 4), 6))
    assert str(refused.value) == (
        "label map given has train ids 6..6; spade-tiny has 0..5. Encode raw ids with LabelSpace.encode."
    )


def test_an_instance_map_of_another_size_is_refused(styled):
    with pytest.raises(LabelError) as refused:
        styled.scene(blocks(32, 32), blocks(32, 64))
    assert str(refused.value) == (
        "instance map of given is 32x64 and its label map 32x32 (height x width). Give both in one size."
    )


def test_style_is_refused_where_there_is_none(plain):
    scene = plain.scene(blocks(32, 32))
    for style in ({"style": np.zeros((8, 8, 3), np.uint8)}, {"z": np.zeros(16)}):
        with pytest.raises(ConfigError) as refused:
            scene.render(**style)
        assert str(refused.value) == (
            "model spade-tiny has no style: its photos follow from the labels alone. "
            "Leave the style out, or use a model trained with one."
        )


def test_contradicting_styles_are_refused(styled):
    scene = styled.scene(blocks(32, 32))
    with pytest.raises(ConfigError, match=r"^a style photo and a style vector were given\. Give one of them\.$"):
        scene.render(style=np.zeros((8, 8, 3), np.uint8), z=np.zeros(16))
    with pytest.raises(ConfigError, match=r"^the style vector has 3 numbers; this model needs 16\.$"):
        scene.render(z=np.zeros(3))
    with pytest.raises(ConfigError, match=r"^the style photo is float64 of shape \(8, 8\); expected uint8 H W 3\.$"):
        scene.render(style=np.zeros((8, 8)))


def test_running_out_of_memory_is_one_line(plain, monkeypatch):
    def full(_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    scene = plain.scene(blocks(32, 32))
    monkeypatch.setattr(plain, "generator", full)
    with pytest.raises(ConfigError) as refused:
        scene.render()
    assert str(refused.value) == "a photo of 32x32 needs more memory than there is. Make the map smaller."
