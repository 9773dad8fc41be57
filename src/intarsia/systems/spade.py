"""SPADE (GauGAN): Park, Liu, Wang, Zhu, "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019.

Differs from pix2pixHD: no encoder for the labels; every normalisation is modulated by them instead. A start grid made
from the labels (or from a style vector) grows through seven residual blocks. Trained with hinge, feature matching and
VGG losses, and KL where a style encoder is used.

Published (Table 1, mIoU / accuracy / FID): COCO-Stuff 37.4 / 67.9 / 22.6, ADE20K 38.5 / 79.9 / 33.9,
Cityscapes 62.3 / 81.9 / 71.8. Parameters of the generator: 97.5 M, 96.5 M, 93.0 M.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.decoder import Decoder
from intarsia.blocks.modulation import Normalisation
from intarsia.blocks.residual import SpadeBlock
from intarsia.errors import ConfigError
from intarsia.records import Condition, Synthesis

Depth = Literal["normal", "more", "most"]
DOUBLINGS: dict[str, tuple[bool, ...]] = {
    "normal": (False, True, False, True, True, True, True),
    "more": (False, True, True, True, True, True, True),
    "most": (False, True, True, True, True, True, True, True),
}


@dataclass(frozen=True)
class SpadeConfig:
    """Sizes of the networks: plain values, written into the checkpoint's card."""

    labels: int  # one-hot planes: classes, and don't-care where the label space has it
    edges: bool = False  # one more plane: instance edges
    width: int = 64  # channels of the last normal block; published as ngf
    size: tuple[int, int] = (256, 256)  # height, width that it is trained at
    depth: Depth = "normal"  # 5, 6 or 7 doublings from the start grid to the image
    style: bool = False  # start from a style vector, with an image encoder
    latent: int = 256  # length of the style vector
    hidden: int = 128  # channels of the hidden layer in each SPADE layer
    kernel: int = 3  # of both convolutions in each SPADE layer
    normalisation: Normalisation = "batch"
    discriminator_width: int = 64  # channels of its first layer; published as ndf
    discriminator_scales: int = 2

    @property
    def planes(self) -> int:
        """Channels of the dense condition."""
        return self.labels + self.edges

    @property
    def stride(self) -> int:
        """Image sizes are multiples of this."""
        return 2 ** sum(DOUBLINGS[self.depth])


class SpadeGenerator(nn.Module):
    """Condition -> Synthesis. The image has `condition.size`, a multiple of the config's stride."""

    def __init__(self, config: SpadeConfig) -> None:
        super().__init__()
        self.config = config
        width, doublings = config.width, DOUBLINGS[config.depth]
        widths = [16 * width] * 3 + [8 * width, 4 * width, 2 * width, width, width // 2]
        widths = widths[: len(doublings)]
        blocks = [
            SpadeBlock(
                inputs, outputs, config.planes, hidden=config.hidden, kernel=config.kernel, kind=config.normalisation
            )
            for inputs, outputs in zip([widths[0], *widths], widths, strict=False)
        ]
        self.grid = (config.size[0] // config.stride, config.size[1] // config.stride)
        self.start: nn.Module
        if config.style:
            self.start = nn.Linear(config.latent, widths[0] * self.grid[0] * self.grid[1])
        else:
            self.start = CodedConv2d(config.planes, widths[0], 3, padding=1)
        self.decoder = Decoder(blocks, doublings, widths[-1])

    def forward(self, condition: Condition) -> Synthesis:
        """Make an image of `condition.size`; with a style, from `condition.noise` (B latent)."""
        stride = self.config.stride
        if condition.size[0] % stride or condition.size[1] % stride:
            raise ConfigError(f"image size {condition.size} is no multiple of {stride}. Pad the label map.")
        grid = (condition.size[0] // stride, condition.size[1] // stride)
        if not self.config.style:
            return Synthesis(self.decoder(self.start(condition.at(*grid)), condition))
        assert condition.noise is not None
        return Synthesis(self.decoder(self._styled_grid(condition.noise, grid), condition))

    def _styled_grid(self, style: Tensor, grid: tuple[int, int]) -> Tensor:
        start: Tensor = self.start(style).view(len(style), -1, *self.grid)
        # Another image size than the trained one stretches the learnt grid.
        return start if grid == self.grid else F.interpolate(start, grid, mode="nearest")


def initialise(network: nn.Module) -> None:
    """Weights as the published training really had them: Xavier normal, gain 0.02, and zero biases.

    Spectrally normalised weights keep torch's default, since the published code's initialisation never reached them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if not isinstance(module, SpectralConv2d):
                nn.init.xavier_normal_(module.weight, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
