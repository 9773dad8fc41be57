"""The parts of the CC-FPSE release, built from its options (`opt.*`) out of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from intarsia import systems
from intarsia.blocks.conditional import (
    ConditionalBlock,
    Featured,
    conditional_convolution,
    plain_conditional_convolution,
)
from intarsia.blocks.pyramid_discriminator import PyramidDiscriminator
from intarsia.blocks.style_encoder import StyleEncoder
from intarsia.checkpoints.convert import ccfpse as convert
from intarsia.checkpoints.convert.keymap import UNCOUNTED, KeyMap, converted
from intarsia.checkpoints.convert.spade import encoder_keys
from intarsia.coded import resized
from intarsia.conditioning.semantics import coded_labels, instance_edges
from intarsia.losses import adversarial, divergence, matching
from intarsia.pretrained import vgg19
from intarsia.records import Condition, Verdict
from intarsia.systems import ccfpse
from intarsia.systems.ccfpse import CcfpseConfig, CcfpseGenerator
from intarsia.systems.spade import DOUBLINGS
from intarsia.systems.system import Recipe, System, weighed
from intarsia.training.rounds import Share, discriminator_round, generator_round
from tests.goldens.oasis import norms_of, official_gradients
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import (
    CODED,
    DENSE,
    FROZEN,
    GAN_MODES,
    batch_of,
    buffers_of,
    fill,
    fill_by_rule,
    maps_of,
    noise_of,
    on_road,
)

PLAIN = "plain"


def block(golden: Golden, road: str) -> dict[str, Tensor]:
    """DepthsepCCBlock: x and dense planes (of another size) -> y."""
    config = golden.config
    inputs, outputs = config["fin"], config["fout"]
    layer = ConditionalBlock(inputs, outputs, config["seg_channels"])
    keys = convert.block_keys(shortcut=inputs != outputs)
    fill(layer, keys, golden, arranged=convert.taps_first)
    x = golden.tensor("x")
    seen = Featured(resized(golden.tensor("seg"), x.shape[2], x.shape[3]))
    return {"y": on_road(layer, golden, road)(x, seen)} | _after(layer, keys, golden)


def depthconv(golden: Golden, road: str) -> dict[str, Tensor]:
    """DepthConv: x and kernels by channel and then tap -> y. Its own normalisation is never called."""
    x, kernel = golden.tensor("x"), golden.tensor("weights")
    kernel = kernel.view(*x.shape[:2], 9, *x.shape[2:]).transpose(1, 2).flatten(1, 2)
    convolve = plain_conditional_convolution if road == PLAIN else conditional_convolution
    return {"y": convolve(x, kernel)}


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """CondConvGenerator: labels, and z where there is one -> image."""
    config = ccfpse_config(golden.config)
    network = CcfpseGenerator(config)
    keys = convert.generator_keys(config)
    fill(network, keys, golden, left="encoder.", arranged=convert.taps_first)
    noise = golden.tensor("z").float() if config.style else None
    made = _condition(golden, config, road, noise)
    return {"image": on_road(network, golden, road)(made).image} | _after(network, keys, golden)


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """FPSEDiscriminator: labels and image -> features of four layers and three score maps."""
    config = ccfpse_config(golden.config)
    network = PyramidDiscriminator(config.planes, width=config.discriminator_width)
    fill(network, convert.discriminator_keys(), golden)
    image = golden.tensor("image")
    verdict: Verdict = network.train(golden.training)(_condition(golden, config, road), image)
    out = {f"feat{place}": features for place, features in enumerate(verdict.features[0])}
    return out | {f"pred{place}": logits for place, logits in enumerate(verdict.logits, 2)}


def encoder(golden: Golden, road: str) -> dict[str, Tensor]:
    """ConvEncoder: image -> mu and logvar."""
    network = StyleEncoder(golden.config["ngf"], latent=256)
    fill(network, encoder_keys(), golden)
    mean, log_variance = network.train(golden.training)(golden.tensor("image"))
    return {"mu": mean, "logvar": log_variance}


def edges(golden: Golden, road: str) -> dict[str, Tensor]:
    """get_edges: instance ids -> edges."""
    return {"edges": instance_edges(maps_of(golden.tensor("instance")))[:, None].float()}


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """GANLoss in all modes on three score maps, KLDLoss, and the drawing of a style."""
    verdict = Verdict(tuple((golden.tensor(name),) for name in sorted(golden.inputs) if name.startswith("pred")))
    mean, log_variance = golden.tensor("mu"), golden.tensor("logvar")
    out = {
        "kld": divergence.kl(mean, log_variance),
        "reparameterized": mean + torch.exp(log_variance / 2) * golden.tensor("eps"),
    }
    for mode, kind in GAN_MODES.items():
        out[f"{mode}_G"] = adversarial.fooling(verdict, kind)
        out[f"{mode}_D_fake"] = adversarial.fake(verdict, kind)
        out[f"{mode}_D_real"] = adversarial.real(verdict, kind)
    return out


def step(golden: Golden, road: str) -> dict[str, Tensor]:
    """Pix2PixModel: losses and gradients of both rounds, nothing updated between, through our rounds."""
    options, config = golden.config, ccfpse_config(golden.config)
    system = _system(golden, config)
    assert system.discriminator is not None
    keys = convert.generator_keys(config)
    if config.style:
        keys |= encoder_keys().under("encoder.", "encoder.")
    share = _share(golden, config, road)
    made = generator_round(system, share)
    terms = made.terms
    names = {"gan": "GAN", "feature_matching": "GAN_Feat", "perceptual": "VGG", "kl": "KLD"}
    weights = system.recipe.generator_weights
    out = {f"G_{names[name]}": weight * terms[name] for name, weight in weights.items()}
    out["loss_G"] = torch.stack(list(out.values())).sum()
    out["loss_G"].backward()  # type: ignore[no-untyped-call]
    of_generator = official_gradients(system.generator, keys)
    out["grad_norms_G"] = norms_of(of_generator, options["grad_norm_keys_G"])
    if config.style:
        of_encoder = [f"encoder.{name}" for name in options.get("grad_norm_keys_E", ["fc_mu.weight"])]
        out["grad_norms_E"] = norms_of(of_generator, of_encoder)

    sides = discriminator_round(system, share).terms
    out |= {"D_Fake": sides["fake"], "D_real": sides["real"], "loss_D": sides["fake"] + sides["real"]}
    out["loss_D"].backward()  # type: ignore[no-untyped-call]
    of_judge = official_gradients(system.discriminator, convert.discriminator_keys())
    out["grad_norms_D"] = norms_of(of_judge, options["grad_norm_keys_D"])
    return out | {"fake": made.images[0]}


def _system(golden: Golden, config: CcfpseConfig) -> System:
    """The whole system, in training; the perceptual term has the golden's weights."""
    options, weights = golden.config, golden.weights_of
    wanted = {"gan": 1.0, "feature_matching": options["lambda_feat"], "perceptual": options["lambda_vgg"]}
    if config.style:
        wanted["kl"] = options["lambda_kld"]
    features = vgg19(weights["vgg"], golden.name)
    terms = ccfpse.generator_terms(config)
    terms["perceptual"] = lambda r: matching.perceptual(features(r.fake.image), features(r.batch.image))
    bare = Recipe({"feature_matching": 1.0}, {"fake": 1.0, "real": 1.0})
    system = systems.build("ccfpse", config, bare)
    assert isinstance(system.generator, CcfpseGenerator)
    assert system.discriminator is not None
    load(system.generator, convert.generator_keys(config), weights["netG"], left="encoder.")
    load(system.discriminator, convert.discriminator_keys(), weights["netD"])
    if config.style and "netE" in weights:
        load(system.generator.encoder, encoder_keys(), weights["netE"])
    elif config.style:
        fill_by_rule(system.generator.encoder, encoder_keys())
    system.generator.train()
    system.discriminator.train()
    recipe = replace(bare, generator_weights=wanted)
    return replace(system, recipe=recipe, generator_terms=weighed(terms, wanted))


def load(network: nn.Module, keys: KeyMap, weights: Mapping[str, Tensor], left: str = "-") -> None:
    """Load one of a golden's networks, strictly; own keys that start with `left` are another's."""
    own = {key: value for key, value in network.state_dict().items() if not key.startswith(left)}
    missing, _ = network.load_state_dict(convert.taps_first(converted(weights, keys, own, "golden", "part")), False)
    assert all(key.startswith(left) for key in missing)


def _share(golden: Golden, config: CcfpseConfig, road: str) -> Share:
    batch, coins = batch_of(golden), torch.zeros(config.labels, dtype=torch.bool)
    if not config.style:
        made = _condition(golden, config, road)
        return Share(batch, made, made, coins)
    first, again = (
        replace(_condition(golden, config, road, noise_of(golden, len(batch), turn)), photo=batch.image)
        for turn in (0, 1)
    )
    return Share(batch, first, again, coins)


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("ccfpse", "block"): (block, (DENSE, FROZEN)),
    ("ccfpse", "depthconv"): (depthconv, ("", PLAIN)),
    ("ccfpse", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("ccfpse", "discriminator"): (discriminator, (CODED, DENSE)),
    ("ccfpse", "encoder"): (encoder, ("",)),
    ("ccfpse", "edges"): (edges, ("",)),
    ("ccfpse", "losses"): (losses, ("",)),
    ("ccfpse", "step"): (step, (CODED, DENSE)),
}


def ccfpse_config(options: Mapping[str, Any]) -> CcfpseConfig:
    """The release's options as our config; what a golden leaves out has the release's default."""
    depth = options.get("num_upsampling_layers", "more" if options["dataset_mode"] == "cityscapes" else "normal")
    doublings = sum(DOUBLINGS[depth])
    columns = options["crop_size"] // 2**doublings
    rows = round(columns / options["aspect_ratio"])
    if [rows, columns] != list(options.get("init_hw", (rows, columns))):
        raise ValueError(f"init_hw {options['init_hw']} does not follow from the other options")
    return CcfpseConfig(
        labels=options["label_nc"] + options["contain_dontcare_label"],
        edges=not options["no_instance"],
        width=options.get("ngf", 64),
        size=(rows << doublings, columns << doublings),
        depth=depth,
        style=options.get("use_vae", False),
        latent=options.get("z_dim", 256),
        discriminator_width=options.get("ndf", 64),
        adversarial=GAN_MODES[options.get("gan_mode", "hinge")],
    )


def _condition(golden: Golden, config: CcfpseConfig, road: str, noise: Tensor | None = None) -> Condition:
    """Labels, and edges where the golden has instances, as the road wants them."""
    instances = maps_of(golden.tensor("instance")) if "instance" in golden.inputs else None
    coded = coded_labels(maps_of(golden.tensor("label")), config.labels, instances)
    made = Condition(coded, coded.size, noise=noise)
    return made.dense() if road == DENSE else made


def _after(network: nn.Module, keys: KeyMap, golden: Golden) -> dict[str, Tensor]:
    """The network's state as it is now under the official names, and what we do not hold of it.

    What the release never calls stays as it was loaded. We keep no counters: the release's count passes in training.
    """
    held = {f"after:{key}": value for key, value in buffers_of(network, keys).items()}
    counted = {key: golden.weights[key] for key in keys.left_out}
    passes = {key: value + golden.training * (keys.left_out[key] == UNCOUNTED) for key, value in counted.items()}
    return held | {f"after:{key}": value for key, value in passes.items()}
