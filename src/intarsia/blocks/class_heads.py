"""Class-specific local generators (LGGAN, Tang et al. 2020, section 3.2): one small head for each class.

Each head convolves the features of its own class's pixels only, zeros elsewhere. All heads together are one grouped
computation: as published, a grouped convolution over as many masked copies of the features as there are heads. But a
pixel is seen by one head only. So here each pixel is multiplied once by the kernel of its own class, and what it gives
at each tap is added up by look-up: the same sums from a K-th of the products, and no copies.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia import kernels
from intarsia.blocks.lookup import SCALARS
from intarsia.coded import CodedMap, Semantics

KERNEL = 7
MARGIN = KERNEL // 2


class ClassHeads(nn.Module):
    """Features under each class's mask -> an image from each class's 7x7 convolution, mirrored at the border.

    `weight` and `bias` are those of the published convolutions, stacked along the output channels.

    Args:
        channels: of the features.
        labels: one-hot planes, the first of the semantics.
        heads: how many; the last one is for all labels from there on.
        colours: channels of each image.
    """

    def __init__(self, channels: int, labels: int, heads: int, colours: int = 3) -> None:
        super().__init__()
        self.labels, self.heads, self.colours = labels, heads, colours
        self.weight = nn.Parameter(torch.empty(heads * colours, channels, KERNEL, KERNEL))
        self.bias = nn.Parameter(torch.zeros(heads * colours))
        self.initialise(1.0)

    def initialise(self, gain: float) -> None:
        """Xavier normal weights, head by head, and zero biases."""
        for weight in self.weight.detach().chunk(self.heads):
            nn.init.xavier_normal_(weight, gain)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, semantics: Semantics) -> tuple[Tensor, Tensor]:
        """Convolve by class.

        Args:
            x: B channels H W.
            semantics: of the same size: labels, one-hot, and perhaps other planes after them.

        Returns:
            B heads*colours H W, head by head and not activated; and the mean of each head's masked features over all
            pixels, B heads channels.
        """
        masks = self.masks(semantics).to(x.dtype)
        pooled = torch.bmm(masks.flatten(2), x.flatten(2).transpose(1, 2)) / masks[0, 0].numel()
        on_cpu = x.device.type == "cpu" and x.dtype == self.weight.dtype and x.dtype in SCALARS
        if isinstance(semantics, Tensor) or not on_cpu:
            return self._grouped(x, masks), pooled
        owner = self.owners(semantics.mirrored(MARGIN))
        pixels = F.pad(x, (MARGIN,) * 4, "reflect").permute(0, 2, 3, 1).contiguous()
        by_head = self.weight.reshape(self.heads, self.colours, -1, KERNEL * KERNEL).permute(0, 2, 3, 1).contiguous()
        out: Tensor = _ClassConvolution.apply(pixels, owner, by_head)  # type: ignore[no-untyped-call]
        return (out.flatten(3) + self.bias).permute(0, 3, 1, 2), pooled

    def owners(self, semantics: CodedMap) -> Tensor:
        """The head of each pixel, B H W int32."""
        of_code = semantics.codebook[:, : self.labels].argmax(1).clamp(max=self.heads - 1)
        return of_code.int()[semantics.codes.long()]

    def masks(self, semantics: Semantics) -> Tensor:
        """Where each head looks: B heads H W float32."""
        if isinstance(semantics, CodedMap):
            return F.one_hot(self.owners(semantics).long(), self.heads).permute(0, 3, 1, 2).float()
        own, shared = semantics[:, : self.heads - 1], semantics[:, self.heads - 1 : self.labels]
        return torch.cat([own, shared.sum(1, keepdim=True)], 1)

    def _grouped(self, x: Tensor, masks: Tensor) -> Tensor:
        """As published, all heads as the groups of one convolution."""
        copies = (x[:, None] * masks[:, :, None]).flatten(1, 2)
        return F.conv2d(F.pad(copies, (MARGIN,) * 4, "reflect"), self.weight, self.bias, groups=self.heads)


class _ClassConvolution(torch.autograd.Function):
    """Pixels B H W C under kernels K C T colours of their owners B H W -> B h w K colours, without padding."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, owner: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(pixels, owner, weight)
        batch, height, width, channels = pixels.shape
        products = pixels.new_empty(batch, height, width, *weight.shape[2:])
        out = pixels.new_zeros(batch, height - 2 * MARGIN, width - 2 * MARGIN, len(weight), weight.shape[3])
        kernels.use_threads(torch.get_num_threads())
        kernels.class_products(
            pixels.detach().view(-1, channels).numpy(),
            owner.flatten().numpy(),
            weight.detach().flatten(2).numpy(),
            products.flatten(3).flatten(0, 2).numpy(),
        )
        kernels.gather_taps(products.numpy(), owner.numpy(), KERNEL, out.numpy())
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor]:
        pixels, owner, weight = ctx.saved_tensors
        of_products = pixels.new_empty(*owner.shape, *weight.shape[2:])
        of_pixels = torch.empty_like(pixels)
        sums = pixels.new_zeros(kernels.PARTS, *weight.shape)
        kernels.use_threads(torch.get_num_threads())
        kernels.gather_taps_gradients(gradient.contiguous().numpy(), owner.numpy(), KERNEL, of_products.numpy())
        kernels.class_products_gradients(
            of_products.flatten(3).flatten(0, 2).numpy(),
            pixels.view(-1, pixels.shape[3]).numpy(),
            owner.flatten().numpy(),
            weight.flatten(2).transpose(1, 2).contiguous().numpy(),
            of_pixels.view(-1, pixels.shape[3]).numpy(),
            sums.flatten(3).numpy(),
        )
        return of_pixels, None, sums.sum(0)
