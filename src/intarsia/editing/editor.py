"""A document and a model: what a person with a brush does, without a browser."""

from __future__ import annotations

from intarsia.data.label_files import Photo
from intarsia.editing.composite import FEATHER, Mask, composite
from intarsia.editing.looks import Look
from intarsia.synthesis.synthesiser import Scene


def edited(scene: Scene, look: Look, photo: Photo, changed: Mask, feather: int = FEATHER) -> Photo:
    """A photo with what changed made anew; outside it is the photo to the bit.

    Args:
        scene: of the label map as it is to be.
        look: of what is made.
        photo: H W 3 uint8, as it was.
        changed: H W bool, what is to be made anew.
        feather: pixels over which the new fades in.

    Raises:
        IntarsiaError: as `Look.render` and `composite`.
    """
    if not changed.any():
        return photo.copy()
    return composite(photo, look.render(scene), changed, feather)
