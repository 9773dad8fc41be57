"""Losses of the networks that place and order segments."""

import math

import pytest
import torch

from intarsia.losses import segments
from intarsia.records import NO_PAIR


def test_placement_counts_only_where_segments_belong_in_levels_of_255():
    placed, real = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)
    queries = torch.zeros(1, 2, 4, 4)
    queries[0, 0, :2] = 1
    assert segments.placement(placed, real, queries).item() == pytest.approx(8 * 127.5 / 9)
    assert segments.placement(placed, real, queries * 0) == 0


def test_order_leaves_out_what_is_no_pair():
    scores = torch.zeros(1, 2, 4)
    assert segments.order(scores, torch.tensor([[2, NO_PAIR]])).item() == pytest.approx(math.log(4))
    assert segments.order(scores, torch.tensor([[NO_PAIR, NO_PAIR]])) == 0
    sure = scores.clone()
    sure[0, 0, 3] = 50
    assert segments.order(sure, torch.tensor([[2, NO_PAIR]])).item() == pytest.approx(0, abs=1e-6)


def test_meaning_compares_at_the_logits_resolution():
    labels = torch.tensor([[[0, 1], [1, 1]]]).repeat_interleave(2, 1).repeat_interleave(2, 2)
    logits = 50 * torch.tensor([[[1.0, 0], [0, 0]], [[0, 1.0], [1, 1]]])[None]
    assert segments.meaning(logits, labels).item() == pytest.approx(0, abs=1e-6)
