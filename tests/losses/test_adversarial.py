import pytest
import torch
import torch.nn.functional as F

from intarsia.losses import adversarial
from intarsia.records import Verdict


def verdict(*logits):
    return Verdict(tuple((torch.zeros(1, 2, 3, 3), torch.tensor(scale)) for scale in logits))


# Two scales of unlike size: each counts the same.
FINE, COARSE = [[-2.0, 0.5, 3.0]], [[0.25]]
FORMULAS = {
    "hinge": (lambda x: -x, lambda x: F.relu(1 + x), lambda x: F.relu(1 - x)),
    "least_squares": (lambda x: (x - 1) ** 2, lambda x: x**2, lambda x: (x - 1) ** 2),
    "original": (
        lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="none"),
        lambda x: F.binary_cross_entropy_with_logits(x, torch.zeros_like(x), reduction="none"),
        lambda x: F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="none"),
    ),
    "wasserstein": (lambda x: -x, lambda x: x, lambda x: -x),
}


@pytest.mark.parametrize("kind", FORMULAS)
def test_losses_are_the_published_formulas_averaged_over_scales(kind):
    for loss, formula in zip((adversarial.fooling, adversarial.fake, adversarial.real), FORMULAS[kind], strict=True):
        expected = (formula(torch.tensor(FINE)).mean() + formula(torch.tensor(COARSE)).mean()) / 2
        torch.testing.assert_close(loss(verdict(FINE, COARSE), kind), expected)


def test_hinge_stops_teaching_what_is_clearly_right_but_always_teaches_the_generator():
    sure = torch.tensor([[5.0]], requires_grad=True)
    given = Verdict(((torch.zeros(1), sure),))
    assert adversarial.real(given, "hinge") == 0
    adversarial.fooling(given, "hinge").backward()
    assert sure.grad == -1
