"""`intarsia edit`: a photo with a hole and the labels that should fill it go in, an edited photo comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intarsia.cli.device import pick_device
from intarsia.cli.say import notice
from intarsia.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def edit(photo: Path, labels: Path, /, *, hole: str, model: str, out: Path, device: str = "auto") -> None:
    """Change what stands in a part of a photo: add, change or erase objects. All around it stays, bit for bit.

    Parameters
    ----------
    photo
        The photo: PNG, JPEG or WebP.
    labels
        Label map of the same size, PNG of the model's label space: what the hole should show. Paint a car onto the road
        to add one, road over a car to erase it.
    hole
        What may change: box:TOP,LEFT,HEIGHT,WIDTH, or a mask (PNG as large as the photo, 0 where nothing changes).
    model
        A folder with a snapshot of the system sesame, or a Hugging Face hub id (owner/name).
    out
        The edited photo, a PNG; an older one is replaced.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    check_out(out, {"photo": photo, "label map": labels, "mask": Path(hole)})

    from intarsia.data.label_files import read_label_map, read_photo
    from intarsia.synthesis.edit import check_edits, edited
    from intarsia.synthesis.photos import write_photo
    from intarsia.synthesis.synthesiser import MOST_PIXELS, Synthesiser

    given = read_photo(photo)
    size = (given.shape[0], given.shape[1])
    mask = hole_of(hole, size)
    synthesiser = Synthesiser.from_pretrained(model, pick_device(device))
    check_edits(synthesiser)
    train = read_label_map(labels, synthesiser.label_space, most_pixels=MOST_PIXELS).labels
    if train.shape != size:
        raise DataError(
            f"label map {labels} is {train.shape[0]}x{train.shape[1]} and its photo {photo} {size[0]}x{size[1]} "
            "(height x width). Give both in one size."
        )
    if mask.all() and not synthesiser.config.holes.whole:
        notice("the hole is the whole photo, and the model was never trained on that: expect little.")
    made = edited(synthesiser, given, synthesiser.label_space.decode(train), mask, source=str(labels))
    write_photo(out, made)
    print(f"wrote {out}: {mask.sum():,} of {mask.size:,} pixels are new, all others are those of {photo}")


def hole_of(text: str, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The hole that was asked for, as a mask of `size` (height, width).

    Raises:
        ConfigError: a box is malformed or outside the photo, or there is no such mask.
        DataError: a mask cannot be read, is empty or has another size.
    """
    from intarsia.cli.noise import box_mask, file_mask

    kind, colon, numbers = text.partition(":")
    if colon and kind == "box":
        return box_mask(text, numbers, size, "hole")
    if not text.lower().endswith(".png"):
        raise ConfigError(f"hole {text} is neither a box nor a mask. Write box:TOP,LEFT,HEIGHT,WIDTH or give a PNG.")
    mask = file_mask(Path(text), size, "hole", "photo")
    if not mask.any():
        raise DataError(f"hole mask {text} is 0 everywhere, so there is nothing to fill. Draw at least one pixel.")
    return mask


def check_out(out: Path, inputs: dict[str, Path]) -> None:
    """Refuse a file that the edited photo cannot be written to.

    Raises:
        ConfigError: it is no PNG, a folder, or one of `inputs` (what it is -> where).
    """
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder. Give the name of a PNG file.")
    if out.suffix.lower() != ".png":
        raise ConfigError(f"--out {out} is no PNG, and other formats change what lies outside the hole. Give a PNG.")
    for what, path in inputs.items():
        if path.resolve() == out.resolve():
            raise ConfigError(f"the edited photo would replace the {what} {path}. Choose another --out.")
