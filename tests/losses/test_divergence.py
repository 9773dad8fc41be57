import torch
from torch.distributions import Normal, kl_divergence

from intarsia.losses import divergence


def test_kl_is_the_sum_over_batch_and_style():
    mean, log_variance = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    expected = kl_divergence(Normal(mean, torch.exp(log_variance / 2)), Normal(0.0, 1.0)).sum()
    torch.testing.assert_close(divergence.kl(mean, log_variance), expected)


def test_kl_of_the_standard_normal_is_nothing():
    assert divergence.kl(torch.zeros(2, 4), torch.zeros(2, 4)) == 0
