"""The average of a generator."""

import pytest
import torch
from torch import nn

from intarsia.blocks.modulation import Moments
from intarsia.training.averaging import average, decay_at, settled


def network(value, count):
    made = nn.BatchNorm2d(2)
    for tensor in made.state_dict().values():
        tensor.fill_(value if tensor.is_floating_point() else count)
    return made


def test_every_entry_is_averaged_and_counters_are_copied():
    target, source = network(1.0, 5), network(3.0, 9)
    average(target, source, 0.75)
    for name, tensor in target.state_dict().items():
        assert (tensor == (9 if name == "num_batches_tracked" else 1.5)).all()
    assert (source.weight == 3).all()


def test_the_decay_is_ramped_up():
    assert decay_at(0.999, 0) == 0.1
    assert decay_at(0.999, 90) == pytest.approx(0.91)
    assert decay_at(0.999, 10**6) == 0.999
    assert decay_at(0.5, 90) == 0.5


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.moments = Moments(2, "batch")

    def forward(self, x):
        return self.moments(x, x.shape[2] * x.shape[3])


def test_settled_statistics_are_the_mean_of_those_of_the_batches():
    generator = Normalised().eval()
    generator.moments.running_mean.fill_(7)
    batches = [torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(seed)) + seed for seed in range(3)]
    copy = settled(generator, batches)
    means = torch.stack([batch.mean((0, 2, 3)) for batch in batches]).mean(0)
    variances = torch.stack([batch.var((0, 2, 3)) for batch in batches]).mean(0)
    torch.testing.assert_close(copy.moments.running_mean, means)
    torch.testing.assert_close(copy.moments.running_var, variances)
    assert not copy.training
    assert (generator.moments.running_mean == 7).all()
    assert not generator.training
