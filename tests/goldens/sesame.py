"""The parts of the SESAME release, built from its options (`opt.*`) out of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from intarsia.blocks.two_stream_discriminator import TwoStreamDiscriminator
from intarsia.blocks.vgg import StyleFeatures
from intarsia.checkpoints.convert import sesame as convert
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.conditioning.semantics import coded_labels
from intarsia.data.holes import Box, in_view, pixels_of, view_around
from intarsia.losses import matching
from intarsia.pretrained import vgg19
from intarsia.records import Batch, Condition, Round
from intarsia.systems.sesame import SesameConfig, SesameGenerator, holed_condition
from intarsia.systems.spade import fooling_terms, judging_terms
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN, GAN_MODES, buffers_of, judged, maps_of, norm_options, on_road

STORED_EVERY = 16  # of images that are not stored whole
SOFT = 1.2  # sides of the soft box that the release makes and never uses, in sides of the box
PUBLISHED = {"resnet_kernel_size": 3, "resnet_initial_kernel_size": 7, "mix_input_gen": True}


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """SesameGenerator with the inputs and the composite that the model around it makes."""
    config = sesame_config(golden.config)
    network = SesameGenerator(config)
    keys = convert.generator_keys(config)
    fill(network, keys, golden.weights, golden)
    condition = _condition(golden, config, road)
    ours = on_road(network, golden, road)
    assert isinstance(ours, SesameGenerator)
    assert condition.photo is not None
    assert condition.hole is not None
    made = ours.made(condition)
    whole = condition.dense().semantics
    assert isinstance(whole, Tensor)
    out = {
        "raw": made,
        "composite": torch.where(condition.hole, made, condition.photo) if config.composite else made,
        "semantics": whole,
        "masked": condition.photo.masked_fill(condition.hole, 0),
    }
    # Forward lays in what `made` makes; in training it would also move the statistics once more.
    if not golden.training:
        out["composite"] = ours(condition).image
    return out | {f"after/{key}": value for key, value in buffers_of(network, keys).items()}


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """SesameMultiscaleDiscriminator: semantics and image -> features and logits by scale."""
    options = golden.config
    image = image_of(golden)
    if options["no_inpaint"]:
        labels, edges = _labels(options), not options["no_instance"]
        instances = maps_of(golden.tensor("instance")) if edges else None
        semantics = coded_labels(maps_of(golden.tensor("label")), labels, instances)
        condition = Condition(semantics.dense() if road == DENSE else semantics, semantics.size)
        planes = labels + edges
    else:
        config = SesameConfig(_labels(options), everywhere=not options["segmentation_mask"])
        condition, planes = _condition(golden, config, road), config.planes
    network = _discriminator(options, planes)
    fill(network, convert.discriminator_keys(options["num_D"], options["n_layers_D"]), golden.weights, golden)
    verdict = network.train(golden.training)(condition, image)
    out: dict[str, Tensor] = {}
    for scale, found in enumerate(verdict.scales):
        out |= {f"feat_{scale}_{place}": feature for place, feature in enumerate(found[:-1])}
        out[f"pred_{scale}"] = found[-1]
    return out


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """Pix2PixModel: the losses of both rounds, weighed as the release logs them."""
    options = golden.config
    config = sesame_config(options)
    network, judge = SesameGenerator(config), _discriminator(options, config.planes)
    fill(network, convert.generator_keys(config), golden.weights_of["G"], golden)
    keys = convert.discriminator_keys(options["num_D"], options["n_layers_D"])
    fill(judge, keys, golden.weights_of["D"], None)
    condition = _condition(golden, config, road)
    labels, image = maps_of(golden.tensor("label")), image_of(golden)
    batch = Batch(tuple(map(str, range(len(labels)))), image, labels)
    fake = network.train(golden.training)(condition)
    round = judged(Round(batch, condition, fake), judge.train(golden.training))
    kind = GAN_MODES[options["gan_mode"]]
    terms = {name: term(round) for name, term in (fooling_terms(kind) | judging_terms(kind)).items()}
    first, styles = vgg19(golden.weights_of["vgg"], "vgg"), StyleFeatures(vgg19(golden.weights_of["vgg"], "vgg", 1))
    return {
        "G_GAN": terms["gan"],
        "G_GAN_Feat": options["lambda_feat"] * terms["feature_matching"],
        "G_VGG": options["lambda_vgg"] * matching.perceptual(first(fake.image), first(image)),
        "G_Style": options.get("lambda_style", 0) * matching.style(styles(fake.image), styles(image)),
        "D_Fake": terms["fake"],
        "D_real": terms["real"],
    }


def boxes(golden: Golden, road: str) -> dict[str, Tensor]:
    """The box loader: view and hole of each box, beside the box and the size of its image."""
    options = golden.config
    if options["random_crop"]:
        raise ValueError("the release's random draws are not ours")
    side = options["fineSize"]
    rows = []
    for given in golden.outputs["rows"]:
        box: Box = (float(given[0]), float(given[1]), float(given[2]), float(given[3]))
        width, height = int(given[4]), int(given[5])
        view = view_around(box, (height, width), options["img_to_obj_ratio"])
        seen = pixels_of(in_view(box, view, (side, side)), (side, side))
        rows.append([*given[:6], *view, *seen, *pixels_of(_grown(seen), (side, side))])
    return {"rows": torch.from_numpy(np.asarray(rows, np.float32))}


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("sesame", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("sesame", "discriminator"): (discriminator, (CODED, DENSE)),
    ("sesame", "losses"): (losses, (CODED, DENSE)),
    ("sesame", "boxes"): (boxes, ("",)),
}


def sesame_config(options: Mapping[str, Any]) -> SesameConfig:
    """The release's options as our config."""
    for name, value in PUBLISHED.items():
        if options.get(name, value) != value:
            raise ValueError(f"{name} is {options[name]}: the release runs with {value} only")
    kind, kernel = norm_options(options["norm_G"])
    height, width = options["image_size"]
    return SesameConfig(
        labels=_labels(options),
        everywhere=not options["segmentation_mask"],
        width=options["ngf"],
        size=(height, width),
        halvings=options["resnet_n_downsample"],
        blocks=options["resnet_n_blocks"],
        spade_blocks=options["spade_n_blocks"],
        skips=not options["no_skip_connections"],
        wide=options["wide"],
        composite=not options["no_mix_real_fake"],
        kernel=kernel,
        normalisation=kind,
        discriminator_width=options.get("ndf", 64),
        discriminator_scales=options.get("num_D", 2),
    )


def fill(network: nn.Module, keys: KeyMap, weights: Mapping[str, Tensor], golden: Golden | None) -> None:
    """Load official weights, strictly; with a golden, as many as it says."""
    tensors = converted(weights, keys, network.state_dict(), "golden", "network")
    network.load_state_dict(convert.photo_last(tensors) if convert.ENTRY in tensors else tensors)
    count = sum(p.numel() for p in network.parameters())
    assert golden is None or count == golden.parameters, f"{count} parameters"


def image_of(golden: Golden, name: str = "image") -> Tensor:
    """An image, as large as the label map: some are stored as one pixel for each square of `STORED_EVERY`."""
    image = golden.tensor(name)
    if image.shape[-1] == golden.inputs["label"].shape[-1]:
        return image
    return image.repeat_interleave(STORED_EVERY, -1).repeat_interleave(STORED_EVERY, -2)


def _condition(golden: Golden, config: SesameConfig, road: str) -> Condition:
    labels, hole = maps_of(golden.tensor("label")), maps_of(golden.tensor("hole")) > 0
    condition = holed_condition(config, image_of(golden), labels, hole)
    return condition.dense() if road == DENSE else condition


def _labels(options: Mapping[str, Any]) -> int:
    return int(options["label_nc"] + options["contain_dontcare_label"])


def _discriminator(options: Mapping[str, Any], planes: int) -> TwoStreamDiscriminator:
    return TwoStreamDiscriminator(planes, width=options["ndf"], scales=options["num_D"], layers=options["n_layers_D"])


def _grown(box: Box) -> Box:
    """The soft box: longer sides around the same centre."""
    more = [(SOFT - 1) / 2 * (last - first) for first, last in ((box[0], box[2]), (box[1], box[3]))]
    return box[0] - more[0], box[1] - more[1], box[2] + more[0], box[3] + more[1]
