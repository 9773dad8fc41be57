"""OASIS's losses: what they weigh, and LabelMix with its oddity. The published numbers are goldens."""

import pytest
import torch
import torch.nn.functional as F

from intarsia.losses import segmentation
from tests import maps

LABELS = maps.regions(0, 5, 12, 16, batch=2)
LOGITS = torch.randn(2, 6, 12, 16, generator=torch.Generator().manual_seed(1))


def test_a_balanced_loss_weighs_each_pixel_by_its_class():
    weights = segmentation.class_weights(LABELS, 5, dont_care=None)
    pixelwise = F.cross_entropy(LOGITS, LABELS + 1, reduction="none")
    loss = segmentation.as_labelled(LOGITS, LABELS, dont_care=None)
    torch.testing.assert_close(loss, (pixelwise * weights[LABELS]).mean())


def test_classes_of_a_batch_have_equal_shares():
    weights = segmentation.class_weights(LABELS, 5, dont_care=None)
    present = torch.bincount(LABELS.flatten(), minlength=5)
    shares = (weights * present)[present > 0]
    torch.testing.assert_close(shares, torch.full_like(shares, LABELS.numel() / len(shares)))
    assert weights[LABELS].mean().item() == pytest.approx(1)


def test_absent_classes_and_dont_care_weigh_nothing():
    labels = torch.tensor([[[0, 0, 0, 2], [4, 4, 4, 4]]])
    weights = segmentation.class_weights(labels, 5, dont_care=4)
    assert weights.tolist() == pytest.approx([8 / (3 * 2), 0, 8 / (1 * 2), 0, 0])


def test_a_batch_that_nobody_labelled_has_no_loss():
    loss = segmentation.as_labelled(LOGITS, torch.full_like(LABELS, 4), dont_care=4)
    assert loss.item() == 0


def test_fakes_are_one_class_without_balance():
    target = torch.zeros_like(LABELS)
    torch.testing.assert_close(segmentation.as_fake(LOGITS), F.cross_entropy(LOGITS, target))


def mask_of(labels, coins, dont_care=None):
    flat = torch.tensor([[labels]])
    return segmentation.label_mix_mask(flat, torch.tensor(coins).bool(), dont_care=dont_care)[0, 0, 0].int().tolist()


def test_a_class_is_shown_as_a_whole():
    assert mask_of([2, 3, 3, 4, 2], [0, 0, 1, 0, 1]) == [1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("labels", "coins", "dont_care", "mask"),
    [
        ([0, 1], [1, 0, 0], None, [0, 0]),  # once 1, the first class is thrown again with the second
        ([0, 1], [1, 1, 0], None, [1, 1]),
        ([0, 1], [0, 1, 0], None, [0, 1]),
        ([0, 2], [1, 0, 0], None, [1, 0]),  # the second does not occur
        ([3, 0, 1], [0, 1, 0, 1], 3, [0, 0, 1]),  # don't-care is the published first class, and 0 the second
        ([3, 1, 2], [0, 1, 0, 1], 3, [1, 1, 0]),
    ],
)
def test_the_published_first_class_is_thrown_twice(labels, coins, dont_care, mask):
    assert mask_of(labels, coins, dont_care) == mask


def test_coins_stay_as_they_were_given():
    coins = torch.tensor([True, False])
    segmentation.label_mix_mask(torch.tensor([[[0, 1]]]), coins, dont_care=None)
    assert coins.tolist() == [True, False]


def test_label_mix_lets_gradients_through_all_three():
    mask = LABELS[:, None] > 2
    three = [torch.randn(2, 6, 12, 16, generator=torch.Generator().manual_seed(s)).requires_grad_() for s in range(3)]
    loss = segmentation.label_mix(*three, mask)
    loss.backward()
    torch.testing.assert_close(loss, ((three[0] - torch.where(mask, three[1], three[2])) ** 2).mean())
    assert all(logits.grad.abs().max() > 0 for logits in three)
    assert not three[1].grad[~mask.expand_as(LOGITS)].any()
