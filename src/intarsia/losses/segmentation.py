"""Losses over a segmenting discriminator's logits (OASIS, Schoenfeld et al. 2021, section 3.2).

Logits are B 1+labels H W: channel 0 says fake, channel c + 1 says class c.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def as_labelled(logits: Tensor, labels: Tensor, *, dont_care: int | None) -> Tensor:
    """Cross entropy of each pixel with its label, balanced by class: the photo's loss, and the generator's.

    Averaged over all pixels, those that nobody labelled included: as published, they add nothing but still count.

    Args:
        logits: B 1+labels H W.
        labels: B H W int64.
        dont_care: the label of pixels that nobody labelled, if there is one.
    """
    weights = class_weights(labels, logits.shape[1] - 1, dont_care=dont_care)
    return _weighted(logits, labels + 1, torch.cat([weights.new_zeros(1), weights]))


def balanced(logits: Tensor, labels: Tensor, *, dont_care: int | None) -> Tensor:
    """`as_labelled` for a plain segmenter, whose logits are B labels H W: channel c says class c (SAFM's)."""
    return _weighted(logits, labels, class_weights(labels, logits.shape[1], dont_care=dont_care))


def _weighted(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return F.cross_entropy(logits.float(), targets, weights, reduction="sum") / targets.numel()


def as_fake(logits: Tensor) -> Tensor:
    """Cross entropy of each pixel with "fake", averaged over all pixels, unbalanced: the discriminator's, on fakes."""
    return -F.log_softmax(logits.float(), 1)[:, 0].mean()


def class_weights(labels: Tensor, count: int, *, dont_care: int | None) -> Tensor:
    """What a pixel of each class weighs: `count` float32; classes of the batch have equal shares, don't-care has none.

    pixels / (pixels of the class * classes that occur); 0 for classes that do not occur.
    """
    # As `bincount` does, but without asking a GPU for the largest label.
    pixels = torch.zeros(count, device=labels.device).scatter_add_(
        0, labels.flatten(), torch.ones(labels.numel(), device=labels.device)
    )
    if dont_care is not None:
        pixels[dont_care].zero_()
    occurs = pixels > 0
    shares = labels.numel() / (pixels * occurs.sum())
    return torch.where(occurs, shares, torch.zeros_like(shares))


def label_mix_mask(labels: Tensor, coins: Tensor, *, dont_care: int | None) -> Tensor:
    """Where a mixed image shows the photo: B 1 H W bool; a class is shown by the photo as a whole, or not at all.

    As the published code has it: one coin for each class over the whole batch, and one oddity. It throws them class by
    class, in the order of its channels, writing 0 or 1 over the class's number in place; so its channel 0, once it is
    1, is taken for class 1 and thrown again with it, if that class occurs. Its channel 0 is don't-care.

    Args:
        labels: B H W int64.
        coins: one for each label, bool; heads is the photo.
        dont_care: the label of pixels that nobody labelled, if there is one: the published channel 0.
    """
    first, second = (0, 1) if dont_care is None else (dont_care, 0)
    coins = coins.clone()
    if len(coins) > 1:
        coins[first] &= coins[second] | (labels != second).all()
    return coins[labels][:, None]


def mixed(mask: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """`real` where the mask (B 1 H W bool) is set, `fake` elsewhere; both B C H W."""
    return torch.where(mask, real, fake)


def label_mix(of_mixed: Tensor, of_real: Tensor, of_fake: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of the mixed image's logits and the mixed logits; gradients flow through all three.

    Args:
        of_mixed: the discriminator's logits of `mixed(mask, real, fake)`, B 1+labels H W.
        of_real: its logits of the photo.
        of_fake: its logits of the fake.
        mask: B 1 H W bool.
    """
    return F.mse_loss(of_mixed.float(), mixed(mask, of_real, of_fake).float())
