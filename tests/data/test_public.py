"""The public data sets: tiny ones in their exact layouts load to the ids that papers' networks see."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia.conditioning.semantics import instance_edges
from intarsia.data import huggingface
from intarsia.data.check import check_split
from intarsia.data.conventions import CONVENTIONS, channels, convention
from intarsia.data.public.ade20k import OUTDOOR, outdoor_scenes
from intarsia.data.public.celebamask import PARTS
from intarsia.data.sources import LAYOUTS, open_source
from intarsia.data.spaces import label_space_of
from intarsia.data.transforms import resize
from intarsia.errors import ConfigError, DataError, LabelError
from tests.data import fixtures
from tests.data.fixtures import FIXTURES, save

GOLDENS = Path(__file__).parents[1] / "goldens"
SPADE, PIX2PIXHD = (np.load(GOLDENS / f"{name}/data.npz") for name in ("spade", "pix2pixhd"))


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(name: str) -> Path:
    Path(name).mkdir()
    FIXTURES[name](Path(name))
    return Path(name)


def said(spec: str, split: str = "train") -> str:
    with pytest.raises((DataError, LabelError)) as caught:
        read_all(spec, split)
    return str(caught.value)


def read_all(spec: str, split: str) -> None:
    source = open_source(spec, split)
    for number in range(len(source)):
        source.pair(number)


# The goldens' arrays, written to disk in the layout of the data set, come out as the published loaders' numbers.


def ade(array: np.ndarray) -> None:
    save(Path("ade/images/validation/ADE_val_00000001.jpg"), fixtures.photo(0, array.shape))
    save(Path("ade/annotations/validation/ADE_val_00000001.png"), array)


def coco(array: np.ndarray, instances: np.ndarray) -> None:
    save(Path("coco/val_img/1.jpg"), fixtures.photo(0, array.shape))
    save(Path("coco/val_label/1.png"), array)
    save(Path("coco/val_inst/1.png"), instances)


def cityscapes(array: np.ndarray, instances: np.ndarray) -> None:
    stem = "a/a_000000_000000"
    save(Path(f"city/leftImg8bit/val/{stem}_leftImg8bit.png"), fixtures.photo(0, array.shape))
    save(Path(f"city/gtFine/val/{stem}_gtFine_labelIds.png"), array)
    save(Path(f"city/gtFine/val/{stem}_gtFine_instanceIds.png"), instances, np.uint16)


@pytest.mark.parametrize("paper", ["spade", "ccfpse", "safm"])
def test_ade20k_loads_to_spades_ids(paper):
    ade(SPADE["in_ade_label"])
    pair = resize(open_source(f"{convention(paper, 'ade20k').layout}:ade", "val").pair(0), (32, 32))
    assert np.array_equal(channels(paper, "ade20k", pair.labels), SPADE["out_ade_test_label"][0])


def test_ade20k_loads_to_oasis_and_lggans_ids():
    ade(SPADE["in_ade_label"])
    raw = SPADE["out_ade_test_label"][0]
    pair = resize(open_source("ade20k:ade", "val").pair(0), (32, 32))
    assert np.array_equal(channels("oasis", "ade20k", pair.labels), raw)
    assert np.array_equal(channels("lggan", "ade20k", pair.labels), np.where(raw == 0, 150, raw - 1))


def test_coco_stuff_loads_to_spades_and_oasis_ids_and_spades_edges():
    coco(SPADE["in_coco_label"], SPADE["in_coco_instance"])
    pair = resize(open_source("coco-stuff:coco", "val").pair(0), (32, 32))
    spade = SPADE["out_coco_label"][0]
    assert np.array_equal(channels("spade", "coco-stuff", pair.labels), spade)
    assert np.array_equal(channels("oasis", "coco-stuff", pair.labels), np.where(spade == 182, 0, spade + 1))
    assert np.array_equal(pair.instances, SPADE["out_coco_instance"][0])
    edges = instance_edges(torch.from_numpy(pair.instances.astype(np.int64))[None]).numpy()
    assert np.array_equal(edges, SPADE["out_coco_edges"][0].astype(bool))


def test_cityscapes_loads_to_spades_and_oasis_ids():
    cityscapes(SPADE["in_city_label"], SPADE["in_city_instance"])
    pair = resize(open_source("cityscapes:city", "val").pair(0), (16, 32))
    assert np.array_equal(channels("spade", "cityscapes", pair.labels), SPADE["out_city_label"][0])
    assert np.array_equal(pair.instances, SPADE["out_city_instance"][0])
    pair = resize(open_source("cityscapes-oasis:city", "val").pair(0), (16, 32))
    assert np.array_equal(channels("oasis", "cityscapes", pair.labels), SPADE["out_city_label"][0])


def test_cityscapes_loads_to_pix2pixhds_ids():
    labels = PIX2PIXHD["in_label"]
    cityscapes(labels, PIX2PIXHD["in_instance"])
    pair = resize(open_source("cityscapes:city", "val").pair(0), (32, 64))
    assert np.array_equal(channels("pix2pixhd", "cityscapes", pair.labels), PIX2PIXHD["out_scale_width_label"][0])
    assert np.array_equal(pair.instances, PIX2PIXHD["out_scale_width_inst"][0])


def test_crn_sees_the_nineteen_classes_that_are_evaluated():
    raw = np.arange(34, dtype=np.uint8)[None].repeat(20, 0)
    cityscapes(raw, raw)
    pair = open_source("cityscapes-19:city", "val").pair(0)
    evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    expected = [evaluated.index(i) if i in evaluated else 19 for i in range(34)]
    assert channels("crn", "cityscapes", pair.labels)[0].tolist() == expected


def test_every_convention_has_as_many_channels_as_its_layouts_label_space():
    makers = {"ade20k": "ade20k", "cityscapes": "cityscapes", "coco-stuff": "coco-stuff", "facades": "facades"}
    for name in makers:
        made(name)
    for paper, each in CONVENTIONS.items():
        for data, known in each.items():
            space = open_source(f"{known.layout}:{data}", "train").label_space
            assert (paper, data, space.channels) == (paper, data, known.channels)
    with pytest.raises(ConfigError, match=r"^no convention of spade on street is known\. Give one of: spade on ade20k"):
        convention("spade", "street")


# Layouts


def test_cityscapes_pairs_by_city_sequence_and_frame():
    source = open_source(f"cityscapes:{made('cityscapes')}", "train")
    assert [files.name for files in source.listing.files] == ["aachen_000000_000000", "bonn_000003_000001"]
    pair = source.pair(0)
    assert np.array_equal(pair.labels, np.asarray(Image.open(source.listing.files[0].labels)))
    assert pair.instances.max() > 26000
    source.listing.files[1].labels.unlink()
    assert said("cityscapes:cityscapes") == (
        "photo cityscapes/leftImg8bit/train/bonn/bonn_000003_000001_leftImg8bit.png has no label map. Add "
        "cityscapes/gtFine/train/bonn/bonn_000003_000001_gtFine_labelIds.png or remove the photo."
    )


def test_ade20k_may_lie_in_its_archives_folder():
    made("ade20k")
    for root in ("ade20k", "ade20k/ADEChallengeData2016"):
        source = open_source(f"ade20k:{root}", "val")
        assert [files.name for files in source.listing.files] == ["ADE_val_00000001", "ADE_val_00000002"]
    raw = np.asarray(Image.open(source.listing.files[0].labels)).astype(int)
    assert np.array_equal(source.pair(0).labels, np.where(raw == 0, 150, raw - 1))
    assert said("ade20k:ade20k", "test") == (
        "ade20k/ADEChallengeData2016/images/test holds no .jpg files. Unpack ADEChallengeData2016.zip into ade20k."
    )


def test_outdoor_photos_are_those_of_our_scenes_or_of_a_list_given():
    made("ade20k")
    assert {"street", "coast", "mountain_snowy"} <= outdoor_scenes()
    assert not {"bedroom", "kitchen", "street_indoor"} & outdoor_scenes()
    for split, name in (("train", "ADE_train_00000001"), ("val", "ADE_val_00000001")):
        source = open_source("ade20k-outdoor:ade20k", split)
        assert [files.name for files in source.listing.files] == [name]
        assert "Intarsia's outdoor list (SHA-256 " in source.listing.reading
    Path("ade20k/outdoor.txt").write_text("ADE_train_00000002.jpg\n\n")
    source = open_source("ade20k-outdoor:ade20k", "train")
    assert [files.name for files in source.listing.files] == ["ADE_train_00000002"]
    assert said("ade20k-outdoor:ade20k", "val") == (
        "ade20k has no photo of val that is outdoors by outdoor.txt. "
        "Write the names of the photos wanted to ade20k/outdoor.txt, one in a line."
    )


def test_our_list_of_scenes_names_each_once():
    rows = [row for row in OUTDOOR.read_text().splitlines() if not row.startswith("#")]
    assert len(rows) == len(set(rows)) > 150


def test_coco_polygons_are_objects_over_the_regions_of_the_labels():
    made("coco-stuff")
    first, second = (open_source("coco-stuff:coco-stuff", "train").pair(number) for number in range(2))
    number = int(first.labels.max()) + 1
    inside = np.zeros(first.labels.shape, bool)
    inside[2:11, 2:13] = True
    assert np.array_equal(first.instances == number, inside)
    assert np.array_equal(first.instances[~inside], first.labels[~inside])
    assert np.array_equal(second.instances, second.labels)


def test_coco_panoptic_colours_are_numbers():
    root = made("coco-stuff")
    numbers = fixtures.blocks(3, [5, 256, 70000])
    for files in open_source("coco-stuff:coco-stuff", "val").listing.files:
        colours = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], -1)
        save(root / f"annotations/panoptic_val2017/{files.name}.png", colours)
    source = open_source("coco-stuff:coco-stuff", "val")
    assert np.array_equal(source.pair(1).instances, numbers)
    assert source.listing.reading == "instances: segments of the panoptic PNG files"


def test_a_damaged_file_of_polygons_is_named():
    root = made("coco-stuff")
    (root / "annotations/instances_train2017.json").write_text("{}")
    assert said("coco-stuff:coco-stuff") == (
        "instances_train2017.json is no file of COCO's instances (KeyError('annotations')). Unpack it again."
    )


def test_faces_are_put_together_of_masks_and_split_as_celeba():
    made("celebamask-hq")
    pairs = {split: open_source("celebamask-hq:celebamask-hq", split) for split in ("train", "val", "test")}
    assert [[files.name for files in source.listing.files] for source in pairs.values()] == [["0"], ["1"], ["2"]]
    pair = pairs["train"].pair(0)
    skin, nose, hair = (1 + PARTS.index(part) for part in ("skin", "nose", "hair"))
    assert pair.photo.shape == (32, 32, 3)
    assert (pair.labels[14, 15], pair.labels[20, 8], pair.labels[2, 8], pair.labels[30, 30]) == (nose, skin, hair, 0)
    assert pair.labels[6, 8] == hair  # later parts lie over earlier ones
    assert pairs["val"].pair(0).labels[6, 8] == skin
    assert said("celebamask-hq:celebamask-hq", "mine") == (
        "celebamask-hq has no split mine. Give one of train, val, test."
    )


def test_facades_of_the_archive_and_of_spade():
    made("facades")
    train, val = (open_source("facades:facades", split) for split in ("train", "val"))
    assert [files.name for files in val.listing.files] == ["cmp_b0008"]
    assert len(train) == 8
    raw = np.asarray(Image.open(train.listing.files[0].labels)).astype(int)
    assert np.array_equal(train.pair(0).labels, np.where(raw == 0, 12, raw - 1))
    assert np.array_equal(open_source("facades-spade:facades", "train").pair(0).labels, raw)
    for split in ("train", "test"):
        save(Path(f"spade/{split}_img/a.jpg"), fixtures.photo(1))
        save(Path(f"spade/{split}_label/a.png"), raw)
    assert np.array_equal(open_source("facades-spade:spade", "val").pair(0).labels, raw)


def test_a_described_folder_with_values_that_mean_classes():
    made("described")
    source = open_source("described/garden.yaml", "train")
    assert [c.name for c in source.label_space.classes] == ["lawn", "hedge"]
    assert [files.name for files in source.listing.files] == ["day 0/shot", "day 1/shot"]
    raw = np.asarray(Image.open(source.listing.files[1].labels)).astype(int)
    expected = np.select([raw == 0, raw == 255], [0, 1], 2)
    assert np.array_equal(source.pair(1).labels, expected)
    assert source.name == "garden.yaml"


@pytest.mark.parametrize("spec", ["described/garden.yaml", "yaml:described/garden.yaml"])
def test_objects_of_a_described_folder_may_be_the_regions_of_its_labels(spec):
    made("described")
    text = Path("described/garden.yaml").read_text()
    Path("described/garden.yaml").write_text(text[:-1] + ', "instances": "regions"}')
    pair = open_source(spec, "val").pair(0)
    assert pair.instances.max() >= len(np.unique(pair.labels)) - 1
    for number in range(pair.instances.max() + 1):
        assert len(np.unique(pair.labels[pair.instances == number])) == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("255: ", "254: ", "label map described/masks/train/day 0/shot_mask.png has value 255 at "),
        ('"splits"', '"spilts"', "described/garden.yaml is malformed (splits: Field required). Mend it."),
        ('"name": "garden",', "", "described/garden.yaml is malformed (name: Field required). Mend it."),
        ("{", "[", "described/garden.yaml cannot be read (while parsing a flow"),
        ('"train": ', '"mine": ', "described/garden.yaml describes no split train. Add it to `splits`."),
        ("**/*.jpg", "*.jpg", "described/pictures/train/*.jpg fits no file. Mend `photos` of split train in "),
        ("pictures/train", "masks/train", "described/masks/train/**/*.jpg fits no file. Mend `photos` of split "),
    ],
)
def test_a_description_that_does_not_fit_is_told(old, new, expected):
    made("described")
    path = Path("described/garden.yaml")
    path.write_text(path.read_text().replace(old, new, 1))
    assert said("described/garden.yaml").startswith(expected)


def test_shards_are_read_where_they_lie():
    made("webdataset")
    source = open_source("webdataset:webdataset", "train")
    assert [files.name for files in source.listing.files] == ["a", "b", "c"]
    assert [files.stored_photo.name for files in source.listing.files] == ["train-000000.tar"] * 2 + [
        "train-000001.tar"
    ]
    assert source.label_space == fixtures.SPACE
    pair = source.pair(1)
    assert np.array_equal(pair.labels, fixtures.blocks(ord("b"), [0, 1, 2]))
    assert np.array_equal(pair.instances, fixtures.blocks(ord("b"), [4, 5]))
    assert pair.photo.shape == (24, 32, 3)
    assert said("webdataset:webdataset", "test") == (
        "webdataset holds no shards of test. Put .tar files into webdataset/test."
    )


def test_a_shard_cut_short_is_named():
    shard = made("webdataset") / "train-000001.tar"
    shard.write_bytes(b"no tar" * 200)
    assert said("webdataset:webdataset").startswith("train-000001.tar is no plain tar file, or is damaged (")


@pytest.mark.filterwarnings("ignore")  # the library's own, when it makes what is read
def test_rows_of_datasets_are_read():
    datasets = pytest.importorskip("datasets")
    if not hasattr(datasets, "load_from_disk"):
        pytest.skip("datasets is not installed; a folder of that name is")
    from tests.data.folders import SPACE, make_folder

    make_folder(Path("toy"))
    SPACE.save(Path("saved/label_space.json"))
    columns = {
        column: [{"bytes": Path(f"toy/train/{kind}/{name}.png").read_bytes(), "path": None} for name in ("a", "b")]
        for column, kind in (("image", "photos"), ("label", "labels"))
    }
    import pyarrow

    schema = datasets.Features(dict.fromkeys(columns, datasets.Image())).arrow_schema
    table = datasets.table.InMemoryTable(pyarrow.table(columns).cast(schema))
    found = datasets.Dataset(table, fingerprint="given")  # else it pickles what newer pyarrows refuse
    datasets.DatasetDict({"train": found, "validation": found}).save_to_disk("saved")
    plain = open_source("toy", "train")
    for split in ("train", "val"):
        source = open_source("hf:saved", split)
        assert np.array_equal(source.pair(1).labels, plain.pair(1).labels)
        assert np.array_equal(source.pair(1).photo, plain.pair(1).photo)


def test_rows_need_the_package(monkeypatch):
    import sys

    made("webdataset")  # any folder with a label space
    monkeypatch.setitem(sys.modules, "datasets", None)
    huggingface._rows.cache_clear()
    assert said("hf:webdataset") == "hf: needs the package datasets. Install it with: pip install 'intarsia[datasets]'"


def test_every_layout_has_a_name_that_the_pages_tell():
    page = (Path(__file__).parents[2] / "docs/data.md").read_text()
    assert [name for name in LAYOUTS if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("name", "classes", "channels"),
    [
        ("cityscapes", 35, 35),
        ("cityscapes-oasis", 34, 35),
        ("cityscapes-19", 19, 20),
        ("ade20k", 150, 151),
        ("coco-stuff", 182, 183),
        ("celebamask-hq", 19, 19),
        ("facades", 12, 13),
    ],
)
def test_label_spaces_have_as_many_classes_as_papers_say(name, classes, channels):
    space = label_space_of(name)
    assert (len(space.classes), space.channels) == (classes, channels)


def test_every_fixture_is_sound(tmp_path):
    specs = {name: f"{name}:{name}" for name in FIXTURES} | {"described": "described/garden.yaml"}
    for name, spec in specs.items():
        made(name)
        report = check_split(spec, "train")
        assert (name, report.wrong) == (name, ())
        assert json.dumps(report.facts())
