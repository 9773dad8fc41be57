"""Convolutions whose kernels each pixel has of its own."""

import torch
import torch.nn.functional as F

from intarsia.blocks.shape_modulation import convolved_by_pixel


def test_with_equal_kernels_it_is_a_depthwise_convolution():
    draw = torch.Generator().manual_seed(0)
    x, kernel = torch.randn(2, 3, 5, 7, generator=draw), torch.randn(3, 1, 3, 3, generator=draw)
    everywhere = kernel.reshape(1, 27, 1, 1).expand(2, 27, 5, 7)
    torch.testing.assert_close(convolved_by_pixel(x, everywhere), F.conv2d(x, kernel, padding=1, groups=3))


def test_each_pixel_has_its_own_kernel():
    x = torch.arange(24.0).view(1, 2, 3, 4)
    kernels = torch.zeros(1, 2, 9, 3, 4)
    kernels[0, :, 4] = 1  # the middle: the pixel itself
    kernels[0, 1, :, 1, 2] = torch.eye(9)[5]  # of one pixel the tap to the right
    out = convolved_by_pixel(x, kernels.flatten(1, 2))
    expected = x.clone()
    expected[0, 1, 1, 2] = x[0, 1, 1, 3]
    assert torch.equal(out, expected)
