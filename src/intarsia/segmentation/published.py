"""The segmenters that papers of the field measured with, and newer ones, from their publishers' own weight files.

| name | network | tells apart | weight files |
|---|---|---|---|
| drn-d-105 | DRN-D-105, multi-scale training (fyu/drn) | the 19 classes of Cityscapes | one .pth |
| upernet-101 | UPerNet on ResNet-101 (CSAILVision) | the 150 classes of ADE20K | encoder and decoder .pth |
| deeplab-v2-101 | DeepLabV2 on ResNet-101, three scales (kazuto1011) | the 182 ids of COCO-Stuff | one .pth |
| mask2former-*, segformer-* | `transformers` (optional) | Cityscapes or ADE20K | the hub's cache |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from intarsia.blocks.bottlenecks import DeepLabV2, DrnD105, UperNet101
from intarsia.data.label_files import Photo
from intarsia.data.spaces import label_space_of
from intarsia.data.transforms import Size, resized_photo
from intarsia.errors import CheckpointError
from intarsia.labels import Ids, LabelSpace
from intarsia.repeatable import settle_vector_functions
from intarsia.weights import WeightFile, find_weights, read_weights

Logits = Callable[[nn.Module, Photo, Size, torch.device], Tensor]
"""Network, photo, size: scores of each class at that size, classes H W."""

Names = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
"""Patterns of keys, and what they become."""
UPERNET_SIDES, UPERNET_LONGEST, UPERNET_STRIDE = (300, 375, 450, 525, 600), 1000, 32


@dataclass(frozen=True)
class Kind:
    """A published network: its classes, files, and what its publishers' scripts do with a photo."""

    space: str
    build: Callable[[int], nn.Module]
    files: tuple[WeightFile, ...]
    names: Names  # patterns of the files' keys -> ours, tried in order; each key once
    logits: Logits
    input: str  # the same in words


@dataclass(frozen=True)
class PublishedSegmenter:
    """A published network with its weights; see `evaluation.recogniser.Recogniser`."""

    name: str
    label_space: LabelSpace
    about: dict[str, Any]
    network: nn.Module
    logits: Logits
    device: torch.device

    def __call__(self, photo: Photo, size: Size) -> Ids:
        """Train ids, H W of `size`, of a photo H W 3 uint8."""
        with torch.inference_mode():
            found: npt.NDArray[np.int64] = self.logits(self.network, photo, size, self.device).argmax(0).cpu().numpy()
        return found


def open_published(name: str, device: str, weights: Path | None = None) -> PublishedSegmenter | HubSegmenter:
    """A segmenter of `PUBLISHED` with the weights in the folder `weights`, or in torch's (or the hub's) cache.

    Raises:
        CheckpointError: a file is not there, or is another one.
    """
    settle_vector_functions()
    if name in OF_TRANSFORMERS:
        return open_of_transformers(name, device)
    kind = PUBLISHED_KINDS[name]
    space = label_space_of(kind.space)
    found = [find_weights(file, weights) for file in kind.files]
    network = kind.build(len(space.classes))
    tensors: dict[str, Tensor] = {}
    for file in found:
        tensors |= read_weights(file.path)
    fill_renamed(network, tensors, kind.names, name, str(found[0].path))
    about = {
        "segmenter": name,
        "weights_sha256": {file.path.name: file.sha256 for file in found},
        "input": kind.input,
    }
    return PublishedSegmenter(name, space, about, network.eval().to(device), kind.logits, torch.device(device))


def renamed(key: str, names: Names) -> str:
    """A key of a published file as ours: every pattern is replaced, in order."""
    for theirs, ours in names:
        key = re.sub(theirs, ours, key)
    return key


@torch.no_grad()
def fill_renamed(network: nn.Module, tensors: Mapping[str, Tensor], names: Names, what: str, source: str) -> None:
    """Copy a published file's tensors into a network, strictly: each key has its place, each place its key.

    Raises:
        CheckpointError: one has not, or shapes differ; `what` and `source` name network and file.
    """
    own = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    given = {renamed(key, names): (key, value) for key, value in tensors.items()}
    for key in [key for key in given if key.endswith("num_batches_tracked")]:
        del given[key]
    for key, entry in own.items():
        if key not in given:
            raise CheckpointError(f"weight file {source} is not {what}: it has nothing for {key}. Get the file again.")
        theirs, value = given.pop(key)
        if value.shape != entry.shape:
            raise CheckpointError(
                f"weight file {source} is not {what}: {theirs} has shape {tuple(value.shape)}, "
                f"not {tuple(entry.shape)}. Get the file again."
            )
        entry.copy_(value)
    if given:
        unknown = sorted(theirs for theirs, _ in given.values())[0]
        raise CheckpointError(f"weight file {source} is not {what}: {unknown} is unknown. Get the file again.")


def _planes(photo: Photo, mean: Sequence[float], spread: Sequence[float]) -> Tensor:
    """1 3 H W: (value / 255 - mean) / spread."""
    planes = torch.from_numpy(np.array(photo.transpose(2, 0, 1), order="C")).float() / 255
    return ((planes - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(spread).view(3, 1, 1))[None]


def _drn_logits(network: nn.Module, photo: Photo, size: Size, device: torch.device) -> Tensor:
    image = _planes(
        resized_photo(photo, size),
        (0.29010095242892997, 0.32808144844279574, 0.28696394422942517),
        (0.1829540508368939, 0.18656561047509476, 0.18447508988480435),
    )
    padded = F.pad(image, (0, -size[1] % 8, 0, -size[0] % 8), mode="replicate")
    logits: Tensor = network(padded.to(device))[0, :, : size[0], : size[1]]
    return logits


def _upernet_logits(network: nn.Module, photo: Photo, size: Size, device: torch.device) -> Tensor:
    """Probabilities, averaged over the sizes of CSAILVision's configuration."""
    height, width = photo.shape[:2]
    total: Tensor | None = None
    for side in UPERNET_SIDES:
        scale = min(side / min(height, width), UPERNET_LONGEST / max(height, width))
        rows, columns = (-(-int(length * scale) // UPERNET_STRIDE) * UPERNET_STRIDE for length in (height, width))
        resized = np.asarray(Image.fromarray(photo).resize((columns, rows), Image.Resampling.BILINEAR))
        logits = network(_planes(resized, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)).to(device))
        scores = F.interpolate(logits, size, mode="bilinear", align_corners=False).softmax(1)[0]
        total = scores if total is None else total + scores
    assert total is not None
    return total / len(UPERNET_SIDES)


def _deeplab_logits(network: nn.Module, photo: Photo, size: Size, device: torch.device) -> Tensor:
    """Caffe's input: blue, green, red, 0..255, less the mean of ImageNet."""
    planes = torch.from_numpy(np.array(photo[..., ::-1].transpose(2, 0, 1), order="C")).float()
    image = (planes - torch.tensor((104.008, 116.669, 122.675)).view(3, 1, 1))[None]
    logits: Tensor = network(image.to(device))
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)[0]


_BOTTLENECK = (
    (r"\.conv1\.", ".reduce.conv."),
    (r"\.bn1\.", ".reduce.bn."),
    (r"\.conv2\.", ".look.conv."),
    (r"\.bn2\.", ".look.bn."),
    (r"\.conv3\.", ".widen.conv."),
    (r"\.bn3\.", ".widen.bn."),
    (r"\.downsample\.0\.", ".project.conv."),
    (r"\.downsample\.1\.", ".project.bn."),
)
PUBLISHED_KINDS: dict[str, Kind] = {
    "drn-d-105": Kind(
        "cityscapes-19",
        DrnD105,
        (WeightFile("DRN-D-105", "drn-d-105_ms_cityscapes.pth", "", "fyu/drn, Cityscapes, multi-scale"),),
        (
            (r"^module\.", ""),
            (r"^base\.", "layers."),
            *_BOTTLENECK,
            (r"^(layers\.\d+)\.0\.(weight)$", r"\1.conv.\2"),
            (r"^(layers\.\d+)\.1\.(weight|bias|running_mean|running_var|num_batches_tracked)$", r"\1.bn.\2"),
        ),
        _drn_logits,
        "photos at the size of the label map (Pillow bicubic, antialiased), normalised as Cityscapes; one scale",
    ),
    "upernet-101": Kind(
        "ade20k",
        UperNet101,
        tuple(
            WeightFile(
                "UPerNet-101",
                f"ade20k-resnet101-upernet/{part}_epoch_50.pth",
                "",
                "CSAILVision/semantic-segmentation-pytorch, ade20k-resnet101-upernet",
            )
            for part in ("encoder", "decoder")
        ),
        (
            (r"^conv(\d)\.", lambda found: f"stem.{int(found[1]) - 1}.conv."),
            (r"^bn(\d)\.", lambda found: f"stem.{int(found[1]) - 1}.bn."),
            (r"^layer(\d)\.", lambda found: f"stages.{int(found[1]) - 1}."),
            (r"^ppm_conv\.(\d)\.0\.", r"pooled.\1.conv."),
            (r"^ppm_conv\.(\d)\.1\.", r"pooled.\1.bn."),
            (r"^ppm_last_conv\.0\.", "top.conv."),
            (r"^ppm_last_conv\.1\.", "top.bn."),
            (r"^fpn_in\.(\d)\.0\.", r"lateral.\1.conv."),
            (r"^fpn_in\.(\d)\.1\.", r"lateral.\1.bn."),
            (r"^fpn_out\.(\d)\.0\.0\.", r"smooth.\1.conv."),
            (r"^fpn_out\.(\d)\.0\.1\.", r"smooth.\1.bn."),
            (r"^conv_last\.0\.0\.", "fuse.conv."),
            (r"^conv_last\.0\.1\.", "fuse.bn."),
            (r"^conv_last\.1\.", "classify."),
            *((rf"^(stages\.\d\.\d+){theirs}", rf"\1{ours}") for theirs, ours in _BOTTLENECK),
        ),
        _upernet_logits,
        f"photos with the short side at {UPERNET_SIDES}, long side at most {UPERNET_LONGEST}, rounded up to multiples "
        f"of {UPERNET_STRIDE} (Pillow bilinear), normalised as ImageNet; mean probability at the label map's size",
    ),
    "deeplab-v2-101": Kind(
        "coco-stuff",
        DeepLabV2,
        (
            WeightFile(
                "DeepLabV2-101",
                "deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
                "",
                "release v1.0 of kazuto1011/deeplab-pytorch on GitHub",
            ),
        ),
        (
            (r"^(?:base|scale)\.", ""),
            (r"^layer1\.conv1\.", "stem."),
            (r"^layer([2-5])\.block(\d+)\.", lambda found: f"stages.{int(found[1]) - 2}.{int(found[2]) - 1}."),
            (r"\.conv3x3\.", ".look."),
            (r"\.increase\.", ".widen."),
            (r"\.(?:proj|shortcut)\.", ".project."),
            (r"^aspp\.(?:stages\.)?c(\d)\.", r"aspp.\1."),
        ),
        _deeplab_logits,
        "photos as they are, blue-green-red less ImageNet's mean; the largest logit of scales 1, 0.75 and 0.5, "
        "bilinear to the size of the label map",
    ),
}


@dataclass(frozen=True)
class OfTransformers:
    """A model on the Hugging Face hub, and the label space whose classes its outputs are, in order."""

    hub_id: str
    space: str
    universal: bool  # Mask2Former's kind: masks with classes, rather than a class for each pixel


OF_TRANSFORMERS: dict[str, OfTransformers] = {
    "mask2former-cityscapes": OfTransformers(
        "facebook/mask2former-swin-large-cityscapes-semantic", "cityscapes-19", universal=True
    ),
    "mask2former-ade20k": OfTransformers("facebook/mask2former-swin-large-ade-semantic", "ade20k", universal=True),
    "segformer-cityscapes": OfTransformers(
        "nvidia/segformer-b5-finetuned-cityscapes-1024-1024", "cityscapes-19", universal=False
    ),
    "segformer-ade20k": OfTransformers("nvidia/segformer-b5-finetuned-ade-640-640", "ade20k", universal=False),
}
PUBLISHED = (*PUBLISHED_KINDS, *OF_TRANSFORMERS)


@dataclass(frozen=True)
class HubSegmenter:
    """A segmenter of `transformers`, with the preparation that it was published with."""

    name: str
    label_space: LabelSpace
    about: dict[str, Any]
    network: Any
    processor: Any
    device: torch.device

    def __call__(self, photo: Photo, size: Size) -> Ids:
        """Train ids, H W of `size`, of a photo H W 3 uint8."""
        inputs = self.processor(images=Image.fromarray(photo), return_tensors="pt").to(self.device)
        with torch.inference_mode():
            outputs = self.network(**inputs)
        (found,) = self.processor.post_process_semantic_segmentation(outputs, target_sizes=[size])
        ids: npt.NDArray[np.int64] = found.cpu().numpy().astype(np.int64)
        return ids


def open_of_transformers(name: str, device: str) -> HubSegmenter:
    """A segmenter of `OF_TRANSFORMERS` from the hub's cache; nothing is downloaded unasked.

    Raises:
        CheckpointError: `transformers` is not installed, the model is not in the cache, or has other classes.
    """
    wanted = OF_TRANSFORMERS[name]
    try:
        import transformers
    except (ImportError, RuntimeError):  # the latter: its torchvision was built for another torch
        raise CheckpointError(
            f"segmenter {name} needs transformers, which is not installed or does not fit this torch. "
            "Install it with: pip install 'intarsia[segmenters]'"
        ) from None
    kind = (
        transformers.AutoModelForUniversalSegmentation
        if wanted.universal
        else transformers.AutoModelForSemanticSegmentation
    )
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(wanted.hub_id, local_files_only=True)
        network = kind.from_pretrained(wanted.hub_id, local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"segmenter {name} is not in the hub's cache ({type(error).__name__}). "
            f"Fetch it with: hf download {wanted.hub_id}"
        ) from None
    space = label_space_of(wanted.space)
    if network.config.num_labels != len(space.classes):
        raise CheckpointError(
            f"segmenter {name} tells {network.config.num_labels} classes apart, not the {len(space.classes)} of "
            f"{space.name}. Fetch it again with: hf download {wanted.hub_id}"
        )
    about = {
        "segmenter": name,
        "hub_id": wanted.hub_id,
        "commit": getattr(network.config, "_commit_hash", None),
        "transformers": transformers.__version__,
        "input": "as its own image processor prepares photos; its scores at the size of the label map",
    }
    return HubSegmenter(name, space, about, network.eval().to(device), processor, torch.device(device))
