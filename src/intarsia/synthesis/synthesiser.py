"""The door to a trained generator: label map in, photo out.

Setting a scene is slow, rendering it is fast: everything that depends on the labels alone (coded map, neighbourhoods,
tables of scale and shift) is computed at the first render of a scene and kept for the next ones. Where noise is part of
the map, another seed computes the tables again, and a re-rolled region those rows that look at it.

    synthesiser = Synthesiser.from_pretrained("spade-earth-128")
    scene = synthesiser.open("map.png")      # or synthesiser.scene(label_map), an array H W of ids as in the file
    photo = scene.render()                   # H W 3 uint8

Two doors. Through the numpy door come raw ids as in files, and leave uint8 photos: round((x + 1) * 127.5) for x in
[-1, 1], halves to even. Through the tensor door come train ids, and leave float32 images in [-1, 1].
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from intarsia.blocks.frozen import freeze
from intarsia.checkpoints.models import find_model
from intarsia.checkpoints.snapshot import CARD, Card, check_label_space, load_generator
from intarsia.conditioning.noise import LAYOUTS, Layout
from intarsia.conditioning.objects import connected_regions
from intarsia.conditioning.semantics import coded_labels
from intarsia.conditioning.shapes import descriptors
from intarsia.data.label_files import Photo, read_instance_map, read_label_map, refuse_large
from intarsia.data.transforms import photo_array
from intarsia.errors import CheckpointError, ConfigError, LabelError
from intarsia.labels import Ids, LabelSpace
from intarsia.records import LAST_SEED, Condition, Seeds
from intarsia.repeatable import settle_vector_functions
from intarsia.synthesis import DEFAULT_MODEL
from intarsia.synthesis.collage import collage, shrunk, spread_out
from intarsia.synthesis.noise import Noise
from intarsia.synthesis.object_styles import SceneObject, Style, StyleBank, Vector, objects_of, painted, styled
from intarsia.synthesis.photos import photo_tensor
from intarsia.synthesis.regions import Region, region_mask
from intarsia.synthesis.segment_bank import SegmentBank
from intarsia.systems import config_from_dict
from intarsia.systems.sims import SimsGenerator

MOST_PIXELS = 4096 * 4096


class Synthesiser:
    """A trained generator and the label space that it speaks."""

    def __init__(self, card: Card, generator: nn.Module, device: str | torch.device = "cpu") -> None:
        """Take a generator in evaluation mode as `load_generator` returns it; prefer `from_pretrained`.

        Raises:
            ConfigError: the card's label space is not the one that the generator was trained with.
        """
        settle_vector_functions()
        self.card = card
        self.label_space: LabelSpace = card.label_space
        self.config: Any = config_from_dict(card.system, card.config)
        if self.label_space.channels != self.config.labels:
            raise ConfigError(
                f"the label space {self.label_space.name} has {self.label_space.channels} channels, and the generator "
                f"was trained with {self.config.labels}. Restore the label space that it was trained with."
            )
        self.device = torch.device(device)
        self.features = int(getattr(self.config, "features", 0))  # most systems have no features of objects
        self.encoder_digest = digest(generator.get_submodule("encoder")) if self.features else ""
        self.bank: SegmentBank | None = None  # that models which paint over pasted segments take these from
        self.parameters = sum(parameter.numel() for parameter in generator.parameters())
        self.generator = freeze(generator.to(self.device))

    @classmethod
    def from_pretrained(cls, model: str | Path = DEFAULT_MODEL, device: str | torch.device = "cpu") -> Synthesiser:
        """Load a bundled model by name, a snapshot folder, or a model of the Hugging Face hub (`owner/name`).

        Raises:
            CheckpointError: there is no such model, or it cannot be read, or its card contradicts itself.
        """
        folder = find_model(model)
        try:
            card, generator = load_generator(folder)
            return cls(card, generator, device)
        except ConfigError as error:
            raise CheckpointError(f"{folder / CARD} is malformed: {error}") from None

    @property
    def stride(self) -> int:
        """Images are made in multiples of this; other label maps are padded, and the photos cropped."""
        return int(self.config.stride)

    def padded(self, maps: Tensor) -> Tensor:
        """Maps ... H W as large as the generator takes them, on its device."""
        least = int(getattr(self.config, "least_side", self.stride))  # most generators make images of one stride too
        return padded_map(maps, self.stride, least).to(self.device)

    @property
    def has_style(self) -> bool:
        """Whether the look can be chosen: by seed, by latent vector or by a photo. Otherwise labels decide alone."""
        return bool(self.config.style)

    @property
    def noise_length(self) -> int:
        """Length of the noise vectors that are part of the map (3D noise); 0 for models without."""
        return int(getattr(self.config, "noise", 0))  # most systems have no such setting

    @property
    def images(self) -> int:
        """How many images of a map the generator makes at once, for seeds to choose among; 1 for most."""
        return int(getattr(self.config, "images", 1))  # most systems have no such setting

    @property
    def has_edges(self) -> bool:
        """Whether the generator sees the edges of instances."""
        return bool(self.config.edges)

    @property
    def pastes(self) -> bool:
        """Whether the generator paints over pasted segments of photos."""
        return bool(getattr(self.config, "pasted", False))  # most systems have no such setting

    def paste_from(self, bank: SegmentBank) -> None:
        """Take pasted segments from a bank, in every scene from now on. Without one, the canvas is empty.

        Raises:
            ConfigError: the model pastes no segments, or the bank is of another size than it was trained at.
            CheckpointError: the bank is of another label space.
        """
        if not self.pastes:
            raise ConfigError(f"model {self.card.preset} pastes no segments. Leave the segment bank out.")
        check_label_space(self.label_space, bank.label_space, f"model {self.card.preset}")
        if bank.size != self.config.size:
            raise ConfigError(
                f"segment bank {bank.source} is of photos of {_size(bank.size)}, and model {self.card.preset} was "
                f"trained at {_size(self.config.size)} (height x width). Build one of its preset."
            )
        self.bank = bank

    @property
    def has_shapes(self) -> bool:
        """Whether the generator sees where pixels lie in their objects."""
        return bool(getattr(self.config, "shapes", False))  # most systems do not

    @property
    def edits(self) -> bool:
        """Whether the generator fills holes in photos (`synthesis/edit.py`) instead of making whole ones."""
        return bool(getattr(self.config, "edits", False))  # most systems make whole ones

    def check_features(self) -> None:
        """Refuse what only models with features of objects can do.

        Raises:
            ConfigError: this is none.
        """
        if not self.features:
            raise ConfigError(
                f"model {self.card.preset} has no features of objects, so that no object has a style of its own. "
                "Leave the styles out, or use a model trained with features."
            )

    def object_styles(self, photo: Photo, instances: Ids) -> dict[int, Vector]:
        """What the objects in a photo look like: styles to give to others, by number.

        Args:
            photo: H W 3 uint8.
            instances: H W integers; equal numbers are one object (for models with features of labels, a label map).

        Raises:
            ConfigError: the model has no features of objects, or photo and instance map differ in size.
        """
        self.check_features()
        numbers = np.asarray(instances, np.int64)
        if numbers.shape != photo.shape[:2]:
            raise ConfigError(
                f"the photo is {_size(photo.shape)} and its instance map {_size(numbers.shape)} (height x width). "
                "Give both in one size."
            )
        seen = self.padded(photo_tensor(photo)[None])
        objects = self.padded(torch.from_numpy(numbers)[None])
        with torch.inference_mode(), memory_told(numbers.shape):
            encode: Any = self.generator.encode
            maps = encode(seen, objects)[0, :, : numbers.shape[0], : numbers.shape[1]].flatten(1).cpu().numpy()
        ids, first = np.unique(numbers, return_index=True)
        return {int(number): maps[:, place].copy() for number, place in zip(ids, first, strict=True)}

    def style_of(self, photo: Photo) -> Vector:
        """The style vector that the encoder sees in a photo (its mean), `config.latent` float32, for `Scene.render`.

        Raises:
            ConfigError: the model has no style, or the photo is not H W 3 uint8.
        """
        if not self.has_style:
            raise self._without_style()
        seen = photo_tensor(photo)[None].to(self.device)
        with torch.inference_mode(), memory_told(photo.shape[:2]):
            mean: Tensor = self.generator.get_submodule("encoder")(seen)[0]
        return mean[0].cpu().numpy()

    def _without_style(self) -> ConfigError:
        return ConfigError(
            f"model {self.card.preset} has no style: its photos follow from the labels alone. "
            "Leave the style out, or use a model trained with one."
        )

    def open(self, label_map: str | Path, instances: str | Path | None = None) -> Scene:
        """Set the scene of a label file: an index, palette or colour PNG of `label_space`. Instance maps are PNG.

        Raises:
            DataError: a file is missing, damaged, no PNG, or too large.
            LabelError: it holds an id or colour that the label space does not know, or sizes differ.
        """
        file = read_label_map(Path(label_map), self.label_space, most_pixels=MOST_PIXELS)
        labels = torch.from_numpy(file.labels)[None]
        objects = None if instances is None else torch.from_numpy(read_instance_map(Path(instances)))[None]
        return self.tensor_scene(labels, objects, batched=False, source=str(label_map))

    def scene(self, label_map: Ids, instances: Ids | None = None, *, source: str = "given") -> Scene:
        """Set a scene through the numpy door.

        Args:
            label_map: H W, or B H W for a batch, integer raw ids of `label_space` (values as in a label file).
            instances: of the same shape, any numbering; equal numbers are one object. Needed to tell touching objects
                of one class apart, by models with instance edges and for noise per instance; without it, each
                connected region is one object.
            source: what errors call the label map, such as its file name.

        Raises:
            LabelError: the shape is no label map's, or an id is not in the label space.
            DataError: it has more than `MOST_PIXELS`.
            ConfigError: the model fills holes in photos.
        """
        label_map = np.asarray(label_map)
        if label_map.ndim not in (2, 3) or label_map.dtype.kind not in "iu":
            raise LabelError(
                f"label map {source} is {label_map.dtype} of shape {label_map.shape}; expected integers H W or B H W. "
                "Give class ids, not colours; Synthesiser.open reads files of either."
            )
        batch = label_map if label_map.ndim == 3 else label_map[None]
        _check_size(batch.shape, source)
        train = np.stack([self.label_space.encode(one, source) for one in batch])
        if instances is not None:
            instances = np.asarray(instances, np.int64).reshape(-1, *np.shape(instances)[-2:])
        return self.tensor_scene(
            torch.from_numpy(train),
            None if instances is None else torch.from_numpy(instances),
            batched=label_map.ndim == 3,
            source=source,
        )

    def tensor_scene(
        self, labels: Tensor, instances: Tensor | None = None, *, batched: bool = True, source: str = "given"
    ) -> Scene:
        """Set a scene through the tensor door.

        Args:
            labels: B H W int64 train ids, 0 <= id < label_space.channels.
            instances: B H W int64, or None.
            batched: whether photos are B H W 3 rather than H W 3.
            source: what errors call the label map.

        Raises:
            LabelError: the shape or an id is wrong, or the instance map's size is another.
            DataError: it has more than `MOST_PIXELS`.
            ConfigError: the model fills holes in photos, for which labels are not enough.
        """
        if self.edits:
            raise ConfigError(
                f"model {self.card.preset} fills holes in photos, and makes none from labels alone. "
                "Edit a photo with it: intarsia edit."
            )
        if labels.ndim != 3 or labels.dtype != torch.int64:
            raise LabelError(
                f"label map {source} is {labels.dtype} of shape {tuple(labels.shape)}; expected torch.int64 B H W."
            )
        _check_size(labels.shape, source)
        channels = self.label_space.channels
        if int(labels.min()) < 0 or int(labels.max()) >= channels:
            raise LabelError(
                f"label map {source} has train ids {int(labels.min())}..{int(labels.max())}; "
                f"{self.label_space.name} has 0..{channels - 1}. Encode raw ids with LabelSpace.encode."
            )
        if instances is not None and instances.shape != labels.shape:
            raise LabelError(
                f"instance map of {source} is {_size(instances.shape[1:])} and its label map "
                f"{_size(labels.shape[1:])} (height x width). "
                "Give both in one size."
            )
        padded = self.padded(labels)
        edges = None
        if self.has_edges:
            # Without an instance map, objects are connected regions of a class: their edges are those of the labels.
            edges = padded if instances is None else self.padded(instances)
        semantics = coded_labels(padded, channels, edges)
        size = (labels.shape[1], labels.shape[2])
        shapes = self._shapes(padded, instances) if self.has_shapes else None
        scene = Scene(self, Condition(semantics, semantics.size, shapes=shapes), size, batched, labels, instances)
        if self.noise_length:
            objects = connected_regions(padded) if instances is None else self.padded(instances)
            return replace(scene, noise=Noise(semantics, padded, objects, self.noise_length))
        if not self.features:
            return scene
        numbers = self._numbers(labels, instances)
        condition = Condition(semantics, semantics.size, objects=self.padded(numbers))
        return replace(scene, condition=condition, objects=objects_of(numbers, labels, self.label_space))

    def _shapes(self, padded: Tensor, instances: Tensor | None) -> Tensor:
        """Where pixels lie in their objects; without an instance map, each connected region is one."""
        first = self.config.first_instance
        return descriptors(connected_regions(padded) + first if instances is None else self.padded(instances), first)

    def _numbers(self, labels: Tensor, instances: Tensor | None) -> Tensor:
        """The numbers of the objects that have features, B H W int64."""
        if self.config.features_of == "labels":
            return torch.from_numpy(self.label_space.decode(labels.cpu().numpy()))
        return connected_regions(labels) if instances is None else instances

    def __call__(self, label_map: Ids, *, seed: int = 0) -> Photo:
        """One photo of one label map: H W raw ids -> H W 3 uint8. For more of the same map, keep the `scene`."""
        return self.scene(label_map).render(seed=seed)


@dataclass(frozen=True, eq=False)
class Scene:
    """Label maps set for a synthesiser; what is computed from them is shared by all renders."""

    synthesiser: Synthesiser = field(repr=False)
    condition: Condition = field(repr=False)  # padded to multiples of the stride
    size: tuple[int, int]  # height, width of the label map and of the photo
    batched: bool  # whether photos are B H W 3 rather than H W 3
    labels: Tensor = field(repr=False)  # B H W int64 train ids
    instances: Tensor | None = field(repr=False)  # B H W int64, any numbering
    noise: Noise | None = field(default=None, repr=False)  # in models whose noise is part of the map
    objects: tuple[SceneObject, ...] = ()  # those that have a style, in models with features of objects
    _renders: Iterator[int] = field(default_factory=count, repr=False)  # their numbers, over rerolled scenes too

    def __len__(self) -> int:
        """How many label maps there are."""
        semantics = self.condition.semantics
        return len(semantics.codes) if not isinstance(semantics, Tensor) else len(semantics)

    @property
    def instance_map(self) -> npt.NDArray[np.int64]:
        """The numbers of the objects, H W (B H W for a batch); where none were given, those of connected regions.

        Raises:
            ConfigError: the model has no features of objects.
        """
        self.synthesiser.check_features()
        assert self.condition.objects is not None
        numbers: npt.NDArray[np.int64] = self.condition.objects[:, : self.size[0], : self.size[1]].cpu().numpy()
        return numbers if self.batched else numbers[0]

    def reroll(self, region: Region, *, seed: int) -> Scene:
        """The same scene, in which a region takes the noise that it would have under another seed.

        Photos of both scenes differ nearly only there. Only for models whose noise is part of the map. Regions of
        several calls add up; where they overlap, the last one counts.

        Args:
            region: the name of a class, a mask (H W bool, or B H W for a batch), or a number of the instance map.
            seed: of the region's noise, 0 or more. Under it, the whole photo would look as the region will.

        Raises:
            ConfigError: the model has no such noise, the seed is out of range, or the region is empty or of another
                size.
            LabelError: no class has that name, or the scene has no such instance.
        """
        if self.noise is None:
            raise self._without_noise("no region can be re-rolled")
        _check_seed(seed)
        mask = region_mask(region, self.labels, self.instances, self.synthesiser.label_space)
        return replace(self, noise=self.noise.rerolled(self.synthesiser.padded(mask), seed))

    def paint(
        self, styles: Mapping[int | str, Style] | None = None, bank: StyleBank | None = None, seed: int = 0
    ) -> Tensor:
        """The features of every pixel for `render_tensor`, B features H W float32: each object filled with its style.

        Arguments and errors are those of `render`.
        """
        synthesiser = self.synthesiser
        synthesiser.check_features()
        if bank is not None and bank.encoder != synthesiser.encoder_digest:
            raise ConfigError(
                f"style bank {bank.source} was built with another encoder, of a model {bank.preset}. "
                "Build one with this model: intarsia style build."
            )
        of_each = styled(self.objects, styles or {}, bank, seed, synthesiser.features, synthesiser.label_space)
        assert self.condition.objects is not None
        return painted(self.condition.objects[:, : self.size[0], : self.size[1]], self.objects, of_each)

    def render(
        self,
        *,
        seed: int = 0,
        style: Photo | None = None,
        z: npt.ArrayLike | None = None,
        styles: Mapping[int | str, Style] | None = None,
        bank: StyleBank | None = None,
        noise: Layout | npt.NDArray[Any] = "global",
    ) -> Photo:
        """Photos, H W 3 uint8 (B H W 3 for a batch); the same arguments give the same photos (on a GPU up to rounding).

        Args:
            seed: of style vector or noise, 0 or more; each map of a batch gets the same. Models that make K images at
                once show number seed modulo K; with pasted segments 0 pastes the likeliest, others draw among the best.
                Others without any of these have one photo per map, whatever the seed.
            style: h w 3 uint8, a photo whose look is taken over. Only for models with style, or with features of
                objects: then it is a photo of this very scene, and each object looks as it does there.
            z: the style vector itself, of `config.latent` numbers. Only for models with style; `seed` is then unused.
            styles: how objects look, by instance number or name of a class: a vector, or `Cluster` or `Drawn`, which
                take one from the bank. Only for models with features of objects.
            bank: the styles to draw from with `seed`, for objects that `styles` does not name.
            noise: only for models whose noise is part of the map. Which pixels share a noise vector ("global",
                "per-class", "per-instance"), or free regions (H W integers: equal numbers share one), or the noise
                itself: one vector (Z floats) or a map of them (Z H W).

        Raises:
            ConfigError: the model has no style or no such noise, the arguments contradict each other or the scene, a
                shape is wrong, or memory ran out.
            LabelError: `styles` names a class that the label space does not have.
        """
        photo = None if style is None else photo_tensor(style)[None].expand(len(self), -1, -1, -1)
        vectors = None if z is None else torch.tensor(np.asarray(z, np.float32)).expand(len(self), -1)
        seeds, features = [seed] * len(self), None
        if styles is not None or bank is not None or (self.synthesiser.features and photo is None):
            features = self.paint(styles, bank, seed)
        if isinstance(noise, str):
            images = self.render_tensor(seeds=seeds, style=photo, noise=vectors, features=features, layout=noise)
        else:
            self.check_noise(noise := np.asarray(noise))
            assert self.noise is not None
            images = self._rendered(self._under(self.noise, noise, seeds))
        photos = photo_array(images)
        return photos if self.batched else photos[0]

    def render_tensor(
        self,
        *,
        seeds: Sequence[int] | None = None,
        style: Tensor | None = None,
        noise: Tensor | None = None,
        features: Tensor | None = None,
        layout: Layout = "global",
    ) -> Tensor:
        """Images, B 3 H W float32 in [-1, 1], on the synthesiser's device.

        Args:
            seeds: one for each map, 0 or more (0 if not given); drawn from them is `noise` where it is not given.
            style: B 3 h w float32 in [-1, 1]; the encoder's mean is taken, without noise.
            noise: B latent float32, the style vectors.
            features: B features H W float32, for models with features of objects; `paint` makes them.
            layout: which pixels share a noise vector, for models whose noise is part of the map.

        Raises:
            ConfigError: as `render`.
        """
        config, device = self.synthesiser.config, self.synthesiser.device
        if features is not None:
            self.synthesiser.check_features()
        if layout != "global":
            self.check_noise(layout)
        if self.synthesiser.features and noise is None:
            return self._rendered(self._with_features(style, features))
        if not self.synthesiser.has_style and (style is not None or noise is not None):
            raise self.synthesiser._without_style()
        if style is not None and noise is not None:
            raise ConfigError("a style photo and a style vector were given. Give one of them.")
        seeds = [0] * len(self) if seeds is None else seeds
        if len(seeds) != len(self):
            raise ConfigError(f"{len(seeds)} seeds were given for {len(self)} label maps. Give one for each.")
        for seed in seeds:
            _check_seed(seed)
        if self.noise is not None:
            return self._rendered(self.noise.drawn(layout, seeds))
        if self.synthesiser.has_style and noise is None:
            drawn = Seeds(tuple(seeds)).normal(config.latent)
            noise = drawn if style is None else torch.zeros_like(drawn)
        if noise is not None and noise.shape != (len(self), config.latent):
            raise ConfigError(f"the style vector has {noise.shape[-1]} numbers; this model needs {config.latent}.")
        if self.synthesiser.pastes:
            return self._rendered(self._pasted(seeds))
        if self.synthesiser.images > 1:
            choice = torch.tensor([seed % self.synthesiser.images for seed in seeds], device=device)
            return self._rendered(replace(self.condition, choice=choice))
        condition = self.condition.restyled(
            noise=None if noise is None else noise.to(device), photo=None if style is None else style.to(device)
        )
        return self._rendered(condition)

    def check_noise(self, noise: Layout | npt.NDArray[Any]) -> None:
        """Refuse noise that `render` could not use.

        Raises:
            ConfigError: the model has no noise in its map, or there is no such layout, or an array is of no use.
        """
        if self.noise is None:
            raise self._without_noise("noise cannot be given")
        if isinstance(noise, str):
            if noise not in LAYOUTS:
                raise ConfigError(f"there is no noise {noise}. Give {', '.join(LAYOUTS)}, or an array.")
            return
        length, (height, width) = self.noise.length, self.size
        regions = noise.dtype.kind in "iu" and noise.shape == self.size
        if not regions and (noise.dtype.kind != "f" or noise.shape not in ((length,), (length, height, width))):
            raise ConfigError(
                f"the noise is {noise.dtype} of shape {noise.shape}. Give {length} floats, a map of them "
                f"({length}, {height}, {width}), or integers ({height}, {width}): regions."
            )
        if not np.isfinite(noise).all():
            raise ConfigError("the noise has values that are not finite. Draw it again.")

    def _under(self, field: Noise, noise: npt.NDArray[Any], seeds: Sequence[int]) -> Condition:
        """The condition under free regions or a noise map."""
        if noise.dtype.kind in "iu":
            numbers = torch.from_numpy(noise.astype(np.int64)).expand(self.labels.shape)
            return field.drawn_by(self.synthesiser.padded(numbers), seeds)
        planes = torch.from_numpy(noise.astype(np.float32)).view(field.length, *noise.shape[1:] or (1, 1))
        padded = self.synthesiser.padded(planes.expand(field.length, *self.size))
        return field.given(padded.expand(len(self), *padded.shape))

    def _with_features(self, photo: Tensor | None, features: Tensor | None) -> Condition:
        """The condition with features of objects: given, or those of the objects in a photo of the scene."""
        if (photo is None) == (features is None):
            raise ConfigError("objects take their style from a photo of the scene, or from features. Give one of them.")
        given = photo if features is None else features
        assert given is not None
        shape = (len(self), 3 if features is None else self.synthesiser.features, *self.size)
        if given.shape != shape:
            what = "style photo has" if features is None else "features have"
            raise ConfigError(
                f"the {what} shape {tuple(given.shape)}; this scene needs {shape}. "
                "Give a photo of the scene itself, or its features."
            )
        given = self.synthesiser.padded(given)
        return self.condition.restyled(photo=given) if features is None else self.condition.restyled(features=given)

    def _pasted(self, seeds: Sequence[int]) -> Condition:
        """The condition with a canvas, and with the labels that belong to it."""
        synthesiser, config = self.synthesiser, self.synthesiser.config
        maps = synthesiser.padded(self.labels).cpu()
        canvases = torch.zeros(len(maps), 3, *maps.shape[1:])
        if synthesiser.bank is not None:
            assert isinstance(synthesiser.generator, SimsGenerator)
            for place, (labels, seed) in enumerate(zip(maps, seeds, strict=True)):
                small = shrunk(labels, config.size)
                made = collage(synthesiser.generator, synthesiser.bank, small, config.roles, seed)
                canvases[place], maps[place] = spread_out(made, labels)
        semantics = coded_labels(maps.to(synthesiser.device), config.planes)
        return Condition(semantics, semantics.size, canvas=canvases.to(synthesiser.device))

    def _rendered(self, condition: Condition) -> Tensor:
        height, width = self.size
        with torch.inference_mode(), memory_told(self.size):
            coded = next(self._renders) > 0 or tables_pay_at_once(self.synthesiser.device)
            image: Tensor = self.synthesiser.generator(condition if coded else condition.dense()).image
        return image[:, :, :height, :width].clamp(-1, 1)  # not all generators end with tanh

    def _without_noise(self, what: str) -> ConfigError:
        return ConfigError(
            f"{what}: model {self.synthesiser.card.preset} has no noise in its map. Use one that has, such as OASIS."
        )


def tables_pay_at_once(device: torch.device) -> bool:
    """Whether a map's tables are worth making for one image: a GPU multiplies planes sooner than it finds windows."""
    return device.type == "cpu"


def digest(network: nn.Module) -> str:
    """Of a network's weights: tells whether two are the same."""
    found = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        found.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def padded_map(labels: Tensor, stride: int, least: int = 1) -> Tensor:
    """... H W padded at the right and bottom to multiples of `stride`, by repeating the last column and row.

    Sides come out at `least` long, itself a multiple.
    """
    rows, columns = (
        torch.arange(max(-(-side // stride) * stride, least)).clamp(max=side - 1) for side in labels.shape[-2:]
    )
    return labels[..., rows[:, None], columns]


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= LAST_SEED:
        raise ConfigError(f"seed {seed} is outside 0..{LAST_SEED}. Choose another.")


def _size(shape: Sequence[int]) -> str:
    return "x".join(str(number) for number in shape[:2])


def _check_size(shape: Sequence[int], source: str) -> None:
    count, height, width = shape
    if not count:
        raise LabelError(f"label map {source} is a batch of none. Give at least one.")
    if not height or not width:
        raise LabelError(f"label map {source} has no pixels ({height}x{width}). Export it again.")
    refuse_large(f"label map {source}", height, width, MOST_PIXELS)


@contextmanager
def memory_told(size: tuple[int, int]) -> Iterator[None]:
    """Turn an allocator's refusal into one line."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one; the CPU's allocator raises it plain
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise ConfigError(
            f"a photo of {size[0]}x{size[1]} needs more memory than there is. Make the map smaller."
        ) from None
