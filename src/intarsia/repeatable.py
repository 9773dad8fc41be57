"""What it takes to get the same bits again in another process."""

from __future__ import annotations

import torch


def settle_vector_functions() -> None:
    """Let MKL choose its vector functions on one thread, before several call them at once.

    It chooses at the first call. Where two threads make that call together, one of them may get another variant, which
    rounds differently: in about one process in ten the first image then differed in its last bits.
    """
    for function in (torch.tanh, torch.exp, torch.log):
        function(torch.ones(1))
