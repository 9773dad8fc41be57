"""The parts of the LGGAN release, built from its options (`opt.*`) out of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from intarsia import systems
from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.checkpoints.convert import lggan as convert
from intarsia.checkpoints.convert.keymap import converted
from intarsia.checkpoints.convert.spade import discriminator_keys
from intarsia.conditioning.semantics import coded_labels
from intarsia.losses import adversarial, matching
from intarsia.pretrained import vgg19
from intarsia.records import Branches, Condition, Verdict
from intarsia.systems import lggan
from intarsia.systems.lggan import LgganConfig, LgganGenerator, owner_masks, total
from intarsia.systems.spade import DOUBLINGS
from intarsia.systems.system import Recipe, System, present, weighed
from intarsia.training.rounds import Share, discriminator_round, generator_round
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import (
    CODED,
    DENSE,
    FROZEN,
    GAN_MODES,
    batch_of,
    buffers_of,
    fill,
    maps_of,
    norm_options,
    on_road,
)


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """LGGANGenerator: labels -> the image, those of its branches and heads, weight maps, scores."""
    config = lggan_config(golden)
    network = LgganGenerator(config)
    keys = convert.generator_keys(config)
    fill(network, keys, golden)
    made = on_road(network, golden, road)(_condition(golden, config, road))
    branches: Branches = present(made.branches)
    out = {
        "image": made.image,
        "image_global": branches.whole,
        "image_local": branches.local,
        "weight_local": branches.weights[:, :1],
        "weight_global": branches.weights[:, 1:],
        # A row for each class and sample, the samples of a class one after the other.
        "class_score": branches.scores.transpose(0, 1).flatten(0, 1),
    }
    out |= {f"class_image_{place}": image for place, image in enumerate(branches.heads.unbind(1))}
    out |= {f"after/{key}": value for key, value in buffers_of(network, keys).items()}
    return out | _targets(golden, config)


def _targets(golden: Golden, config: LgganConfig) -> dict[str, Tensor]:
    """What the release classifies: for Cityscapes by class, over the whole batch; for ADE20K by class and sample."""
    shown = owner_masks(config, maps_of(golden.tensor("label")))[:, : config.scored].flatten(2).any(2)
    classes = torch.arange(config.scored)
    if golden.config["dataset"] == "cityscapes":
        return {"class_target": classes, "class_valid": shown.any(0).float()}
    return {"class_target": classes.repeat_interleave(len(shown)), "class_valid": shown.T.flatten().float()}


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """MultiscaleDiscriminator: labels and image -> features and logits by scale."""
    config = lggan_config(golden)
    network = _judge(config, golden.config)
    fill(network, discriminator_keys(config.discriminator_scales, golden.config["n_layers_D"]), golden)
    made, image = _condition(golden, config, road), golden.tensor("image")
    # Large images are stored by every so manieth pixel.
    image = F.interpolate(image, made.size, mode="nearest")
    verdict: Verdict = network.train(golden.training)(made, image)
    out = {f"pred_{scale}": logits for scale, logits in enumerate(verdict.logits)}
    for scale, features in enumerate(verdict.features):
        out |= {f"feat_{scale}_{place}": feature for place, feature in enumerate(features)}
    return out


def ganloss(golden: Golden, road: str) -> dict[str, Tensor]:
    """GANLoss in all modes on the score maps of two scales."""
    verdict = Verdict(tuple((golden.tensor(name),) for name in sorted(golden.inputs)))
    out: dict[str, Tensor] = {}
    for mode, kind in GAN_MODES.items():
        out[f"{mode}_G_real"] = adversarial.fooling(verdict, kind)
        out[f"{mode}_D_fake"] = adversarial.fake(verdict, kind)
        out[f"{mode}_D_real"] = adversarial.real(verdict, kind)
    return out


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """Pix2PixModel: all terms of both rounds, through our rounds; the published slip and what was intended."""
    options = golden.config
    slipped = replace(lggan_config(golden), trucks_as_cars=options["dataset"] == "cityscapes")
    system = _system(golden, slipped)
    made = _condition(golden, slipped, road)
    batch = batch_of(golden)
    share = Share(batch, made, made, torch.zeros(slipped.labels, dtype=torch.bool))

    terms = generator_round(system, share).terms
    weights = system.recipe.generator_weights
    out = {OFFICIAL[name]: weights[name] * terms[name] for name in OFFICIAL}
    intended = _system(golden, replace(slipped, trucks_as_cars=False))
    out["G_L1_Local_intended"] = generator_round(intended, share).terms["local"]
    sides = discriminator_round(system, share).terms
    return out | {"D_Fake": sides["fake"], "D_real": sides["real"]}


OFFICIAL = {
    "gan": "G_GAN",
    "feature_matching": "G_GAN_Feat",
    "perceptual": "G_VGG",
    "l1": "G_L1",
    "classification": "G_class",
    "local": "G_L1_Local",
}


def _system(golden: Golden, config: LgganConfig) -> System:
    """The whole system; the perceptual term has the golden's weights."""
    options, given = golden.config, golden.weights_of
    wanted = dict.fromkeys(OFFICIAL, 1.0) | {
        "feature_matching": options["lambda_feat"],
        "perceptual": options["lambda_vgg"],
        "l1": options["lambda_l1"],
        "classification": options["lambda_class"],
    }
    features = vgg19({key.removeprefix("vgg."): value for key, value in given["vgg"].items()}, golden.name)
    terms = lggan.generator_terms(config)
    terms["perceptual"] = lambda r: total(
        matching.perceptual(features(image), features(r.batch.image)) for image in r.fake.judged
    )
    bare = Recipe({"feature_matching": 1.0}, {"fake": 1.0, "real": 1.0})
    system = systems.build("lggan", config, bare)
    judge = _judge(config, options)
    fill(system.generator, convert.generator_keys(config), golden)
    keys = discriminator_keys(config.discriminator_scales, options["n_layers_D"])
    judge.load_state_dict(converted(given["D"], keys, judge.state_dict(), golden.name, "discriminator"))
    return replace(
        system,
        generator=system.generator.train(golden.training),
        discriminator=judge.train(golden.training),
        recipe=replace(bare, generator_weights=wanted),
        generator_terms=weighed(terms, wanted),
    )


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("lggan", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("lggan", "discriminator"): (discriminator, (CODED, DENSE)),
    ("lggan", "ganloss"): (ganloss, ("",)),
    ("lggan", "losses"): (losses, (CODED, DENSE)),
}


def lggan_config(golden: Golden) -> LgganConfig:
    """The release's options as our config; the number of heads is that of the weights."""
    options = golden.config
    depth = options.get("num_upsampling_layers", "normal")
    doublings = sum(DOUBLINGS[depth])
    columns = options["crop_size"] // 2**doublings
    rows = round(columns / options["aspect_ratio"])
    kind, kernel = norm_options(options.get("norm_G", "spectralspadesyncbatch3x3"))
    labels = options["label_nc"] + options["contain_dontcare_label"]
    heads = sum(key.startswith("deconv5_") and key.endswith(".weight") for key in golden.weights) - 1
    config = LgganConfig(
        labels=labels,
        edges=not options["no_instance"],
        width=options.get("ngf", 64),
        size=(rows << doublings, columns << doublings),
        depth=depth,
        most_heads=max(heads, 1),
        kernel=kernel,
        normalisation=kind,
        discriminator_width=options.get("ndf", 64),
        discriminator_scales=options.get("num_D", 2),
        adversarial=GAN_MODES[options.get("gan_mode", "hinge")],
    )
    _check(options, config)
    return config


def _check(options: Mapping[str, Any], config: LgganConfig) -> None:
    """What a golden says beside the options that we read must follow from these."""
    given = {"local_width": config.width, "local_classes": config.heads, "score_classes": config.scored}
    for name, value in given.items():
        if options.get(name, value) != value:
            raise ValueError(f"{name} is {options[name]}, and the other options make it {value}")


def _judge(config: LgganConfig, options: Mapping[str, Any]) -> PatchDiscriminator:
    return PatchDiscriminator(
        config.planes,
        width=config.discriminator_width,
        scales=config.discriminator_scales,
        layers=options["n_layers_D"],
    )


def _condition(golden: Golden, config: LgganConfig, road: str) -> Condition:
    """Labels, and edges where the golden has instances, as the road wants them."""
    instances = maps_of(golden.tensor("instance")) if "instance" in golden.inputs and config.edges else None
    coded = coded_labels(maps_of(golden.tensor("label")), config.labels, instances)
    made = Condition(coded, coded.size)
    return made.dense() if road == DENSE else made
