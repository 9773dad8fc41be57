"""The parts of the OASIS release, built from its options (`opt.*`) out of ours.

Goldens hold label ids as the release has them, the unknown class first; ours stands last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia import systems
from intarsia.blocks.frozen import freeze
from intarsia.blocks.segmenting_discriminator import SegmentingDiscriminator
from intarsia.checkpoints.convert import oasis as convert
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.coded import CodedMap
from intarsia.conditioning.noise import by_image, noise_planes, with_noise
from intarsia.conditioning.semantics import coded_labels
from intarsia.losses import matching, segmentation
from intarsia.pretrained import vgg19
from intarsia.records import Batch, Condition
from intarsia.systems import oasis
from intarsia.systems.oasis import STRIDE, OasisConfig, OasisGenerator
from intarsia.systems.system import Recipe, System, weighed
from intarsia.training.averaging import average
from intarsia.training.rounds import Share, discriminator_round, generator_round
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN, rule_vgg19

TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """OASIS_Generator: labels, and noise vectors, a noise map, or neither -> image."""
    config = oasis_config(golden.config)
    network = OasisGenerator(config)
    keys = convert.generator_keys(config.normalisation)
    fill(network, keys, golden.weights, config)
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    network.train(golden.training)
    # Under whatever name: of its inputs, the one that is no label map.
    noise = next(golden.tensor(name) for name in golden.inputs if name != "label") if config.noise else None
    made = _conditioned(_ours(golden, "label", config), noise, config, road)
    image = (freeze(network) if road == FROZEN else network)(made).image
    return {"image": image} | _after(network, keys)


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """OASIS_Discriminator: image -> logits."""
    config = OasisConfig(golden.config["semantic_nc"], size=_image_size(golden))
    network = SegmentingDiscriminator(config.labels)
    fill_judge(network, golden.weights, config)
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    image = golden.tensor("image")
    nothing = Condition(torch.zeros(len(image), 1, 1, 1), config.size)
    logits = network.train(golden.training)(nothing, image).logits[0]
    return {"logits": unknown_first(logits, config)}


def vgg(golden: Golden, road: str) -> dict[str, Tensor]:
    """VGG19: image -> features."""
    return dict(zip(TAPS, vgg19(golden.weights, golden.name)(golden.tensor("image")), strict=True))


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """The perceptual loss, LabelMix, or the cross entropies: whatever the golden has inputs for."""
    if "coins" in golden.inputs:
        return _label_mix(golden)
    return _cross_entropies(golden) if "logits" in golden.inputs else _perceptual(golden)


def _perceptual(golden: Golden) -> dict[str, Tensor]:
    network = vgg19(golden.weights, golden.name)
    fake, real = network(golden.tensor("fake")), network(golden.tensor("real"))
    layers = [F.l1_loss(made, photo) for made, photo in zip(fake, real, strict=True)]
    return {"loss_vgg": matching.perceptual(fake, real), "per_layer_l1": torch.stack(layers)}


def _cross_entropies(golden: Golden) -> dict[str, Tensor]:
    config = _loss_config(golden)
    labels, logits = _ours(golden, "label", config), unknown_moved_last(golden.tensor("logits"), config)
    weights = segmentation.class_weights(labels, config.labels, dont_care=config.unlabelled)
    alike = F.cross_entropy(logits, labels + 1)
    return {
        "loss_real_balanced": segmentation.as_labelled(logits, labels, dont_care=config.unlabelled),
        "loss_fake_balanced": segmentation.as_fake(logits),  # fakes are never balanced
        "loss_real_unbalanced": alike,
        "loss_fake_unbalanced": segmentation.as_fake(logits),
        "weight_map": weights[labels],
        "target_real": golden.tensor("label").long() + 1,
        "target_fake": torch.zeros_like(labels),
    }


def _label_mix(golden: Golden) -> dict[str, Tensor]:
    config = _loss_config(golden)
    labels = _ours(golden, "label", config)
    mask = segmentation.label_mix_mask(labels, _coins(golden, config), dont_care=config.unlabelled)
    of_mixed, of_real, of_fake = (
        unknown_moved_last(golden.tensor(f"logits_{name}"), config) for name in ("mixed", "real", "fake")
    )
    return {
        "mask": mask.float(),
        "mixed": segmentation.mixed(mask, golden.tensor("real"), golden.tensor("fake")),
        "loss_labelmix": segmentation.label_mix(of_mixed, of_real, of_fake, mask),
    }


def step(golden: Golden, road: str) -> dict[str, Tensor]:
    """OASIS_model: losses and gradients of both rounds, nothing updated between, through our rounds."""
    options = golden.config
    config = oasis_config(options)
    system = _system(config, options)
    keys, judge_keys = convert.generator_keys(config.normalisation), convert.discriminator_keys()
    fill(system.generator, keys, golden.weights_of["netG"], config)
    assert isinstance(system.discriminator, SegmentingDiscriminator)
    fill_judge(system.discriminator, golden.weights_of["netD"], config)
    share = _share(golden, road, config)

    terms = generator_round(system, share).terms
    out = {"loss_G_adv": terms["segmentation"], "loss_G": terms["segmentation"]}
    if options["add_vgg_loss"]:
        out["loss_G_vgg"] = options["lambda_vgg"] * terms["perceptual"]
        out["loss_G"] = out["loss_G_adv"] + out["loss_G_vgg"]
    out["loss_G"].backward()  # type: ignore[no-untyped-call]
    of_generator = official_gradients(system.generator, keys)
    out["grad_norms_G"] = norms_of(of_generator, options["grad_norm_keys_G"])
    out["grad_img_bias_G"] = of_generator["conv_img.bias"]

    sides = discriminator_round(system, share).terms
    out |= {"loss_D_fake": sides["fake"], "loss_D_real": sides["real"]}
    out["loss_D_lm_times_lambda"] = options["lambda_labelmix"] * sides["label_mix"]
    out["loss_D"] = out["loss_D_fake"] + out["loss_D_real"] + out["loss_D_lm_times_lambda"]
    out["loss_D"].backward()  # type: ignore[no-untyped-call]
    of_judge = official_gradients(system.discriminator, judge_keys)
    out["grad_norms_D"] = norms_of(of_judge, options["grad_norm_keys_D"])
    out["grad_last_bias_D"] = unknown_first(of_judge["layer_up_last.bias"][None], config)[0]
    return out


def _system(config: OasisConfig, options: Mapping[str, Any]) -> System:
    """The whole system, in training; the perceptual term has the rule's weights."""
    recipe = Recipe({"segmentation": 1.0}, {"fake": 1.0, "real": 1.0, "label_mix": options["lambda_labelmix"]})
    system = systems.build("oasis", config, recipe)
    assert system.discriminator is not None
    system.generator.train()
    system.discriminator.train()
    if not options["add_vgg_loss"]:
        return system
    features = rule_vgg19()
    terms = oasis.generator_terms(config)
    terms["perceptual"] = lambda r: matching.perceptual(features(r.fake.image), features(r.batch.image))
    return replace(system, generator_terms=weighed(terms, dict.fromkeys(terms, 1.0)))


def _share(golden: Golden, road: str, config: OasisConfig) -> Share:
    labels, image = _ours(golden, "label", config), golden.tensor("image")
    batch = Batch(tuple(map(str, range(len(labels)))), image, labels)
    first, again = (
        _conditioned(labels, golden.tensor(name) if config.noise else None, config, road)
        for name in ("noise_G", "noise_D")
    )
    return Share(batch, first, again, _coins(golden, config))


def ema(golden: Golden, road: str) -> dict[str, Tensor]:
    """update_EMA: the average, then the batches through it in training mode."""
    config = oasis_config(golden.config)
    target, source = OasisGenerator(config), OasisGenerator(config)
    keys = convert.generator_keys(config.normalisation)
    for network in (target, source):
        fill(network, keys, golden.weights, config)
    with torch.no_grad():
        for value in source.state_dict().values():
            value.mul_(1.5).add_(0.01)
        average(target, source, golden.config["EMA_decay"])
        target.train()
        for labels, noise in zip(_ours(golden, "labels", config), golden.tensor("noises"), strict=True):
            target(_conditioned(labels, noise, config, road))
    # We keep no counter: released weights hold 0, since the average of counters is cut to whole numbers.
    counters = {f"after:{key}": torch.zeros((), dtype=torch.int64) for key in keys.left_out}
    return _after(target, keys) | counters


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("oasis", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("oasis", "discriminator"): (discriminator, ("",)),
    ("oasis", "vgg19"): (vgg, ("",)),
    ("oasis", "losses"): (losses, ("",)),
    ("oasis", "step"): (step, (CODED, DENSE)),
    ("oasis", "ema"): (ema, (CODED, DENSE)),
}


def oasis_config(options: Mapping[str, Any]) -> OasisConfig:
    """The release's options as our config; what a golden leaves out has the release's default."""
    columns = options["crop_size"] // STRIDE
    rows = round(columns / options.get("aspect_ratio", 1.0))
    if options.get("num_res_blocks", 6) != 6 or options.get("no_spectral_norm", False):
        raise ValueError("the release runs with 6 blocks and spectral normalisation only")
    return OasisConfig(
        labels=options["semantic_nc"],
        dont_care=options.get("contain_dontcare_label", True),
        noise=0 if options.get("no_3dnoise", False) else options["z_dim"],
        width=options["channels_G"],
        size=(rows * STRIDE, columns * STRIDE),
        kernel=options.get("spade_ks", 3),
        normalisation="instance" if options.get("param_free_norm") == "instance" else "batch",
    )


def _loss_config(golden: Golden) -> OasisConfig:
    return OasisConfig(golden.config["semantic_nc"], golden.config.get("contain_dontcare_label", True))


def fill(network: nn.Module, keys: KeyMap, weights: Mapping[str, Tensor], config: OasisConfig) -> None:
    """Load official weights into the generator, strictly."""
    tensors = converted(weights, keys, network.state_dict(), "golden", "generator")
    network.load_state_dict(convert.unknown_last(tensors, config))


def fill_judge(network: nn.Module, weights: Mapping[str, Tensor], config: OasisConfig) -> None:
    """Load official weights into the discriminator, strictly."""
    tensors = converted(weights, convert.discriminator_keys(), network.state_dict(), "golden", "discriminator")
    network.load_state_dict(convert.unknown_last_judged(tensors, config))


def official_gradients(network: nn.Module, keys: KeyMap) -> dict[str, Tensor]:
    """The parameters' gradients under the official names."""
    found: dict[str, Tensor] = {}
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        sources = keys.sources[name]
        found |= dict(zip(sources, parameter.grad.chunk(len(sources)), strict=True))
    return found


def unknown_first(logits: Tensor, config: OasisConfig) -> Tensor:
    """Our logits (B 1+labels ...) in the release's order."""
    if not config.dont_care:
        return logits
    return torch.cat([logits[:, :1], logits[:, -1:], logits[:, 1:-1]], 1)


def unknown_moved_last(logits: Tensor, config: OasisConfig) -> Tensor:
    """The release's logits (B 1+labels ...) in our order."""
    if not config.dont_care:
        return logits
    return torch.cat([logits[:, :1], logits[:, 2:], logits[:, 1:2]], 1)


def _ours(golden: Golden, name: str, config: OasisConfig) -> Tensor:
    """Label ids in our order, ... H W int64."""
    ids = golden.tensor(name).long()
    return (ids - 1) % config.labels if config.dont_care else ids


def _coins(golden: Golden, config: OasisConfig) -> Tensor:
    """The release's coins, one for each class that occurs in its order, as one for each label in ours."""
    coins = torch.zeros(config.labels, dtype=torch.bool)
    present = torch.from_numpy(np.unique(golden.inputs["label"]).astype("int64"))
    coins[present] = golden.tensor("coins").bool()[: len(present)]
    return coins.roll(-1) if config.dont_care else coins


def _conditioned(labels: Tensor, noise: Tensor | None, config: OasisConfig, road: str) -> Condition:
    """Labels B H W, and noise B Z or B Z H W, as the road wants them."""
    coded = coded_labels(labels, config.labels)
    if noise is None:
        made = Condition(coded, config.size)
    elif noise.ndim == 2:
        semantics, _ = with_noise(coded, by_image(labels), noise)
        made = Condition(semantics, config.size)
    else:
        made = Condition(noise_planes(coded, noise), config.size)
    return made.dense() if road == DENSE and isinstance(made.semantics, CodedMap) else made


def _after(network: nn.Module, keys: KeyMap) -> dict[str, Tensor]:
    """The network's state as it is now under the official names, where these are one to one."""
    state = network.state_dict()
    return {f"after:{sources[0]}": state[own] for own, sources in keys.sources.items() if len(sources) == 1}


def norms_of(gradients: Mapping[str, Tensor], names: list[str]) -> Tensor:
    return torch.stack([gradients[name].double().norm() for name in names])


def _image_size(golden: Golden) -> tuple[int, int]:
    height, width = golden.inputs["image"].shape[-2:]
    return height, width
