"""Weight files as others publish them, filled with random numbers."""

import torch

from intarsia.blocks import efficientnet_lite, vgg


def vgg19():
    """Under torchvision's keys, the layers that are not used included."""
    own = vgg.Vgg19().state_dict()
    weights = {
        f"features.{number}.{part}": own[f"{layer}.{part}"].clone()
        for number, layer in vgg.layer_keys().items()
        for part in ("weight", "bias")
    }
    weights |= {f"features.30.{part}": torch.zeros(2) for part in ("weight", "bias")}
    return weights | {"classifier.0.weight": torch.zeros(2), "classifier.0.bias": torch.zeros(2)}


def lite0(seed=0):
    """EfficientNet-lite0 under the keys of the published file, activations kept near one by the statistics."""
    draw = torch.Generator().manual_seed(seed)
    own = efficientnet_lite.EfficientNetLite0([8]).state_dict()
    weights = {}
    for layer, (convolution, norm) in efficientnet_lite.layer_keys().items():
        kernel = torch.randn(own[f"{layer}.weight"].shape, generator=draw)
        width = kernel.shape[0]
        weights |= {
            f"{convolution}.weight": kernel,
            f"{norm}.weight": 0.5 + torch.rand(width, generator=draw),
            f"{norm}.bias": torch.randn(width, generator=draw),
            f"{norm}.running_mean": torch.randn(width, generator=draw),
            f"{norm}.running_var": kernel[0].numel() * (0.5 + torch.rand(width, generator=draw)),
            f"{norm}.num_batches_tracked": torch.tensor(0),
        }
    return weights | {"_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}
