"""What FID's Inception-v3 sees in photos: the 2048 features that FID, KID, precision and recall are computed of.

How photos are brought to 299 x 299 moves these figures by whole points, so each way has a name (`PREPARATIONS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from intarsia.blocks.inception import SIDE, Inception
from intarsia.pretrained import INCEPTION, inception
from intarsia.repeatable import settle_vector_functions
from intarsia.weights import find_weights, read_weights

Preparation = Literal["pytorch-fid", "clean-fid"]
PREPARATIONS: dict[Preparation, str] = {
    "pytorch-fid": f"values / 255, bilinear to {SIDE}x{SIDE} with half-pixel centres and without antialiasing, 2 x - 1",
    "clean-fid": f"values 0..255, Pillow bicubic, antialiased, to {SIDE}x{SIDE} in float32 by channel, cut to 0..255, "
    "(x - 128) / 128",
}


@dataclass(frozen=True)
class InceptionFeatures:
    """The network with its published weights, and how photos are prepared for it."""

    network: Inception
    preparation: Preparation
    device: torch.device
    weights_sha256: str

    @classmethod
    def installed(cls, preparation: Preparation, device: str, weights: Path | None = None) -> InceptionFeatures:
        """The network with the weights in the folder `weights`, or in torch's hub cache.

        Raises:
            CheckpointError: the file is not there, or is another one.
        """
        settle_vector_functions()
        found = find_weights(INCEPTION, weights)
        network = inception(read_weights(found.path), str(found.path)).to(device)
        return cls(network, preparation, torch.device(device), found.sha256)

    def features(self, images: Tensor) -> npt.NDArray[np.float32]:
        """Features of images B 3 H W float32 in [0, 1]: B 2048."""
        prepared = prepared_for_inception(images, self.preparation).to(self.device)
        with torch.inference_mode(), _full_precision():
            found: npt.NDArray[np.float32] = self.network(prepared).cpu().numpy()
        return found


def prepared_for_inception(images: Tensor, preparation: Preparation) -> Tensor:
    """Images B 3 H W in [0, 1] as the network takes them: B 3 299 299, about [-1, 1]."""
    if preparation == "pytorch-fid":
        return 2 * F.interpolate(images, (SIDE, SIDE), mode="bilinear", align_corners=False) - 1
    planes = (images * 255).numpy().astype(np.float32)
    resized = [
        [np.asarray(Image.fromarray(plane).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for plane in image]
        for image in planes
    ]
    return (torch.from_numpy(np.asarray(resized).clip(0, 255)) - 128) / 128


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32: it shifts features, and with them FID."""
    kept = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = kept
