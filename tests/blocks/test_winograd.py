import pytest
import torch
import torch.nn.functional as F
from torch import nn

from intarsia.blocks.frozen import FrozenConv2d
from intarsia.blocks.winograd import best_tile, transformed_weight, winograd_convolution


def tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 5, 4, 12), (1, 2, 7, 9), (1, 4, 1, 2), (1, 200, 6, 5)])
def test_it_is_the_convolution(tile: int, shape: tuple[int, ...]) -> None:
    x, weight, bias = tensor(*shape), tensor(6, shape[1], 3, 3, seed=1), tensor(6, seed=2)
    out = winograd_convolution(transformed_weight(weight, tile), bias, tile, x)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    torch.testing.assert_close(out.double(), exact, atol=1e-5 * exact.abs().max().item(), rtol=0)


@pytest.mark.parametrize(("channels", "size", "tile"), [(512, 16, 2), (128, 32, 4), (8, 32, 0), (512, 4, 0)])
def test_a_frozen_convolution_takes_the_form_that_suits_its_size(channels: int, size: int, tile: int) -> None:
    layer = nn.Conv2d(channels, channels, 3, padding=1)
    x = tensor(1, channels, size, size)
    assert best_tile(x, layer.weight) == tile
    frozen = FrozenConv2d(layer)
    with torch.no_grad():
        for other in (x, tensor(2, channels, 6, 10)):  # the second size did not choose the form
            exact = F.conv2d(other.double(), layer.weight.double(), layer.bias.double(), padding=1)
            bound = 1e-5 * exact.abs().max().item()
            torch.testing.assert_close(frozen(other).double(), exact, atol=bound, rtol=0)
