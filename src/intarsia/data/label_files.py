"""Photos, label maps and instance maps, on disk or sent: what may be read, and one sentence for what may not."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from intarsia.errors import DataError, LabelError
from intarsia.files import whole_file
from intarsia.labels import Ids, LabelSpace

Photo = npt.NDArray[np.uint8]
INDEX_MODES = ("1", "L", "I", "I;16", "I;16B")
COLOUR_MODES = ("RGB", "RGBA")
MOST_PIXELS = 8192 * 8192  # of any file: a decoded one still fits into memory several times
PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
SENT_FORMATS = ("PNG", "JPEG", "WEBP")  # of files that others send: no decoder but these looks at them


@dataclass(frozen=True)
class Sent:
    """A file that came as bytes, by whatever way; `name` is what errors call it, and never a path."""

    name: str
    content: bytes = field(repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Member:
    """A file inside an archive, read into memory; its name in errors is ARCHIVE:NAME."""

    archive: Path
    name: str
    content: bytes

    def __str__(self) -> str:
        return f"{self.archive}:{self.name}"


File = Path | Member | Sent
"""Where an image comes from."""


@dataclass(frozen=True)
class LabelFile:
    """A label map as read, and how its file said which class is where."""

    labels: npt.NDArray[np.int64]  # H W train ids
    kind: Literal["index", "palette", "colour"]


def read_photo(path: File, *, most_pixels: int = MOST_PIXELS) -> Photo:
    """A photo, H W 3 uint8; grey and palette images become RGB, transparency is dropped.

    Raises:
        DataError: the file is missing, damaged, no image, has more than `most_pixels`, or more than 8 bits a channel.
    """
    image = _open(path, "photo", most_pixels)
    if image.mode in ("I", "F") or image.mode.startswith("I;") or _png_header(path)[2] == 16:
        raise DataError(f"photo {path} has more than 8 bits a channel (mode {image.mode}). Save it as 8-bit RGB.")
    return np.asarray(image.convert("RGB"))


def read_label_map(path: File, space: LabelSpace, *, most_pixels: int = MOST_PIXELS) -> LabelFile:
    """A label map from an index PNG (8 or 16 bit), a palette PNG or a colour PNG of `space`.

    A palette PNG means its indices, unless these disagree with the colours and all its colours are classes of the
    space: paint programs renumber palettes but keep colours.

    Raises:
        DataError: the file is missing, damaged, no PNG, or has more than `most_pixels`.
        LabelError: it holds an id or a colour that `space` does not know.
    """
    image = _open_map(path, "label map", most_pixels)
    if image.mode in INDEX_MODES:
        return LabelFile(space.encode(_integers(image, path), str(path)), "index")
    if image.mode == "P":
        return LabelFile(_encode_palette(image, space, path), "palette")
    if image.mode in COLOUR_MODES:
        return LabelFile(space.encode_colours(np.asarray(image.convert("RGB")), str(path)), "colour")
    raise DataError(
        f"label map {path} has mode {image.mode}, which says no class. "
        f"Give an index, palette or colour PNG of the label space {space.name}."
    )


def read_instance_map(
    path: File, what: str = "instance map", *, most_pixels: int = MOST_PIXELS
) -> npt.NDArray[np.int64]:
    """An instance map, H W: any numbering, equal numbers are one object (8 or 16 bit PNG; palette PNGs by index).

    `what` is what errors call it, for files of another role.

    Raises:
        DataError: the file is missing, damaged, no PNG, has more than `most_pixels`, or is a colour image.
    """
    image = _open_map(path, what, most_pixels)
    if image.mode not in (*INDEX_MODES, "P"):
        raise DataError(f"{what} {path} is a colour image (mode {image.mode}). Give an 8- or 16-bit index PNG.")
    return _integers(image, path).astype(np.int64)


def read_mask(path: File) -> npt.NDArray[np.bool_]:
    """A mask, H W: true where a PNG of any kind is not black.

    Raises:
        DataError: the file is missing, damaged, no PNG, or too large.
    """
    return np.asarray(np.asarray(_open_map(path, "mask", MOST_PIXELS).convert("RGB")).any(-1))


def write_label_map(path: Path, train: Ids, space: LabelSpace) -> None:
    """Write train ids (H W) as a palette PNG whose index is the raw id; 16-bit index PNG where a raw id exceeds 255.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(path) as temporary:
        label_image(train, space).save(temporary, format="PNG", optimize=True)


def label_image(train: Ids, space: LabelSpace) -> Image.Image:
    """Train ids (H W) as an image whose pixels are raw ids: with the space's palette, or 16-bit where ids need it."""
    raw = space.decode(train)
    if _last_raw_id(space) > 255:
        return Image.fromarray(raw.astype(np.uint16))
    image = Image.fromarray(raw.astype(np.uint8))
    image.putpalette(_raw_palette(space).tobytes())
    return image


def write_instance_map(path: Path, instances: Ids) -> None:
    """Write an instance map (H W, numbers 0..65535) as a 16-bit index PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(path) as temporary:
        Image.fromarray(instances.astype(np.uint16)).save(temporary, format="PNG", optimize=True)


def refuse_large(what: str, height: int, width: int, most_pixels: int) -> None:
    """Refuse an image of more pixels; `what` names it.

    Raises:
        DataError: it has more.
    """
    if height * width > most_pixels:
        raise DataError(
            f"{what} is {height}x{width} (height x width), more than {most_pixels} pixels. Cut it into tiles."
        )


def _open(path: File, what: str, most_pixels: int, formats: str = "PNG, JPEG or WebP") -> Image.Image:
    """The decoded image, or one sentence about what is wrong with the file. `what` is the file's role."""
    if isinstance(path, Path) and not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"{what} {path} {kind}. Give the path of an image file.")
    if not (path.stat().st_size if isinstance(path, Path) else len(path.content)):
        raise DataError(f"{what} {path} is empty (0 bytes). Copy or export it again.")
    # Before Pillow sees a PNG, which warns of large ones in its own way.
    height, width, _ = _png_header(path)
    refuse_large(f"{what} {path}", height, width, most_pixels)
    try:
        with _stream(path) as file, Image.open(file, formats=SENT_FORMATS if isinstance(path, Sent) else None) as image:
            refuse_large(f"{what} {path}", image.height, image.width, most_pixels)
            image.load()
    except UnidentifiedImageError:
        raise DataError(
            f"{what} {path} is not an image, or one of no pixels, or its beginning is damaged. Give a {formats}."
        ) from None
    except Image.DecompressionBombError:
        raise DataError(f"{what} {path} is too large to decode. Cut it into tiles.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise DataError(f"{what} {path} is damaged ({str(error).rstrip('.')}). Copy or export it again.") from None
    return image


def _stream(path: File) -> IO[bytes]:
    return path.open("rb") if isinstance(path, Path) else BytesIO(path.content)


def _open_map(path: File, what: str, most_pixels: int) -> Image.Image:
    """`_open` for images whose values are ids."""
    image = _open(path, what, most_pixels, "PNG")
    if image.format != "PNG":
        raise DataError(f"{what} {path} is a {image.format} file, which may change ids. Give a PNG.")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise DataError(f"{what} {path} is animated ({frames} pictures). Give a PNG of one.")
    return image


def _png_header(path: File) -> tuple[int, int, int]:
    """Height, width and bits per value as a PNG file states them; zeros for other files."""
    with _stream(path) as file:
        start = file.read(25)
    if len(start) < 25 or not start.startswith(PNG_START):
        return 0, 0, 0
    width, height, bits = struct.unpack(">IIB", start[16:])
    return height, width, bits


def _integers(image: Image.Image, path: File) -> npt.NDArray[np.integer[Any]]:
    """Pixel values as they are stored; a 1-bit image has ids 0 and 1."""
    values = np.asarray(image)
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if image.mode == "L":
        # Pillow spreads grey values of 2 and 4 bits over 0..255, as for a picture.
        return values // np.uint8({2: 85, 4: 17}.get(_png_header(path)[2], 1))
    return values


def _encode_palette(image: Image.Image, space: LabelSpace, path: File) -> npt.NDArray[np.int64]:
    indices = np.asarray(image)
    stored = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(stored)] = stored
    used = np.unique(indices)
    if not np.array_equal(palette[used], _raw_palette(space)[used]):
        try:
            by_colour = space.encode_colours(palette[indices], str(path))
        except LabelError:
            pass  # Another palette than the space's: then only the indices can be meant.
        else:
            # Black alone says nothing: many palettes begin with it, and don't-care often has it.
            if by_colour.min() < len(space.classes):
                return by_colour
    return space.encode(indices, str(path))


def _raw_palette(space: LabelSpace) -> npt.NDArray[np.uint8]:
    """Colours by raw id (256 3 uint8)."""
    palette = np.zeros((256, 3), np.uint8)
    for label_class in space.classes:
        if label_class.id < 256:
            palette[label_class.id] = label_class.colour
    palette[[i for i in space.dont_care_ids if i < 256]] = space.dont_care_colour
    return palette


def _last_raw_id(space: LabelSpace) -> int:
    return max([c.id for c in space.classes] + list(space.dont_care_ids[:1]))
