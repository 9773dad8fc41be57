"""MS-SSIM, the multi-scale structural similarity of two images (Wang, Simoncelli, Bovik 2003).

As pytorch-msssim computes it, which OASIS's authors measured with: scales are multiplied channel by channel, then
channels are averaged. torchmetrics averages first: its figures differ a little, and more where contrasts are negative.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia.errors import DataError

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
WINDOW, SIGMA = 11, 1.5
LUMINANCE, CONTRAST = 0.01**2, 0.03**2  # squares of K1 and K2, for a range of 1
LEAST_SIDE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """The similarity of images B 3 H W in [0, 1], pair by pair: B, at most 1, which only equal images reach.

    Negative contrasts count as 0. Colour channels are measured one by one and averaged.

    Raises:
        DataError: a side is shorter than `LEAST_SIDE`, so that the window does not fit the smallest scale.
    """
    if min(first.shape[-2:]) < LEAST_SIDE:
        raise DataError(
            f"MS-SSIM needs images of at least {LEAST_SIDE}x{LEAST_SIDE}; these are "
            f"{first.shape[-2]}x{first.shape[-1]} (height x width). Measure larger images, or leave MS-SSIM out."
        )
    product = torch.ones(first.shape[:2], dtype=first.dtype, device=first.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            odd = [side % 2 for side in first.shape[2:]]
            first, second = (F.avg_pool2d(image, 2, padding=odd) for image in (first, second))
        similarity, contrast = _ssim(first, second)
        last = scale == len(SCALE_WEIGHTS) - 1
        product = product * F.relu(similarity if last else contrast) ** weight
    return product.mean(1)


def _ssim(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Similarity and its contrast-structure part by channel, B 3 each, averaged over the places of the window."""
    mean_1, mean_2 = _smoothed(first), _smoothed(second)
    variance_1 = _smoothed(first * first) - mean_1**2
    variance_2 = _smoothed(second * second) - mean_2**2
    covariance = _smoothed(first * second) - mean_1 * mean_2
    contrast = (2 * covariance + CONTRAST) / (variance_1 + variance_2 + CONTRAST)
    luminance = (2 * mean_1 * mean_2 + LUMINANCE) / (mean_1**2 + mean_2**2 + LUMINANCE)
    return (luminance * contrast).mean((2, 3)), contrast.mean((2, 3))


def _smoothed(image: Tensor) -> Tensor:
    """The mean under a Gaussian window, where it lies inside the image."""
    places = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - WINDOW // 2
    window = torch.exp(-(places**2) / (2 * SIGMA**2))
    window = window / window.sum()
    channels = image.shape[1]
    rows = F.conv2d(image, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(rows, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
