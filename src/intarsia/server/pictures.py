"""Pictures over the border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from intarsia.data.label_files import label_image
from intarsia.editing.pictures import Format, png
from intarsia.errors import ConfigError
from intarsia.labels import Ids, LabelSpace

MEDIA_TYPES: dict[Format, str] = {"png": "image/png", "webp": "image/webp"}


def index_png(train: Ids, space: LabelSpace) -> bytes:
    """Train ids (H W) as a PNG of raw ids."""
    return png(label_image(train, space))


def check_sizes(size: tuple[int, ...], **others: npt.NDArray[np.generic] | None) -> None:
    """Refuse maps and photos of another height and width than the label map's.

    Raises:
        ConfigError: one is.
    """
    for name, other in others.items():
        if other is not None and other.shape[:2] != size:
            raise ConfigError(
                f"{name} is {other.shape[0]}x{other.shape[1]} and labels {size[0]}x{size[1]} (height x width). "
                "Send both in one size."
            )
