import pytest
import torch
from torch import nn

from intarsia.blocks.modulation import instance_normalised
from intarsia.blocks.normalisation import Norm


def test_without_parameters_each_image_is_normalised():
    x = torch.randn(2, 3, 6, 5)
    torch.testing.assert_close(Norm(3, "instance")(x), nn.InstanceNorm2d(3)(x))
    assert not list(Norm(3, "instance").state_dict())


@pytest.mark.parametrize("sets", [1, 2])
def test_over_the_batch_it_is_batch_norm_set_by_set(sets):
    torch.manual_seed(0)
    ours, theirs = Norm(3, "batch"), nn.BatchNorm2d(3)
    for norm in (ours, theirs):
        nn.init.normal_(norm.weight, 1, 0.5, generator=torch.Generator().manual_seed(1))
        nn.init.normal_(norm.bias, generator=torch.Generator().manual_seed(2))
    x = torch.randn(4, 3, 6, 5)
    wanted = torch.cat([theirs(one) for one in x.chunk(sets)])
    torch.testing.assert_close(ours(x, sets), wanted)
    torch.testing.assert_close(ours.moments.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.moments.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("kind", ["batch", "instance"])
def test_scale_and_shift_are_the_whole_of_it(kind):
    torch.manual_seed(0)
    norm = Norm(3, kind).eval()
    if kind == "batch":
        norm.moments.running_mean.normal_()
        norm.weight.data.normal_()
        norm.bias.data.normal_()
    x = torch.randn(2, 3, 6, 5)
    scale, shift = norm.scale_and_shift(*norm.moments(x, 30))
    torch.testing.assert_close(x * scale[..., None, None] + shift[..., None, None], norm(x))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_normalising_each_image_has_the_right_gradient_also_for_one_image_in_channels_last_order(order):
    torch.manual_seed(0)
    x = torch.randn(1, 4, 6, 5, dtype=torch.float64, requires_grad=True)
    incoming = torch.randn(1, 4, 6, 5, dtype=torch.float64).contiguous(memory_format=order)
    normal = instance_normalised(x)
    torch.testing.assert_close(normal, torch.nn.functional.instance_norm(x), atol=1e-12, rtol=0)
    (gradient,) = torch.autograd.grad(normal, x, incoming)
    (expected,) = torch.autograd.grad(torch.nn.functional.instance_norm(x), x, incoming.contiguous())
    torch.testing.assert_close(gradient, expected, atol=1e-12, rtol=0)
