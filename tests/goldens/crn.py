"""The parts of the CRN release, built from its scripts' constants out of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from intarsia.blocks.frozen import freeze
from intarsia.blocks.layer_normalised import resized_bilinear
from intarsia.checkpoints.convert import crn as convert
from intarsia.checkpoints.convert.keymap import converted
from intarsia.coded import averaged
from intarsia.conditioning.semantics import coded_labels
from intarsia.losses import content
from intarsia.records import Condition
from intarsia.systems.content import Published
from intarsia.systems.crn import WIDTHS, CrnConfig, CrnGenerator
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN
from tests.goldens.tensorflow import (
    as_stored,
    gradient,
    in_levels,
    in_range,
    one_hot,
    planes_first,
    planes_last,
    vgg_of,
)

NEAREST, AVERAGE = 0.999, 0.001  # of the published loss over several images


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """recursive_generator: labels -> images."""
    config = crn_config(golden.config)
    network = CrnGenerator(config)
    keys = convert.generator_keys(config)
    tensors = converted(convert.as_torch(golden.weights), keys, network.state_dict(), "golden", "generator")
    network.load_state_dict(convert.labels_first(tensors, config))
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    network.train(golden.training)
    condition = Condition(coded_labels(golden.tensor("label").long(), config.labels), config.size)
    condition = condition.dense() if road == DENSE else condition
    with torch.no_grad():
        images = (freeze(network) if road == FROZEN else network)(condition).images
    return as_stored(golden, {"images": planes_last(in_levels(images.flatten(0, 1)))})


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """compute_error and the lines after it: the diversity loss of several images, or the simple one of one."""
    weights = [1 / scale for scale in golden.config["lambdas"]]
    levels = Published(vgg_of(golden))
    fake = golden.tensor("fake").float().requires_grad_(True)
    with torch.no_grad():
        real = levels(in_range(planes_first(golden.tensor("real"))))
    seen = levels(in_range(planes_first(fake)))
    if golden.config["images"] == 1:
        terms = {f"p{i}": content.content([seen[i]], [real[i]], [weights[i]]) for i in range(len(weights))}
        loss = content.content(seen, real, weights)
    else:
        planes = one_hot(golden.tensor("label"), _classes(golden))
        several = [level[None] for level in seen]
        terms = {
            f"p{i}": content.content_by_class([several[i]], [real[i]], planes, [weights[i]])[0]
            for i in range(len(weights))
        }
        whole = content.content_by_class(several, real, planes, weights)
        loss = NEAREST * content.nearest(whole) + AVERAGE * content.average(whole)
        terms["content_loss"] = whole[0]
    return terms | {
        "G_loss": loss,
        "vgg_real_conv5_2": planes_last(real[-1]),
        "grad_fake": gradient(loss, fake),
    }


def resize(golden: Golden, road: str) -> dict[str, Tensor]:
    """The two kinds of resizing that the generator uses."""
    x = planes_first(golden.tensor("x"))
    halved = averaged(x, 2)
    assert isinstance(halved, Tensor)
    return {
        "area": planes_last(halved),
        "bilinear": planes_last(resized_bilinear(x, 2 * x.shape[2], 2 * x.shape[3])),
    }


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("crn", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("crn", "losses"): (losses, ("",)),
    ("crn", "resize"): (resize, ("",)),
}


def crn_config(options: Mapping[str, Any]) -> CrnConfig:
    """The golden's sizes as our config."""
    heights = [options["first_height"]]
    while heights[-1] < options["height"]:
        heights.append(2 * heights[-1])
    published = {4 << place: width for place, width in enumerate(WIDTHS)}
    dims = published if options["dims"] == "published" else {int(key): dim for key, dim in options["dims"].items()}
    return CrnConfig(
        labels=options["label_nc"],
        images=options["outputs"],
        size=(options["height"], options["width"]),
        widths=tuple(dims[height] for height in heights),
    )


def _classes(golden: Golden) -> int:
    """How many columns the published matrices have."""
    return int(golden.outputs["content_loss"].shape[-1])
