"""What `intarsia synth` is told about noise: layouts and files, regions to re-roll, and variants of one map."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from intarsia.cli.say import notice
from intarsia.conditioning.noise import LAYOUTS, Layout
from intarsia.data.label_files import read_instance_map
from intarsia.errors import ConfigError, DataError

if TYPE_CHECKING:
    from intarsia.synthesis.regions import Region
    from intarsia.synthesis.synthesiser import Scene, Synthesiser

BOX = "box:TOP,LEFT,HEIGHT,WIDTH"


def noise_of(text: str) -> Layout | npt.NDArray[Any]:
    """A layout's name as it is; of a file the numbers: `.npy` holds noise, a PNG free regions.

    Raises:
        ConfigError: it is neither.
        DataError: the file is missing or damaged.
    """
    for layout in LAYOUTS:
        if text == layout:
            return layout
    path = Path(text)
    if path.suffix.lower() == ".png":
        return read_instance_map(path)
    if path.suffix.lower() != ".npy":
        near = difflib.get_close_matches(text, LAYOUTS, 1) or LAYOUTS
        raise ConfigError(
            f"there is no noise {text}. Did you mean {', '.join(near)}? Files are .npy (noise) or .png (regions)."
        )
    try:
        values: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"noise file {path} does not exist. Give an array written by numpy.save.") from None
    except (OSError, ValueError, EOFError):
        raise DataError(f"noise file {path} cannot be read. Give an array written by numpy.save.") from None
    if not isinstance(values, np.ndarray):
        raise DataError(f"noise file {path} holds several arrays. Give one, written by numpy.save.")
    return values


@dataclass(frozen=True)
class Order:
    """A region to re-roll, as the command line names it, and the seed if it names one."""

    region: str
    seed: int | None

    @property
    def asks_for_instance(self) -> bool:
        """Whether it names a number of the instance map."""
        return self.region.startswith("instance:")

    def found(self, scene: Scene) -> Region:
        """The region in a scene.

        Raises:
            ConfigError: it is malformed or outside the image.
            DataError: its file cannot be read.
        """
        kind, colon, rest = self.region.partition(":")
        if colon and kind == "instance":
            if not rest.isdecimal():
                raise ConfigError(f"region {self.region} has no number. Write for example instance:12.")
            return int(rest)
        if colon and kind == "box":
            return box_mask(self.region, rest, scene.size)
        if self.region.lower().endswith(".png"):
            return file_mask(Path(self.region), scene.size)
        return self.region


def order_of(text: str) -> Order:
    """`REGION` or `REGION=SEED`."""
    region, equals, seed = text.rpartition("=")
    if equals and seed.isdecimal():
        return Order(region, int(seed))
    return Order(text, None)


@dataclass(frozen=True)
class Looks:
    """The variants of a label map that are asked for."""

    seed: int | None
    style: Path | None
    noise: Layout | npt.NDArray[Any]
    orders: tuple[Order, ...]
    variants: int

    @property
    def varies_regions(self) -> bool:
        """Whether variants are of some regions rather than of the whole."""
        return any(order.seed is None for order in self.orders)

    def seed_of(self, variant: int) -> int:
        """The seed of a variant's whole."""
        return (self.seed or 0) + (0 if self.varies_regions else variant)

    def rerolled(self, scene: Scene, variant: int) -> Scene:
        """The scene with its regions re-rolled.

        Raises:
            IntarsiaError: a region is not in it, or the model has no noise in its map.
        """
        for order in self.orders:
            seed = (self.seed or 0) + 1 + variant if order.seed is None else order.seed
            scene = scene.reroll(order.found(scene), seed=seed)
        return scene

    def looks_at_objects(self, synthesiser: Synthesiser) -> bool:
        """Whether it matters for the noise which pixels are one object."""
        by_object = isinstance(self.noise, str) and self.noise == "per-instance"
        return synthesiser.noise_length > 0 and by_object

    def names_instances(self, synthesiser: Synthesiser) -> bool:
        """Whether a region is named by its number in the instance map."""
        return synthesiser.noise_length > 0 and any(order.asks_for_instance for order in self.orders)

    def check(self, synthesiser: Synthesiser) -> None:
        """Tell what changes nothing for this model.

        Raises:
            ConfigError: all variants would be alike.
        """
        fixed = None if self.varies_regions else self._fixed_by(synthesiser)
        if fixed is not None and self.variants > 1:
            raise ConfigError(f"{fixed}: all --variants would be alike. Leave the option out.")
        if 1 < synthesiser.images < self.variants:
            raise ConfigError(
                f"model {synthesiser.card.preset} makes {synthesiser.images} photos of a map, and {self.variants} "
                f"--variants were asked for. Ask for {synthesiser.images} at most."
            )
        if fixed is not None and self.seed is not None:
            notice(f"{fixed}: --seed changes nothing.")

    def _fixed_by(self, synthesiser: Synthesiser) -> str | None:
        """What decides the look in place of the seed, if something does."""
        if synthesiser.noise_length:
            given = not isinstance(self.noise, str) and self.noise.dtype.kind == "f"
            return "a noise file decides the look" if given else None
        drawn = synthesiser.has_style or synthesiser.features or synthesiser.images > 1 or synthesiser.bank is not None
        if not drawn:
            return f"model {synthesiser.card.preset} draws no noise"
        return None if self.style is None else "a style photo decides the look"


def box_mask(text: str, numbers: str, size: tuple[int, int], what: str = "region") -> npt.NDArray[np.bool_]:
    """A box as a mask of `size` (height, width); `what` is what errors call it, and `text` how it was given.

    Raises:
        ConfigError: it is malformed, empty or outside the image.
    """
    parts = numbers.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"{what} {text} is not {BOX}. Write for example box:10,20,64,64.")
    top, left, height, width = (int(part) for part in parts)
    if not height or not width or top + height > size[0] or left + width > size[1]:
        raise ConfigError(
            f"{what} {text} lies outside the image of {size[0]}x{size[1]} (height x width), or is empty. "
            f"Give {BOX} inside it."
        )
    mask = np.zeros(size, np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def file_mask(
    path: Path, size: tuple[int, int], what: str = "region", beside: str = "label map"
) -> npt.NDArray[np.bool_]:
    """The mask in a PNG, set where it is not 0: of `size` (height, width), that of what it lies `beside`.

    Raises:
        DataError: it cannot be read, or has another size.
    """
    mask = read_instance_map(path, f"{what} mask") > 0
    if mask.shape != size:
        raise DataError(
            f"{what} mask {path} is {mask.shape[0]}x{mask.shape[1]} and its {beside} {size[0]}x{size[1]} "
            "(height x width). Give both in one size."
        )
    return mask
