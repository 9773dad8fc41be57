"""Inception-v3 (Szegedy et al. 2016) as FID uses it: the network of 2015-12-05 that TensorFlow's users scored with.

It differs from torchvision's Inception-v3 in its average poolings, which leave the padding out of the mean, and in the
pooling of its last block, which takes the maximum. Layers have the names of the published file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 299  # of the input
FEATURES = 2048
EPSILON = 1e-3  # of the batch normalisations


class Layer(NamedTuple):
    """A convolution; it is padded to keep the size, unless its stride is 2."""

    name: str
    inputs: int
    outputs: int
    kernel: tuple[int, int]  # height, width
    stride: int


Path = tuple[Layer | tuple[Layer, Layer], ...]
"""Layers one after the other; a pair of layers looks at the same input, their outputs are joined."""


class Normalised(nn.Module):
    """A convolution without bias, batch normalisation by its running statistics, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs h w."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Paths side by side, their outputs joined in order; the last path begins with the pooling, or is it."""

    def __init__(self, paths: Sequence[Path], pooling: Literal["average", "maximum", "halving"]) -> None:
        super().__init__()
        self.paths, self.pooling = tuple(paths), pooling
        for path in paths:
            for step in path:
                for layer in (step,) if isinstance(step, Layer) else step:
                    self.add_module(layer.name, _normalised(layer.inputs, layer.outputs, layer.kernel, layer.stride))

    def forward(self, x: Tensor) -> Tensor:
        """B inputs H W -> B outputs h w."""
        joined = []
        for place, path in enumerate(self.paths):
            y = self._pooled(x) if place == len(self.paths) - 1 else x
            for step in path:
                if isinstance(step, Layer):
                    y = self.get_submodule(step.name)(y)
                else:
                    y = torch.cat([self.get_submodule(layer.name)(y) for layer in step], 1)
            joined.append(y)
        return torch.cat(joined, 1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pooling == "average":
            return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return F.max_pool2d(x, 3, 2) if self.pooling == "halving" else F.max_pool2d(x, 3, 1, 1)


class Inception(nn.Module):
    """Images -> the 2048 features after the last average pooling ("pool3"). Its weights are constants."""

    def __init__(self) -> None:
        super().__init__()
        for name, layer in STEM.items():
            self.add_module(name, _normalised(*layer))
        for name, (paths, pooling) in _blocks().items():
            self.add_module(name, Mixed(paths, pooling))
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """B 3 299 299, about [-1, 1] -> B 2048."""
        for name, layer in self.named_children():
            if name in POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2)
            x = layer(x)
        return x.mean((2, 3))


STEM = {
    "Conv2d_1a_3x3": (3, 32, (3, 3), 2),
    "Conv2d_2a_3x3": (32, 32, (3, 3), 0),
    "Conv2d_2b_3x3": (32, 64, (3, 3), 1),
    "Conv2d_3b_1x1": (64, 80, (1, 1), 1),
    "Conv2d_4a_3x3": (80, 192, (3, 3), 0),
}
"""Inputs, outputs, kernel, and the stride; 0 is a stride of 1 without padding."""
POOLED_BEFORE = ("Conv2d_3b_1x1", "Mixed_5b")


def _normalised(inputs: int, outputs: int, kernel: tuple[int, int], stride: int) -> Normalised:
    padding = (kernel[0] // 2, kernel[1] // 2) if stride == 1 else (0, 0)
    return Normalised(inputs, outputs, kernel, max(stride, 1), padding)


def _blocks() -> dict[str, tuple[list[Path], Literal["average", "maximum", "halving"]]]:
    """Paths and pooling of each block (Szegedy et al. 2016, Table 1 and Figures 5 to 7)."""
    blocks: dict[str, tuple[list[Path], Literal["average", "maximum", "halving"]]] = {}
    for letter, inputs, pooled in (("b", 192, 32), ("c", 256, 64), ("d", 288, 64)):
        blocks[f"Mixed_5{letter}"] = (_square(inputs, pooled), "average")
    blocks["Mixed_6a"] = (
        [
            (Layer("branch3x3", 288, 384, (3, 3), 2),),
            (*_double(288, 64, 96), Layer("branch3x3dbl_3", 96, 96, (3, 3), 2)),
            (),
        ],
        "halving",
    )
    for letter, width in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        blocks[f"Mixed_6{letter}"] = (_factored(width), "average")
    blocks["Mixed_7a"] = (
        [
            (Layer("branch3x3_1", 768, 192, (1, 1), 1), Layer("branch3x3_2", 192, 320, (3, 3), 2)),
            (
                Layer("branch7x7x3_1", 768, 192, (1, 1), 1),
                Layer("branch7x7x3_2", 192, 192, (1, 7), 1),
                Layer("branch7x7x3_3", 192, 192, (7, 1), 1),
                Layer("branch7x7x3_4", 192, 192, (3, 3), 2),
            ),
            (),
        ],
        "halving",
    )
    blocks["Mixed_7b"] = (_wide(1280), "average")
    blocks["Mixed_7c"] = (_wide(2048), "maximum")
    return blocks


def _double(inputs: int, narrow: int, width: int) -> Path:
    return Layer("branch3x3dbl_1", inputs, narrow, (1, 1), 1), Layer("branch3x3dbl_2", narrow, width, (3, 3), 1)


def _square(inputs: int, pooled: int) -> list[Path]:
    return [
        (Layer("branch1x1", inputs, 64, (1, 1), 1),),
        (Layer("branch5x5_1", inputs, 48, (1, 1), 1), Layer("branch5x5_2", 48, 64, (5, 5), 1)),
        (*_double(inputs, 64, 96), Layer("branch3x3dbl_3", 96, 96, (3, 3), 1)),
        (Layer("branch_pool", inputs, pooled, (1, 1), 1),),
    ]


def _factored(width: int) -> list[Path]:
    row, column = (1, 7), (7, 1)
    return [
        (Layer("branch1x1", 768, 192, (1, 1), 1),),
        (
            Layer("branch7x7_1", 768, width, (1, 1), 1),
            Layer("branch7x7_2", width, width, row, 1),
            Layer("branch7x7_3", width, 192, column, 1),
        ),
        (
            Layer("branch7x7dbl_1", 768, width, (1, 1), 1),
            Layer("branch7x7dbl_2", width, width, column, 1),
            Layer("branch7x7dbl_3", width, width, row, 1),
            Layer("branch7x7dbl_4", width, width, column, 1),
            Layer("branch7x7dbl_5", width, 192, row, 1),
        ),
        (Layer("branch_pool", 768, 192, (1, 1), 1),),
    ]


def _wide(inputs: int) -> list[Path]:
    def forked(stem: str) -> tuple[Layer, Layer]:
        return Layer(f"{stem}a", 384, 384, (1, 3), 1), Layer(f"{stem}b", 384, 384, (3, 1), 1)

    return [
        (Layer("branch1x1", inputs, 320, (1, 1), 1),),
        (Layer("branch3x3_1", inputs, 384, (1, 1), 1), forked("branch3x3_2")),
        (*_double(inputs, 448, 384), forked("branch3x3dbl_3")),
        (Layer("branch_pool", inputs, 192, (1, 1), 1),),
    ]
