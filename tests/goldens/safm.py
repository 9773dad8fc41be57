"""The parts of the SAFM release, built from its options (`opt.*`) out of ours.

Goldens hold label ids as the release has them: for ADE20K the unknown class comes first; ours stands last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from intarsia.blocks.segmenting_discriminator import SegmentingDiscriminator
from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.checkpoints.convert import safm as convert
from intarsia.checkpoints.convert.keymap import converted
from intarsia.conditioning.semantics import coded_labels
from intarsia.conditioning.shapes import Bins, descriptors
from intarsia.losses import adversarial, matching, segmentation
from intarsia.pretrained import vgg19
from intarsia.records import Condition, Verdict
from intarsia.systems.safm import SafmConfig, SafmGenerator
from intarsia.systems.spade import DOUBLINGS
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN, GAN_MODES, buffers_of, maps_of, norm_options, on_road

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """SAFMGenerator: labels, descriptors, and instances where their edges are seen -> image."""
    config = safm_config(golden.config)
    network = SafmGenerator(config)
    keys = convert.generator_keys(config)
    tensors = converted(golden.weights, keys, network.state_dict(), golden.name, "generator")
    network.load_state_dict(convert.unknown_last(tensors, config) if _unknown_first(golden) else tensors)
    uncalled = [
        key for key, why in keys.left_out.items() if why == convert.UNCALLED and key.endswith(("weight", "bias"))
    ]
    count = sum(p.numel() for p in network.parameters()) + sum(golden.weights[key].numel() for key in uncalled)
    assert count == golden.parameters, f"{count} parameters instead of {golden.parameters}"
    condition = _condition(golden, config, road)
    image = on_road(network, golden, road)(condition).image
    return {"image": image} | {f"after/{key}": value for key, value in buffers_of(network, keys).items()}


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """MultiscaleDiscriminator: labels, edges and image -> features and logits by scale."""
    options = golden.config
    config = safm_config(options)
    network = TwoStreamDiscriminator(
        config.planes, width=options["ndf"], scales=options["num_D"], layers=options["n_layers_D"]
    )
    keys = convert.discriminator_keys(options["num_D"], options["n_layers_D"])
    tensors = converted(golden.weights, keys, network.state_dict(), golden.name, "discriminator")
    network.load_state_dict(convert.unknown_last(tensors, config) if _unknown_first(golden) else tensors)
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    verdict = network.train(golden.training)(_condition(golden, config, road), golden.tensor("image"))
    # Without feature matching the release returns the logits only.
    scales = [scale[-1:] if options["no_ganFeat_loss"] else scale for scale in verdict.scales]
    return {f"d{s}_feat{j}": out for s, scale in enumerate(scales) for j, out in enumerate(scale)}


def segmenter(golden: Golden, road: str) -> dict[str, Tensor]:
    """NetSeg: image -> logits, under whatever names; its sizes are those of its weights."""
    last = golden.weights["layer_up_last.weight"]
    network = SegmentingDiscriminator(last.shape[0], width=2 * last.shape[1], fake=False)
    network.load_state_dict(
        converted(golden.weights, convert.segmenter_keys(), network.state_dict(), golden.name, "segmenter")
    )
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    image = "image" if "image" in golden.inputs else next(iter(golden.inputs))
    logits = network.train(golden.training).segmented(golden.tensor(image))
    return dict.fromkeys((name.split("_s4")[0].split("_c8")[0] for name in golden.outputs), logits)


def spd(golden: Golden, road: str) -> dict[str, Tensor]:
    """ShapeContext.spd: instances -> descriptors."""
    options = golden.config
    bins = Bins(options["nbins_r"], options["nbins_theta"], options["r_inner"], options["r_outer"])
    instances = golden.tensor("instance").long()
    found = descriptors(maps_of(instances), bins=bins)
    return {"descriptor": found if instances.ndim > 2 else found[0]}


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """GANLoss, feature matching, and the balanced cross entropy of each data set's labels."""
    options = golden.config
    fake, real = (_stored_verdict(golden, side) for side in ("fake", "real"))
    mode = options["gan_mode"]
    kind = GAN_MODES[mode]
    out = {
        f"g_{mode}": adversarial.fooling(fake, kind),
        f"d_fake_{mode}": adversarial.fake(fake, kind),
        f"d_real_{mode}": adversarial.real(real, kind),
        "feat_match": options["lambda_feat"] * matching.feature_matching(fake, real),
    }
    for name in golden.inputs:
        if name.startswith("seg_label_"):
            out |= _segmentation(golden, name.removeprefix("seg_label_"))
    return out


def _segmentation(golden: Golden, data: str) -> dict[str, Tensor]:
    logits, labels = golden.tensor(f"seg_logits_{data}"), maps_of(golden.tensor(f"seg_label_{data}"))
    count = logits.shape[1]
    if data == "ade20k":
        labels, logits = (labels - 1) % count, logits.roll(-1, 1)
    dont_care = None if data == "cityscapes" else count - 1
    weights = segmentation.class_weights(labels, count, dont_care=dont_care)
    return {
        f"seg_ce_{data}": segmentation.balanced(logits, labels, dont_care=dont_care),
        f"seg_weight_map_{data}": weights[labels][:, None],
    }


def vgg(golden: Golden, road: str) -> dict[str, Tensor]:
    """VGGLoss: two images -> loss, its layers, features of the first."""
    network = vgg19(golden.weights, golden.name)
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    x, y = network(golden.tensor("x")), network(golden.tensor("y"))
    layers = {f"l1_{place}": F.l1_loss(a, b) for place, (a, b) in enumerate(zip(x, y, strict=True))}
    features = {f"{tap}_of_x": feature for tap, feature in zip(TAPS, x, strict=True)}
    return {"vgg_loss": matching.perceptual(x, y, golden.config["weights"]), **layers, **features}


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("safm", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("safm", "discriminator"): (discriminator, (CODED, DENSE)),
    ("safm", "netseg"): (segmenter, ("",)),
    ("safm", "spd"): (spd, ("",)),
    ("safm", "losses"): (losses, ("",)),
    ("safm", "vggloss"): (vgg, ("",)),
}


def safm_config(options: Mapping[str, Any]) -> SafmConfig:
    """The release's options as our config."""
    kind, kernel = norm_options(options["norm_G"])
    if kernel != 3:
        raise ValueError("the release adapts descriptors by 3x3 convolutions only")
    depth = options["num_upsampling_layers"]
    doublings = sum(DOUBLINGS[depth])
    columns = options["crop_size"] // 2**doublings
    rows = round(columns / options["aspect_ratio"])
    return SafmConfig(
        labels=options["label_nc"] + options["contain_dontcare_label"],
        dont_care=options["contain_dontcare_label"],
        edges=not options["no_instance"],
        width=options["ngf"],
        size=(rows << doublings, columns << doublings),
        depth=depth,
        adapted="once" if options["dataset_mode"] == "cityscapes" else "by layer",
        normalisation=kind,
    )


def _unknown_first(golden: Golden) -> bool:
    return convert.unknown_first(f"safm-{golden.config['dataset_mode']}")


def _condition(golden: Golden, config: SafmConfig, road: str) -> Condition:
    """Labels in our order, edges, and descriptors, which are stored as one pixel for each square."""
    labels = maps_of(golden.tensor("label"))
    if _unknown_first(golden):
        labels = (labels - 1) % config.labels
    instances = maps_of(golden.tensor("instance")) if config.edges else None
    semantics = coded_labels(labels, config.labels, instances)
    shapes = None
    for name in golden.inputs:
        if name.startswith("descriptor"):
            stored = golden.tensor(name)
            times = labels.shape[-1] // stored.shape[-1]
            shapes = stored.repeat_interleave(times, -1).repeat_interleave(times, -2)
    condition = Condition(semantics, config.size, shapes=shapes)
    return condition.dense() if road == DENSE else condition


def _stored_verdict(golden: Golden, side: str) -> Verdict:
    scales: dict[str, list[Tensor]] = {}
    for name in sorted(golden.inputs):
        if name.startswith(f"{side}_"):
            scales.setdefault(name.split("_")[1], []).append(golden.tensor(name))
    return Verdict(tuple(tuple(scale) for scale in scales.values()))
