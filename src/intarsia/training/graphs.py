"""A round's forward and backward pass as a CUDA graph: thousands of small kernels, started by one call.

A small network keeps a GPU waiting, since Python starts kernels more slowly than they run. A graph replays what was
recorded on the same memory, so shapes must stay: labels are dense planes in it, whose number of distinct windows is no
shape, and each iteration's tensors are copied to where the recording found its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from intarsia.records import Condition
from intarsia.training.rounds import Outcome, Share, differentiate

WARM_UPS = 3  # rounds as usual before recording: libraries choose their kernels, and optional memory is taken


class RoundGraph:
    """`differentiate` for one network and shares of one shape; what cannot be recorded is computed as usual.

    Args:
        say: is told when recording failed.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.key: Any = None
        self.rounds = 0
        self.failed = False
        self.graph: torch.cuda.CUDAGraph | None = None
        self.share: Share | None = None
        self.outcome: Outcome | None = None

    def __call__(
        self,
        fabric: Fabric,
        network: nn.Module,
        weights: Mapping[str, float],
        outcome_of: Callable[[Share], Outcome],
        shares: Sequence[Share],
    ) -> Outcome:
        """As `differentiate`, of one share; gradients and outcome are overwritten by the next call."""
        if self.failed:
            return differentiate(fabric, network, weights, outcome_of, shares)
        (share,) = (dense(share) for share in shares)
        key = (
            tuple(weights.items()),
            tuple(parameter.requires_grad for parameter in network.parameters()),
            tuple(tensor.shape for tensor in tensors_in(share)),
        )
        if key != self.key:
            self.key, self.rounds, self.graph, self.share, self.outcome = key, 0, None, None, None
        self.rounds += 1
        if self.rounds <= WARM_UPS:
            return differentiate(fabric, network, weights, outcome_of, [share])
        if self.graph is None:
            try:
                self._record(fabric, network, weights, outcome_of, share)
            except RuntimeError as error:
                self.failed = True
                self.say(f"a round cannot be recorded as a CUDA graph, and is computed as usual: {error}")
                return differentiate(fabric, network, weights, outcome_of, shares)
        assert self.graph is not None
        assert self.share is not None
        assert self.outcome is not None
        for own, new in zip(tensors_in(self.share), tensors_in(share), strict=True):
            own.copy_(new)
        self.graph.replay()
        return self.outcome

    def _record(
        self,
        fabric: Fabric,
        network: nn.Module,
        weights: Mapping[str, float],
        outcome_of: Callable[[Share], Outcome],
        share: Share,
    ) -> None:
        self.share = mapped(share, lambda tensor: tensor.clone(), {})
        network.zero_grad()  # gradients of the graph lie in memory of its own
        graph = torch.cuda.CUDAGraph()
        # Threads that read photos may do as they like meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.outcome = differentiate(fabric, network, weights, outcome_of, [self.share])
        self.graph = graph


def dense(share: Share) -> Share:
    """The share with dense planes instead of coded maps; conditions that were one stay one."""
    known: dict[int, Condition] = {}

    def of(condition: Condition) -> Condition:
        if id(condition) not in known:
            known[id(condition)] = condition.dense()
        return known[id(condition)]

    made = None if share.made is None else replace(share.made, condition=of(share.made.condition))
    return replace(share, condition=of(share.condition), again=of(share.again), made=made)


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors that a record holds, each once, always in the same order."""
    found: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        found[id(tensor)] = tensor
        return tensor

    mapped(value, note, {})
    return list(found.values())


def mapped(value: Any, change: Callable[[Tensor], Tensor], known: dict[int, Any]) -> Any:
    """A record with its tensors changed, those of the records in it too; what was one object stays one.

    `known` holds what was met already, by identity.
    """
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, Tensor):
        new: Any = change(value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: mapped(getattr(value, part.name), change, known) for part in fields(value) if part.init}
        new = replace(value, **parts)
    else:
        new = value
    known[id(value)] = new
    return new
