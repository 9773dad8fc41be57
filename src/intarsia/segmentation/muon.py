"""Muon for kernels, Adam for all else (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks").

A kernel's step is its gradient's momentum with all singular values made alike, so that rare directions are learnt as
fast as common ones. torch.optim.Muon takes matrices only, and a state wants one optimiser for a network; hence this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

MOMENTUM = 0.95
BETAS, EPSILON = (0.9, 0.99), 1e-8
ITERATIONS, COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz iteration


class Muon(torch.optim.Optimizer):
    """Two groups of parameters: `kernels`, stepped by Muon, and the `others`, stepped by Adam.

    Args:
        kernels: of four dimensions; each is taken as a matrix, output channels x all else.
        others: of any shape.
        weight_decay: of both, decoupled (Loshchilov, Hutter 2019), in units of a group's rate.
    """

    def __init__(self, kernels: Iterable[Parameter], others: Iterable[Parameter], *, weight_decay: float) -> None:
        groups: list[dict[str, Any]] = [{"params": list(kernels)}, {"params": list(others)}]
        super().__init__(groups, {"lr": 0.0})
        self.weight_decay = weight_decay

    def set_rates(self, kernels: float, others: float) -> None:
        """The rates of the next step."""
        for group, rate in zip(self.param_groups, (kernels, others), strict=True):
            group["lr"] = rate

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step down the gradients, which every parameter has."""
        steps = (self._orthogonal, self._adam)
        for group, step in zip(self.param_groups, steps, strict=True):
            for parameter in group["params"]:
                change = step(parameter)
                parameter.mul_(1 - group["lr"] * self.weight_decay).add_(change, alpha=-group["lr"])

    def _orthogonal(self, parameter: Parameter) -> Tensor:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        momentum = state.setdefault("momentum", torch.zeros_like(parameter))
        momentum.lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's
        rows, columns = matrix.shape
        change: Tensor = orthogonalised(matrix).view_as(parameter) * max(1.0, rows / columns) ** 0.5
        return change

    def _adam(self, parameter: Parameter) -> Tensor:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        first = state.setdefault("first", torch.zeros_like(parameter))
        second = state.setdefault("second", torch.zeros_like(parameter))
        steps = state.setdefault("steps", torch.zeros(()))
        steps.add_(1)
        first.lerp_(gradient, 1 - BETAS[0])
        second.lerp_(gradient.square(), 1 - BETAS[1])
        size = (second / (1 - BETAS[1] ** steps)).sqrt() + EPSILON
        change: Tensor = first / (1 - BETAS[0] ** steps) / size
        return change


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest matrix whose singular values are about 1 (0.7 to 1.2): rows x columns."""
    a, b, c = COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide is matrix else x.T
