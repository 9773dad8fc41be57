"""The parts of the SIMS release, built from its scripts' constants out of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from intarsia.blocks.frozen import freeze
from intarsia.blocks.segment_networks import OrderingNetwork, PaintingNetwork, PlacingNetwork
from intarsia.blocks.spatial_transformer import transformed
from intarsia.checkpoints.convert import sims as convert
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.conditioning.semantics import coded_labels
from intarsia.losses import content, segments
from intarsia.systems.content import Published
from intarsia.systems.crn import SIMPLE_WEIGHTS
from intarsia.systems.sims import SimsConfig
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN
from tests.goldens.tensorflow import as_stored, in_levels, in_range, one_hot, planes_first, planes_last, vgg_of

LAST_LAYER = "g_1024_conv100/weights"  # of the network with two doublings
PUBLISHED_WIDTH = 64
MEANING = 10  # weight of the segmentation head's loss


def synthesis(golden: Golden, road: str) -> dict[str, Tensor]:
    """recursive_generator: labels and canvas, blue first -> image, blue first, and logits."""
    config = sims_config(golden.config, doublings_of(golden))
    network = PaintingNetwork(config.planes, config.width, config.doublings)
    fill(network, convert.painting_keys(config), golden, config)
    network.train(golden.training)
    labels = coded_labels(golden.tensor("label").long(), config.planes)
    semantics = labels.dense() if road == DENSE else labels
    canvas = planes_first(golden.tensor("canvas")).flip(1) / 255
    with torch.no_grad():
        image, logits = (freeze(network) if road == FROZEN else network)(semantics, canvas)
    return as_stored(golden, {"image": planes_last(in_levels(image.flip(1))), "semantic": planes_last(logits)})


def order(golden: Golden, road: str) -> dict[str, Tensor]:
    """proposal_classifier: colours of pairs and layout -> scores."""
    weights = golden.weights
    planes = weights["g_selection_classify/biases"].numel()
    network = OrderingNetwork(planes, weights["g_selection_conv1/g_selection_conv1_1/weights"].shape[3])
    fill(network, convert.ordering_keys(), golden)
    network.train(golden.training)
    small = planes_first(golden.tensor("data_small")) / 255
    step = golden.config["height"] // small.shape[2]
    with torch.no_grad():
        scores = network(small.repeat_interleave(step, 2).repeat_interleave(step, 3))
    fronts = golden.tensor("target").long() - 1
    return {"scores": scores, "loss": segments.order(scores[None], fronts[None])}


def transform(golden: Golden, road: str) -> dict[str, Tensor]:
    """proposal_transform and transformer: segments, where they belong and the layout -> in their places."""
    layout = one_hot(golden.tensor("label"), _planes(golden))
    shrink = golden.config["height"] // (32 * golden.config["final_pool"][0])
    width = golden.weights["g_transform_conv1/g_transform_conv1_1/weights"].shape[3]
    network = PlacingNetwork(layout.shape[1], width, shrink)
    golden.weights["g_b_fc1"] = golden.tensor("g_b_fc1")
    fill(network, convert.placing_keys(), golden)
    proposals = planes_first(golden.tensor("proposals")) / 255
    queries, layout = golden.tensor("mask").float(), layout.expand(len(proposals), -1, -1, -1)
    with torch.no_grad():
        pool, theta = network.seen(proposals, queries, layout), network(proposals, queries, layout)
        theta = theta.round() if golden.config["round_theta"] else theta
        warped = transformed(proposals, theta)
    combined = (warped * queries[:, None]).sum(0, keepdim=True)
    real = planes_first(golden.tensor("real")).flip(1) / 255
    return {
        "theta": theta,
        "warped": planes_last(warped),
        "combined": planes_last(combined),
        "pool": pool,
        "loss": segments.placement(combined, real, queries[None]),
    }


def stn(golden: Golden, road: str) -> dict[str, Tensor]:
    """transformer: pictures and affine maps -> pictures."""
    return {"y": planes_last(transformed(planes_first(golden.tensor("x")), golden.tensor("theta")))}


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """compute_error and the lines after it, on images with blue first."""
    logits = planes_first(golden.tensor("semantic_logits"))
    real, fake = (in_range(planes_first(golden.tensor(name))).flip(1) for name in ("real", "fake"))
    # At the largest size the head, and VGG19, work at half the resolution.
    levels = Published(vgg_of(golden), flipped=True, halved=2 * logits.shape[2] == real.shape[2])
    with torch.no_grad():
        seen = levels(fake), levels(real)
    weights = SIMPLE_WEIGHTS
    terms = {
        f"p{i}": content.content([made], [photo], [weights[i]])
        for i, (made, photo) in enumerate(zip(*seen, strict=True))
    }
    meaning = segments.meaning(logits, golden.tensor("label_gt").long())
    return terms | {"p_semantic": meaning, "G_loss": content.content(*seen, weights) + MEANING * meaning}


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("sims", "synthesis"): (synthesis, (CODED, DENSE, FROZEN)),
    ("sims", "order"): (order, ("",)),
    ("sims", "transform"): (transform, ("",)),
    ("sims", "stn"): (stn, ("",)),
    ("sims", "losses"): (losses, ("",)),
}


def doublings_of(golden: Golden) -> Literal[0, 1, 2]:
    """Which of the three networks it is."""
    if golden.config["script"].startswith("synthesis_256"):
        return 0
    return 2 if LAST_LAYER in golden.weights else 1


def sims_config(options: Mapping[str, Any], doublings: Literal[0, 1, 2]) -> SimsConfig:
    """The golden's sizes as our config."""
    return SimsConfig(
        labels=options["label_nc"],
        size=(options["height"], options["width"]),
        doublings=doublings,
        width=PUBLISHED_WIDTH // options["width_divisor"],
    )


def fill(network: nn.Module, keys: KeyMap, golden: Golden, config: SimsConfig | None = None) -> None:
    """Load official weights, strictly; those of the painting network with red first."""
    tensors = converted(convert.as_torch(golden.weights), keys, network.state_dict(), "golden", golden.part)
    network.load_state_dict(tensors if config is None else convert.red_first(tensors, config))
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"


def _planes(golden: Golden) -> int:
    """Columns of the labels: what the first layer sees beside three colours and a mask."""
    return int(golden.weights["g_transform_conv1/g_transform_conv1_1/weights"].shape[2]) - 4
