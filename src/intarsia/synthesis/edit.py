"""Edit photos: what a hole shows is made from labels, and everything around it stays, bit for bit.

    synthesiser = Synthesiser.from_pretrained("out/runs/sesame/snapshot")
    photo = edited(synthesiser, photo, label_map, hole)

The label map says what the hole should show: paint a car onto the road to add one, road over a car to erase it. The
network sees the photo as in training: a square view around the hole, resized to the size it was trained at, or the
whole photo. What it makes is resized back, and laid into the hole only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from intarsia.data.holes import Mask
from intarsia.data.label_files import Photo
from intarsia.data.pairs import Pair
from intarsia.data.transforms import Size, image_tensor, photo_array, resize, resized_photo
from intarsia.errors import ConfigError, LabelError
from intarsia.labels import Ids
from intarsia.synthesis.synthesiser import Synthesiser, memory_told
from intarsia.systems.sesame import holed_condition


@dataclass(frozen=True)
class View:
    """What the network sees of a photo."""

    window: tuple[slice, slice]  # rows, columns of the photo
    size: Size  # height, width that it is resized to


def edited(
    synthesiser: Synthesiser, photo: Photo, label_map: Ids, hole: npt.NDArray[np.bool_], *, source: str = "given"
) -> Photo:
    """The photo with its hole filled; outside the hole it is the photo that was given, bit for bit.

    Args:
        synthesiser: of a model that fills holes.
        photo: H W 3 uint8.
        label_map: H W integers, raw ids of the model's label space. What it says outside the hole is looked at only by
            models that were trained so.
        hole: H W bool, of any form.
        source: what errors call the label map, such as its file name.

    Returns:
        H W 3 uint8.

    Raises:
        ConfigError: the model fills no holes, the photo is no such array, the hole is empty, or memory ran out.
        LabelError: sizes differ, or an id is not in the label space.
    """
    check_edits(synthesiser)
    _check(photo, label_map, hole, source)
    labels = synthesiser.label_space.encode(label_map, source)
    view = view_of(hole, synthesiser.config.holes.context, synthesiser.config.size, synthesiser.stride)
    # The hole travels in the place of the instance map: cut and resized alike.
    seen = resize(Pair(source, photo[view.window], labels[view.window], hole[view.window].astype(np.int64)), view.size)
    made = _filled(synthesiser, seen)
    result = photo.copy()
    inside = hole[view.window]
    result[view.window][inside] = resized_photo(made, (inside.shape[0], inside.shape[1]))[inside]
    return result


def check_edits(synthesiser: Synthesiser) -> None:
    """Refuse a model that fills no holes.

    Raises:
        ConfigError: this one does not.
    """
    if not synthesiser.edits:
        raise ConfigError(
            f"model {synthesiser.card.preset} makes whole photos from label maps, and fills no holes. "
            "Use one of the system sesame, or make a photo: intarsia synth."
        )


def view_of(hole: Mask, context: float, trained: Size, stride: int) -> View:
    """What is seen of a photo with a hole.

    Args:
        hole: H W bool, not empty.
        context: side of the square view in sides of the hole's box; 0 for the whole photo as it is.
        trained: the size that the network was trained at.
        stride: sizes are multiples of it.
    """
    height, width = hole.shape
    whole = np.s_[0:height, 0:width]
    if not context:
        return View(whole, (height, width))
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    shorter = min(height, width)
    if longer > shorter:
        # No square view holds the hole: the whole photo, as large as the network knows its shorter side.
        scale = min(trained) / shorter
        across, down = (max(round(side * scale / stride), 1) * stride for side in (width, height))
        return View(whole, (down, across))
    side = min(round(context * longer), shorter)
    starts = [
        min(max((int(places[0] + places[-1] + 1) - side) // 2, 0), end - side)
        for places, end in ((rows, height), (columns, width))
    ]
    top, left = starts
    return View(np.s_[top : top + side, left : left + side], trained)


def _filled(synthesiser: Synthesiser, seen: Pair) -> Photo:
    """What the network makes of a view, as large as it is."""
    assert seen.instances is not None
    size = (seen.labels.shape[0], seen.labels.shape[1])
    photo, labels, hole = (
        synthesiser.padded(maps)
        for maps in (
            image_tensor(seen.photo)[None],
            torch.from_numpy(seen.labels)[None],
            torch.from_numpy(seen.instances > 0)[None],
        )
    )
    condition = holed_condition(synthesiser.config, photo, labels, hole)
    with torch.inference_mode(), memory_told(size):
        image = synthesiser.generator(condition).image
    made: Photo = photo_array(image[:, :, : size[0], : size[1]])[0]
    return made


def _check(photo: Photo, label_map: Ids, hole: npt.NDArray[np.bool_], source: str) -> None:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise ConfigError(f"the photo is {photo.dtype} of shape {photo.shape}; expected uint8 H W 3.")
    if label_map.shape != photo.shape[:2] or label_map.dtype.kind not in "iu":
        raise LabelError(
            f"label map {source} is {label_map.dtype} of shape {label_map.shape} and the photo {_size(photo.shape)} "
            "(height x width). Give class ids in the photo's size."
        )
    if hole.shape != photo.shape[:2] or hole.dtype != np.bool_:
        raise ConfigError(
            f"the hole is {hole.dtype} of shape {hole.shape} and the photo {_size(photo.shape)} (height x width). "
            "Give booleans in the photo's size."
        )
    if not hole.any():
        raise ConfigError("the hole has no pixel, so there is nothing to fill. Give at least one.")


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(number) for number in shape[:2])
