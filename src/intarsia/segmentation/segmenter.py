"""The door to a trained segmenter: photos in, label maps out.

segmenter = Segmenter.from_pretrained("unet-street")
train_ids = segmenter(photo)                     # H W int64, of a photo H W 3 uint8
raw_ids = segmenter.label_space.decode(train_ids)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks.unet import STRIDE
from intarsia.checkpoints.models import find_model
from intarsia.data.label_files import Photo, refuse_large
from intarsia.data.transforms import image_tensor
from intarsia.errors import ConfigError
from intarsia.labels import LabelSpace
from intarsia.repeatable import settle_vector_functions
from intarsia.segmentation.card import SEGMENTERS, SegmenterCard, load_segmenter

MOST_PIXELS = 4096 * 4096


class Segmenter:
    """A trained segmentation network and the label space that it speaks."""

    def __init__(self, card: SegmenterCard, network: nn.Module, device: str | torch.device = "cpu") -> None:
        """Take a network in evaluation mode as `load_segmenter` returns it; prefer `from_pretrained`."""
        settle_vector_functions()
        self.card = card
        self.label_space: LabelSpace = card.label_space
        self.device = torch.device(device)
        self.network = network.to(self.device)

    @classmethod
    def from_pretrained(cls, segmenter: str | Path, device: str | torch.device = "cpu") -> Segmenter:
        """Load a bundled segmenter by name, a snapshot folder, or one of the Hugging Face hub (`owner/name`).

        Raises:
            CheckpointError: there is no such segmenter, or it cannot be read, or its card contradicts itself.
        """
        card, network = load_segmenter(find_model(segmenter, SEGMENTERS))
        return cls(card, network, device)

    def __call__(self, photos: Photo) -> npt.NDArray[np.int64]:
        """Train ids of photos of any size: H W 3 uint8 -> H W int64, or B H W 3 -> B H W. Never don't-care.

        Photos of a batch are taken one at a time, so memory does not grow with it and each gets what it gets alone.

        Raises:
            ConfigError: these are no photos.
            DataError: they have more than `MOST_PIXELS`.
        """
        if photos.dtype != np.uint8 or photos.ndim not in (3, 4) or photos.shape[-1] != 3 or 0 in photos.shape:
            raise ConfigError(f"the photo is {photos.dtype} of shape {photos.shape}; expected uint8 H W 3 or B H W 3.")
        refuse_large("the photo", photos.shape[-3], photos.shape[-2], MOST_PIXELS)
        if photos.ndim == 4:
            return np.stack([self(photo) for photo in photos])
        train: npt.NDArray[np.int64] = self.logits(image_tensor(photos)[None])[0].argmax(0).cpu().numpy()
        return train

    def logits(self, images: Tensor) -> Tensor:
        """Logits by class, B classes H W float32 on the segmenter's device, of images B 3 H W float32 in [-1, 1]."""
        height, width = images.shape[2:]
        with torch.inference_mode():
            logits: Tensor = self.network(padded(images.to(self.device)))
        return logits[..., :height, :width]


def padded(images: Tensor) -> Tensor:
    """B 3 H W, continued to the right and below to multiples of the network's stride by its last column and row."""
    height, width = images.shape[2:]
    return F.pad(images, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
