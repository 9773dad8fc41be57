import torch

from intarsia.conditioning.objects import connected_regions, mean_by_object
from tests import maps


def test_every_pixel_gets_the_mean_of_its_object():
    x = torch.randn(2, 3, 16, 20)
    objects = maps.regions(1, 5, 16, 20, batch=2) * 1000 - 2000  # any numbering
    means = mean_by_object(x, objects)
    assert means.dtype == torch.float32
    for image, numbers, mean in zip(x, objects, means, strict=True):
        for number in numbers.unique():
            inside = numbers == number
            for channel in range(3):
                wanted = image[channel][inside].mean().expand(int(inside.sum()))
                torch.testing.assert_close(mean[channel][inside], wanted)


def test_equal_numbers_in_two_images_are_two_objects():
    x = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    assert torch.equal(mean_by_object(x, torch.zeros(2, 2, 2, dtype=torch.long)), x)


def test_an_objects_gradient_is_shared_by_its_pixels():
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    objects = torch.tensor([[[0, 0, 1, 1]] * 4])
    weights = torch.randn(1, 2, 4, 4)
    (mean_by_object(x, objects) * weights).sum().backward()
    torch.testing.assert_close(x.grad, mean_by_object(weights, objects))


def test_regions_that_touch_by_their_sides_are_one():
    labels = torch.tensor(
        [
            [[1, 1, 0, 1], [0, 0, 0, 1], [1, 0, 1, 1], [1, 0, 0, 0]],
            [[2, 2, 2, 2], [2, 3, 3, 2], [2, 3, 3, 2], [2, 2, 2, 2]],
        ]
    )
    assert connected_regions(labels).tolist() == [
        [[0, 0, 1, 2], [1, 1, 1, 2], [3, 1, 2, 2], [3, 1, 1, 1]],
        [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]],
    ]


def test_a_map_of_one_class_is_one_region_and_noise_is_many():
    assert not connected_regions(maps.uniform(4, 30, 50)).any()
    chequered = (torch.arange(30)[:, None] + torch.arange(50)) % 2
    assert connected_regions(chequered[None]).flatten().tolist() == list(range(1500))
