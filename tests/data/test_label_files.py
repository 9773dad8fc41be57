"""Photos and label maps on disk: every way to say a class, and one sentence for every bad file."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.label_files import read_instance_map, read_label_map, read_photo, write_label_map
from intarsia.errors import DataError, LabelError, StorageError
from intarsia.labels import LabelClass, LabelSpace, numbered
from tests.data.folders import SPACE

TRAIN = np.array([[0, 1, 2, 1], [2, 2, 0, 1], [1, 0, 0, 2]])


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(error: type[Exception], path: str, read=lambda path: read_label_map(path, SPACE)) -> str:
    """What reading the file says."""
    with pytest.raises(error) as caught:
        read(Path(path))
    return str(caught.value)


def write_png(path: str, width: int, height: int, bits: int, rows: bytes, *, colour: bool = False) -> None:
    """A PNG file as no library writes it: `rows` are each a filter byte and packed values."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, 2 * colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(TRAIN.astype(np.uint8)), "index"),
        (Image.fromarray(TRAIN.astype(np.uint16)), "index"),
        (Image.fromarray(SPACE.colourise(TRAIN)), "colour"),
        (Image.fromarray(SPACE.colourise(TRAIN)).convert("RGBA"), "colour"),
    ],
)
def test_index_and_colour_files_give_the_same_labels(image: Image.Image, kind: str):
    image.save("a.png")
    read = read_label_map(Path("a.png"), SPACE)
    assert read.kind == kind
    assert read.labels.dtype == np.int64
    assert np.array_equal(read.labels, TRAIN)


def test_a_one_bit_image_has_the_ids_0_and_1():
    Image.fromarray(TRAIN == 1).save("a.png")
    assert np.array_equal(read_label_map(Path("a.png"), SPACE).labels, TRAIN == 1)


@pytest.mark.parametrize(("bits", "row"), [(2, 0b00_01_10_01), (4, 0x0121)])
def test_grey_values_of_few_bits_are_ids_as_they_are_stored(bits: int, row: int):
    write_png("a.png", 4, 1, bits, b"\0" + row.to_bytes(bits // 2))
    assert read_label_map(Path("a.png"), SPACE).labels.tolist() == [[0, 1, 2, 1]]
    assert read_instance_map(Path("a.png")).tolist() == [[0, 1, 2, 1]]


def test_a_written_map_is_a_palette_file_whose_index_is_the_raw_id():
    space = LabelSpace("odd", (LabelClass(7, "a", (1, 2, 3)), LabelClass(200, "b", (4, 5, 6))), dont_care_ids=(255,))
    train = np.array([[0, 1, 2]])
    write_label_map(Path("a.png"), train, space)
    image = Image.open("a.png")
    assert image.mode == "P"
    assert np.asarray(image).tolist() == [[7, 200, 255]]
    assert np.asarray(image.convert("RGB"))[0].tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]
    read = read_label_map(Path("a.png"), space)
    assert (read.kind, read.labels.tolist()) == ("palette", train.tolist())


def test_raw_ids_beyond_255_are_written_as_16_bit_and_read_back():
    space = LabelSpace("wide", (LabelClass(0, "a", (1, 2, 3)), LabelClass(3149, "b", (4, 5, 6))))
    train = np.array([[0, 1], [1, 1]])
    write_label_map(Path("a.png"), train, space)
    assert np.asarray(Image.open("a.png")).tolist() == [[0, 3149], [3149, 3149]]
    assert np.array_equal(read_label_map(Path("a.png"), space).labels, train)


def test_a_palette_with_other_colours_means_its_indices():
    image = Image.fromarray(TRAIN.astype(np.uint8), "L")
    image.putpalette(bytes(range(200, 209)))
    image.save("a.png")
    assert np.array_equal(read_label_map(Path("a.png"), SPACE).labels, TRAIN)


def test_a_palette_that_a_paint_program_renumbered_means_its_colours():
    order = np.array([2, 0, 1])  # index i of the file shows class order[i]
    image = Image.fromarray(np.argsort(order)[TRAIN].astype(np.uint8), "L")
    image.putpalette(SPACE.palette[order].tobytes())
    image.save("a.png")
    assert np.array_equal(read_label_map(Path("a.png"), SPACE).labels, TRAIN)


def test_black_in_another_palette_is_not_mistaken_for_dont_care():
    space = LabelSpace("toy", SPACE.classes, dont_care_ids=(255,))  # whose don't-care is black
    image = Image.fromarray(np.zeros((2, 2), np.uint8), "L")
    image.putpalette(bytes(3) + bytes(range(200, 206)))
    image.save("a.png")
    assert read_label_map(Path("a.png"), space).labels.tolist() == [[0, 0], [0, 0]]


def test_photos_of_any_8_bit_mode_become_rgb():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save("a.png")
    assert np.array_equal(read_photo(Path("a.png")), np.repeat(grey[..., None], 3, 2))


def test_instance_maps_keep_16_bit_numbers():
    Image.fromarray(np.array([[0, 65535], [7, 300]], np.uint16)).save("a.png")
    assert read_instance_map(Path("a.png")).tolist() == [[0, 65535], [7, 300]]


def test_an_id_outside_the_label_space():
    Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8)).save("a.png")
    assert said(LabelError, "a.png") == (
        "label map a.png has id 3 at (1, 1); classes end at 2. Set dont_care=3 or remap with LabelSpace."
    )


def test_16_bit_values_that_do_not_fit():
    Image.fromarray(np.array([[0, 40000]], np.uint16)).save("a.png")
    assert said(LabelError, "a.png") == (
        "label map a.png has id 40000 at (0, 1); classes end at 2. Set dont_care=40000 or remap with LabelSpace."
    )


def test_a_photo_as_png_given_as_a_label_map():
    Image.fromarray(np.full((4, 4, 3), 99, np.uint8)).save("a.png")
    assert said(LabelError, "a.png") == (
        "label map a.png has colour (99, 99, 99) at (0, 0), which is no class of toy. "
        "Give an index, palette or colour PNG of the label space; photos are not label maps."
    )


def test_a_jpeg_given_as_a_label_map():
    Image.fromarray(np.full((4, 4, 3), 99, np.uint8)).save("a.jpg")
    assert said(DataError, "a.jpg") == "label map a.jpg is a JPEG file, which may change ids. Give a PNG."


def test_a_grey_image_with_transparency_says_no_class():
    Image.new("LA", (4, 4)).save("a.png")
    assert said(DataError, "a.png") == (
        "label map a.png has mode LA, which says no class. Give an index, palette or colour PNG of the label space toy."
    )


def test_a_truncated_png():
    Image.fromarray(np.random.default_rng(0).integers(0, 3, (64, 64), np.uint8)).save("a.png")
    whole = Path("a.png").read_bytes()
    Path("a.png").write_bytes(whole[: len(whole) // 2])
    message = said(DataError, "a.png")
    assert message.startswith("label map a.png is damaged (")
    assert message.endswith("). Copy or export it again.")


def test_an_empty_file():
    Path("a.png").touch()
    assert said(DataError, "a.png") == "label map a.png is empty (0 bytes). Copy or export it again."


def test_a_file_that_is_no_image():
    Path("a.png").write_text("# notes\n")
    assert said(DataError, "a.png", read_photo) == (
        "photo a.png is not an image, or one of no pixels, or its beginning is damaged. Give a PNG, JPEG or WebP."
    )


def test_a_missing_file_and_a_folder():
    Path("b.png").mkdir()
    assert said(DataError, "a.png") == "label map a.png does not exist. Give the path of an image file."
    assert said(DataError, "b.png") == "label map b.png is a folder. Give the path of an image file."


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels(width: int, height: int):
    write_png("a.png", width, height, 8, b"")
    assert said(DataError, "a.png") == (
        "label map a.png is not an image, or one of no pixels, or its beginning is damaged. Give a PNG."
    )


def test_a_photo_of_16_bit():
    Image.fromarray(np.zeros((4, 4), np.uint16)).save("grey.png")
    write_png("colour.png", 1, 1, 16, bytes(7), colour=True)
    for name, mode in (("grey.png", "I;16"), ("colour.png", "RGB")):
        assert said(DataError, name, read_photo) == (
            f"photo {name} has more than 8 bits a channel (mode {mode}). Save it as 8-bit RGB."
        )


@pytest.mark.parametrize("read", [lambda path: read_label_map(path, SPACE), read_instance_map, read_photo])
def test_a_file_of_many_pixels_is_refused_before_it_is_decoded(read):
    write_png("a.png", 20000, 20000, 8, b"")
    assert said(DataError, "a.png", read).endswith(
        " a.png is 20000x20000 (height x width), more than 67108864 pixels. Cut it into tiles."
    )


def test_who_reads_a_label_map_may_ask_for_fewer_pixels():
    Image.fromarray(TRAIN.astype(np.uint8)).save("a.png")
    assert said(DataError, "a.png", lambda path: read_label_map(path, SPACE, most_pixels=11)) == (
        "label map a.png is 3x4 (height x width), more than 11 pixels. Cut it into tiles."
    )


@pytest.mark.parametrize(
    ("what", "read"), [("label map", lambda path: read_label_map(path, SPACE)), ("instance map", read_instance_map)]
)
def test_an_animated_map(what: str, read):
    frames = [Image.fromarray((TRAIN + step).astype(np.uint8)) for step in range(3)]
    frames[0].save("a.png", save_all=True, append_images=frames[1:])
    assert said(DataError, "a.png", read) == f"{what} a.png is animated (3 pictures). Give a PNG of one."


def test_a_colour_image_given_as_an_instance_map():
    Image.new("RGB", (4, 4)).save("a.png")
    assert said(DataError, "a.png", read_instance_map) == (
        "instance map a.png is a colour image (mode RGB). Give an 8- or 16-bit index PNG."
    )


def test_damage_anywhere_in_a_file_is_one_sentence():
    write_label_map(Path("whole.png"), np.random.default_rng(0).integers(0, 12, (40, 50)), numbered("x", 12))
    whole = Path("whole.png").read_bytes()
    draw = np.random.default_rng(1)
    messages = []
    for _ in range(200):
        hurt = bytearray(whole[: draw.integers(1, len(whole))] if draw.random() < 0.5 else whole)
        hurt[draw.integers(len(hurt))] ^= 1 << draw.integers(8)
        Path("hurt.png").write_bytes(hurt)
        try:
            read_label_map(Path("hurt.png"), numbered("x", 12))
        except (DataError, LabelError) as error:
            messages.append(str(error))
    assert len(messages) > 150
    assert all(text.startswith("label map hurt.png ") and "\n" not in text for text in messages)


def test_a_map_that_cannot_be_written_leaves_nothing_behind():
    Path("file").touch()
    with pytest.raises(StorageError, match=r"cannot write file/a\.png: .*\. Choose another name\."):
        write_label_map(Path("file/a.png"), TRAIN, SPACE)
    assert [path.name for path in Path().iterdir()] == ["file"]
