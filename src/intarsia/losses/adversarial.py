"""Adversarial losses over a discriminator's logits, averaged over its scales.

`hinge` (Lim & Ye 2017), `least_squares` (Mao et al. 2017), `original` (Goodfellow et al. 2014, non-saturating) and
`wasserstein` (Arjovsky et al. 2017); SPADE publishes them as hinge, ls, original and w.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.records import Verdict

Adversarial = Literal["hinge", "least_squares", "original", "wasserstein"]


def fooling(verdict: Verdict, kind: Adversarial) -> Tensor:
    """The generator's loss: its images should pass as real."""
    return _over_scales(verdict, _FOOLING[kind])


def fake(verdict: Verdict, kind: Adversarial) -> Tensor:
    """The discriminator's loss on made images."""
    return _over_scales(verdict, _FAKE[kind])


def real(verdict: Verdict, kind: Adversarial) -> Tensor:
    """The discriminator's loss on photos."""
    return _over_scales(verdict, _REAL[kind])


def _over_scales(verdict: Verdict, loss: Callable[[Tensor], Tensor]) -> Tensor:
    # In float32 whatever the networks compute in: a loss is a small difference of many numbers.
    return torch.stack([loss(logits.float()).mean() for logits in verdict.logits]).mean()


_REAL: dict[Adversarial, Callable[[Tensor], Tensor]] = {
    "hinge": lambda logits: F.relu(1 - logits),
    "least_squares": lambda logits: (logits - 1) ** 2,
    "original": lambda logits: F.softplus(-logits),
    "wasserstein": lambda logits: -logits,
}
_FAKE: dict[Adversarial, Callable[[Tensor], Tensor]] = {
    "hinge": lambda logits: F.relu(1 + logits),
    "least_squares": lambda logits: logits**2,
    "original": F.softplus,
    "wasserstein": lambda logits: logits,
}
# Only the hinge leaves the generator a loss of its own: it is not clipped.
_FOOLING = _REAL | {"hinge": lambda logits: -logits}
