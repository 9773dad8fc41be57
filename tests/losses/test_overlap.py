import pytest
import torch
import torch.nn.functional as F

from intarsia.losses.overlap import SMOOTHING, overlap_loss

CLASSES = 4


def sure(labels):
    """Logits that leave no doubt."""
    return 100 * F.one_hot(labels, CLASSES + 1)[..., :CLASSES].movedim(-1, 1).float()


def test_it_is_one_minus_the_mean_dice_coefficient_of_the_classes_that_are_there():
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (2, 8, 8), generator=draw)  # class 3 is nowhere
    logits = torch.randn(2, CLASSES, 8, 8, generator=draw)
    said = logits.softmax(1)
    dice = []
    for number in range(3):
        there = (labels == number).float()
        both = (said[:, number] * there).sum()
        dice.append((2 * both + SMOOTHING) / (said[:, number].sum() + there.sum() + SMOOTHING))
    torch.testing.assert_close(overlap_loss(logits, labels), 1 - torch.stack(dice).mean())


def test_it_ends_at_zero_and_at_one():
    labels = torch.arange(CLASSES).repeat_interleave(400).view(1, 40, 40)
    assert overlap_loss(sure(labels), labels).item() == pytest.approx(0, abs=1e-6)
    assert overlap_loss(sure((labels + 1) % CLASSES), labels).item() == pytest.approx(1, abs=2e-3)


def test_dont_care_is_left_out():
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    logits = sure(labels)
    labels[:, 2:] = CLASSES
    logits[:, :, 2:] = torch.randn(1, CLASSES, 2, 4, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    loss = overlap_loss(logits, labels)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert not logits.grad[:, :, 2:].any()
    assert overlap_loss(logits, torch.full_like(labels, CLASSES)).item() == 1
