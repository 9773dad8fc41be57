"""What EfficientNet-lite0 sees in photos: features for KID-lite0, and the distance perceptual-lite0.

Neither is FID or KID as papers print them, nor LPIPS: those need networks whose weights cannot be shipped. So they have
names of their own, and figures of different names are not comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from intarsia.blocks.efficientnet_lite import HEAD, HEAD_LEVEL, EfficientNetLite0
from intarsia.data.label_files import Photo
from intarsia.data.transforms import image_tensor, resized_photo
from intarsia.files import sha256
from intarsia.losses import matching
from intarsia.pretrained import lite0, needed_lite0_file
from intarsia.repeatable import settle_vector_functions
from intarsia.systems.perceptual import LITE0_LEVELS
from intarsia.weights import read_weights

SIDE = 224

FEATURES: dict[str, Any] = {
    "network": "EfficientNet-lite0, trained on ImageNet; batch normalisations folded, float32",
    "features": f"{HEAD} channels of the head after ReLU6, averaged over positions",
    "input": f"uint8 photo resized to {SIDE}x{SIDE}, aspect ignored: Pillow bicubic, antialiased, rounded to uint8; "
    "then (value - 127) / 128",
}
"""How features for KID-lite0 are made: every choice that moves the figure."""

DISTANCE: dict[str, Any] = {
    "network": FEATURES["network"],
    "levels": list(LITE0_LEVELS),
    "weights": list(matching.LITE0_WEIGHTS),
    "input": "uint8 photos at the size of the made one (the real one is resized if it has another: Pillow bicubic, "
    "antialiased); then (value - 127) / 128",
    "distance": "sum over levels of weight x mean absolute difference; 0 for equal photos, about 1 for unrelated ones",
}
"""How perceptual-lite0 is computed."""


@dataclass(frozen=True)
class Lite0:
    """EfficientNet-lite0 as the two measures use it."""

    head: EfficientNetLite0  # the last level alone
    early: EfficientNetLite0  # the levels of the perceptual term
    device: torch.device
    weights_sha256: str

    @classmethod
    def installed(cls, device: str | torch.device = "cpu") -> Lite0:
        """The network with the weights of the optional package.

        Raises:
            CheckpointError: the package is not installed, or its file is not EfficientNet-lite0.
        """
        path = needed_lite0_file("KID-lite0 and perceptual-lite0")
        settle_vector_functions()
        weights, device = read_weights(path), torch.device(device)
        head, early = (lite0(weights, str(path), levels).to(device) for levels in ((HEAD_LEVEL,), LITE0_LEVELS))
        return cls(head, early, device, sha256(path))

    def features(self, photos: Sequence[Photo]) -> npt.NDArray[np.float32]:
        """Features for KID-lite0 of photos, each H W 3 uint8 of any size: N 1280."""
        images = torch.stack([image_tensor(resized_photo(photo, (SIDE, SIDE))) for photo in photos])
        with torch.inference_mode():
            (maps,) = self.head(images.to(self.device))
            pooled: npt.NDArray[np.float32] = maps.mean((2, 3)).cpu().numpy()
        return pooled

    def distance(self, made: Photo, real: Photo) -> float:
        """perceptual-lite0 between two photos, H W 3 uint8."""
        size = (made.shape[0], made.shape[1])
        images = [image_tensor(photo)[None].to(self.device) for photo in (made, resized_photo(real, size))]
        with torch.inference_mode():
            of_made, of_real = (self.early(image) for image in images)
            return float(matching.perceptual(of_made, of_real, matching.LITE0_WEIGHTS))
