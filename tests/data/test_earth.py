"""The data set earth: what the map shows, that labels lie on the photo, and that the splits share no place."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data import earth
from intarsia.data.earth import CARD, EARTH, LAND, LOOKS, Region, boxes, build_earth, read_planet
from intarsia.data.folder import CARD_FILE
from intarsia.data.sources import Source, open_source
from intarsia.errors import DataError

PLACES = {
    "deep ocean": [(-20, 5), (20, 65)],
    "shallow sea": [(56, 3), (52, -80), (-14, 140), (-45, -63)],
    "lake": [(48, -87.5), (-1, 33), (53.5, 108)],
    "rainforest": [(-5, -65), (0, 22), (0, 114)],
    "savanna": [(8, 8), (-12, -48), (-10, 28)],
    "desert": [(25, 10), (20, 50), (40, 84)],
    "red desert": [(-25, 125), (-23, 120), (-25.5, 137)],
    "steppe": [(49, 60), (42, -102), (-18, 140)],
    "shrubland": [(39, -5), (-32, -63)],
    "temperate forest": [(58, 33), (37, -81)],
    "grassland": [(50, 30), (42, -90), (47, 2)],
    "boreal forest": [(60, 90), (63, 60)],
    "tundra": [(67.5, 55), (71, -155)],
    "highland": [(33, 85), (-14.5, -71), (29, 53)],
    "snow and ice": [(72, -40), (73, 100), (61, 7)],
}


@pytest.fixture(scope="module")
def planet() -> Region:
    return read_planet()


@pytest.fixture(scope="module")
def built(planet: Region, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "earth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(earth, "read_planet", lambda: planet)  # reading the sources once is enough
        assert build_earth(folder)
    return folder


@pytest.fixture(scope="module")
def splits(built: Path) -> dict[str, Source]:
    return {split: open_source(f"earth:{built}", split) for split in ("train", "val")}


def names(source: Source) -> set[str]:
    return {files.name for files in source.listing.files}


def test_the_splits_are_whole_boxes_that_share_no_place(splits: dict[str, Source]):
    assert (len(splits["train"]), len(splits["val"])) == (35, 6)
    assert not names(splits["train"]) & names(splits["val"])
    assert names(splits["train"]) | names(splits["val"]) <= {box.name for box in boxes()}
    covered = np.zeros((1950, 5400), int)
    for box in boxes():
        covered[box.window] += 1
    assert (covered == 1).all()


def test_every_class_is_in_both_splits(splits: dict[str, Source]):
    for source in splits.values():
        pixels = sum(np.bincount(source.pair(i).labels.ravel(), minlength=15) for i in range(len(source)))
        assert (pixels / pixels.sum() > 0.0009).all()


def test_photos_are_the_mosaics_own_pixels(splits: dict[str, Source], planet: Region):
    of_name = {box.name: box for box in boxes()}
    pair = splits["val"].pair(0)
    assert np.array_equal(pair.photo, planet.photo[of_name[pair.name].window])


def test_coasts_are_the_masks_to_the_pixel(splits: dict[str, Source], planet: Region):
    of_name = {box.name: box for box in boxes()}
    for source in splits.values():
        for number in range(len(source)):
            pair = source.pair(number)
            window = of_name[pair.name].window
            sea = pair.labels <= EARTH.index("shallow sea")
            away_from_lakes = ~planet.lake[window]
            assert np.array_equal(sea[away_from_lakes], planet.ocean[window][away_from_lakes])


def test_the_card_names_sources_and_licences(built: Path, splits: dict[str, Source]):
    card = json.loads((built / CARD_FILE).read_text())
    assert card["name"] == "earth"
    assert "public domain" in card["about"]["photos"]
    assert splits["train"].listing.visits == CARD.visits == 16
    assert splits["train"].listing.one_class_at_most == 0.95
    assert splits["train"].label_space == EARTH


@pytest.mark.parametrize(("name", "latitude", "longitude"), [(n, *p) for n, spots in PLACES.items() for p in spots])
def test_known_places(splits: dict[str, Source], name: str, latitude: float, longitude: float):
    box = next(b for b in boxes() if b.north >= latitude > b.north - 26 and b.west <= longitude < b.west + 30)
    source = splits["train" if box.name in names(splits["train"]) else "val"]
    labels = source.pair([files.name for files in source.listing.files].index(box.name)).labels
    row, column = int((box.north - latitude) * 15), int((longitude - box.west) * 15)
    near = labels[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5]
    assert EARTH.classes[np.bincount(near.ravel()).argmax()].name == name


def test_regions_are_smooth_enough_to_draw(splits: dict[str, Source]):
    edges = [(pair.labels[:, 1:] != pair.labels[:, :-1]).mean() for pair in map(splits["train"].pair, range(35))]
    assert max(edges) < 0.06


def test_each_climate_has_a_class_for_each_look():
    assert {len(row) for row in LAND.values()} == {len(LOOKS)}
    used = {name for row in LAND.values() for name in row}
    assert used | {"deep ocean", "shallow sea", "lake", "highland", "snow and ice"} == {c.name for c in EARTH.classes}


def test_smoothing_closes_specks_and_far_from_all_votes_falls_back():
    classes = np.full((40, 40), 5, np.uint8)
    classes[20, 30] = 7
    inside = np.ones((40, 40), bool)
    inside[:, :20] = False
    made = earth.smoothed(classes, inside, sigma=3, fallback=np.full((40, 40), 9, np.uint8))
    assert (made[inside] == 5).all()
    assert (made[:, 0] == 9).all()


def test_a_finished_data_set_is_left_as_it_is(built: Path):
    before = (built / CARD_FILE).stat().st_mtime_ns
    assert not build_earth(built)
    assert (built / CARD_FILE).stat().st_mtime_ns == before


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError) as caught:
        build_earth(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} exists and is not this version of the data set earth. Choose another --out."
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_stopped_half_way_nothing_is_left(planet: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(kept, _what: str, _total: int) -> Iterator:
        yield next(iter(kept))
        raise KeyboardInterrupt

    monkeypatch.setattr(earth, "read_planet", lambda: planet)
    with pytest.raises(KeyboardInterrupt):
        build_earth(tmp_path / "earth", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_absent_sources_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        build_earth(tmp_path / "earth")
    assert str(caught.value) == (
        "the sources of the data set earth are not installed. Install them with: pip install 'intarsia[earth]'"
    )


def test_the_label_files_show_the_spaces_colours(built: Path):
    image = Image.open(next((built / "val/labels").iterdir()))
    assert image.mode == "P"
    shown = {tuple(colour) for colour in np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()}
    assert shown <= {c.colour for c in EARTH.classes}


def test_the_docs_explain_every_class_in_order():
    page = (Path(__file__).parents[2] / "docs/data.md").read_text()
    table = page.partition("| class | what it is |\n|---|---|\n")[2].partition("\n\n")[0]
    assert [row.split("|")[1].strip() for row in table.splitlines()] == [c.name for c in EARTH.classes]
