"""The parts of the SPADE release, built from its options (`opt.*`) out of ours."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from intarsia.blocks.coarse_to_fine import CoarseToFine
from intarsia.blocks.frozen import freeze
from intarsia.blocks.modulation import Normalisation, Spade
from intarsia.blocks.patch_discriminator import PatchDiscriminator
from intarsia.blocks.residual import SpadeBlock
from intarsia.blocks.style_encoder import StyleEncoder
from intarsia.blocks.vgg import Vgg19, layer_keys
from intarsia.checkpoints.convert import spade as convert
from intarsia.checkpoints.convert.keymap import KeyMap, converted
from intarsia.coded import Semantics, resized
from intarsia.conditioning.semantics import coded_labels, instance_edges
from intarsia.data.pairs import Pair
from intarsia.data.transforms import Cut, cut_out, draw_cut, resize
from intarsia.labels import numbered
from intarsia.losses import adversarial, divergence, matching
from intarsia.losses.adversarial import Adversarial
from intarsia.pretrained import vgg19
from intarsia.records import Batch, Condition, Round, Verdict
from intarsia.systems.spade import DOUBLINGS, SpadeConfig, SpadeGenerator, discriminator_terms, generator_terms
from intarsia.systems.system import Recipe
from intarsia.training.schedule import rates
from tests.goldens import rule
from tests.goldens.parity import Golden, Part, official

CODED, DENSE, FROZEN = "coded", "dense", "frozen"
GAN_MODES: dict[str, Adversarial] = {
    "hinge": "hinge",
    "ls": "least_squares",
    "original": "original",
    "w": "wasserstein",
}


def norm(golden: Golden, road: str) -> dict[str, Tensor]:
    """SPADE: x and labels (of another size) -> y."""
    config = golden.config
    kind, kernel = norm_options(config["config_text"])
    layer = Spade(config["norm_nc"], config["label_nc"], hidden=config.get("nhidden", 128), kernel=kernel, kind=kind)
    fill(layer, convert.norm_keys(kind), golden)
    x = golden.tensor("x")
    semantics = resized(_semantics(golden, config["label_nc"], road), x.shape[2], x.shape[3])
    return {"y": on_road(layer, golden, road)(x, semantics, slope=1)} | buffers_of(layer, convert.norm_keys(kind))


def block(golden: Golden, road: str) -> dict[str, Tensor]:
    """SPADEResnetBlock: x and labels (of another size) -> y."""
    config = golden.config
    kind, kernel = norm_options(config["norm_G"])
    inputs, outputs = config["fin"], config["fout"]
    layer = SpadeBlock(inputs, outputs, config["semantic_nc"], kernel=kernel, kind=kind)
    keys = convert.block_keys(kind, shortcut=inputs != outputs)
    fill(layer, keys, golden)
    x = golden.tensor("x")
    semantics = resized(_semantics(golden, config["semantic_nc"], road), x.shape[2], x.shape[3])
    return {"y": on_road(layer, golden, road)(x, semantics)} | buffers_of(layer, keys)


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """SPADEGenerator or Pix2PixHDGenerator: labels, and z where there is one -> image."""
    if "resnet_n_downsample" in golden.config:
        return _global_generator(golden, road)
    config = spade_config(golden.config)
    network = SpadeGenerator(config)
    keys = convert.generator_keys(config)
    fill(network, keys, golden, left="encoder.")
    noise = golden.tensor("z").float() if config.style else None
    condition = Condition(_semantics(golden, config.labels, road), config.size, noise=noise)
    return {"image": on_road(network, golden, road)(condition).image} | buffers_of(network, keys)


def _global_generator(golden: Golden, road: str) -> dict[str, Tensor]:
    config = golden.config
    halvings, blocks = config["resnet_n_downsample"], config["resnet_n_blocks"]
    labels = config["label_nc"] + config.get("contain_dontcare_label", False)
    planes = labels + (not config.get("no_instance", True))
    network = CoarseToFine(planes, width=config["ngf"], halvings=halvings, blocks=blocks, spectral=True)
    fill(network, convert.global_generator_keys(halvings, blocks), golden)
    return {"image": on_road(network, golden, road)(_semantics(golden, labels, road))}


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """MultiscaleDiscriminator: labels and image -> features and logits by scale."""
    config = golden.config
    labels = config["label_nc"] + config["contain_dontcare_label"]
    network = _discriminator(config, labels + (not config["no_instance"]))
    fill(network, convert.discriminator_keys(config["num_D"], config["n_layers_D"]), golden)
    image = golden.tensor("image")
    condition = Condition(_semantics(golden, labels, road), (image.shape[2], image.shape[3]))
    verdict: Verdict = network.train(golden.training)(condition, image)
    # Without feature matching the release returns the logits only.
    scales = [scale[-1:] if config.get("no_ganFeat_loss") else scale for scale in verdict.scales]
    return {f"scale{s}_out{j}": out for s, scale in enumerate(scales) for j, out in enumerate(scale)}


def encoder(golden: Golden, road: str) -> dict[str, Tensor]:
    """ConvEncoder: image -> mu and logvar."""
    network = StyleEncoder(golden.config["ngf"], latent=256)
    fill(network, convert.encoder_keys(), golden)
    mean, log_variance = network.train(golden.training)(golden.tensor("image"))
    return {"mu": mean, "logvar": log_variance}


def vgg(golden: Golden, road: str) -> dict[str, Tensor]:
    """VGG19 and VGGLoss: two images -> features of the first, loss."""
    network = vgg19(golden.weights, golden.name)
    assert sum(p.numel() for p in network.parameters()) == golden.parameters, "another number of parameters"
    x, y = network(golden.tensor("x")), network(golden.tensor("y"))
    names = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    return {"loss": matching.perceptual(x, y), **dict(zip(names, x, strict=True))}


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """GANLoss in all modes, feature matching and KLDLoss on stored features and logits."""
    fake, real = (stored_verdict(golden, side) for side in ("fake", "real"))
    out = {
        "kld": divergence.kl(golden.tensor("mu"), golden.tensor("logvar")),
        "gan_feat_weighted": golden.config["lambda_feat"] * matching.feature_matching(fake, real),
    }
    for mode, kind in GAN_MODES.items():
        out[f"{mode}_g_fake"] = adversarial.fooling(fake, kind)
        out[f"{mode}_d_fake"] = adversarial.fake(fake, kind)
        out[f"{mode}_d_real"] = adversarial.real(real, kind)
    return out


def step(golden: Golden, road: str) -> dict[str, Tensor]:
    """Pix2PixModel: losses and gradients of one generator and one discriminator step, nothing updated between."""
    options = golden.config
    config = spade_config(options)
    network, judge = SpadeGenerator(config), _discriminator(options, config.planes)
    fill(network, convert.generator_keys(config), golden, left="encoder.")
    fill_by_rule(judge, convert.discriminator_keys(config.discriminator_scales, options["n_layers_D"]))
    if config.style:
        fill_by_rule(network.encoder, convert.encoder_keys())
    network.train(golden.training)
    judge.train(golden.training)
    batch = batch_of(golden)

    made = judged(_made(golden, road, config, network, batch, turn=0), judge)
    terms = {name: term(made) for name, term in generator_terms(config).items()}
    features = rule_vgg19()
    terms["perceptual"] = matching.perceptual(features(made.fake.image), features(batch.image))
    names = {"gan": "GAN", "feature_matching": "GAN_Feat", "perceptual": "VGG", "kl": "KLD"}
    weights = {
        "gan": 1.0,
        "feature_matching": options["lambda_feat"],
        "perceptual": options["lambda_vgg"],
        "kl": options["lambda_kld"],
    }
    out = {names[name]: weights[name] * value for name, value in terms.items()}
    out["g_total"] = torch.stack(list(out.values())).sum()
    out["g_total"].backward()
    out["fake"] = made.fake.image
    out["grad_norm_G"] = _generator_norm(network, golden)
    out["conv_img_weight_grad"] = gradient_of(network.decoder.to_image.weight)

    judge.zero_grad()
    with torch.no_grad():
        made = _made(golden, road, config, network, batch, turn=1)
    made = judged(made, judge)
    sides = {name: term(made) for name, term in discriminator_terms(config).items()}
    torch.stack(list(sides.values())).sum().backward()  # type: ignore[no-untyped-call]
    out |= {"D_Fake": sides["fake"], "D_real": sides["real"], "grad_norm_D": gradient_norm(judge.parameters())}
    return out | buffers_of(network, convert.generator_keys(config))


def data(golden: Golden, road: str) -> dict[str, Tensor]:
    """The data sets' loaders, from decoded files to label, image and instance tensors."""
    take = golden.inputs
    ade, coco, city = numbered("ade20k", 151), numbered("coco", 182, dont_care_ids=(255,)), numbered("cityscapes", 35)
    photo = Pair("ade", take["ade_image_decoded"], ade.encode(take["ade_label"], "ade"))
    crop = size_of(golden, "ade_train_image")
    enlarged = resize(photo, (36, 36))
    drawn = draw_cut((36, 36), crop, flip=True, rng=random.Random(5))
    left, top, flip = (int(value) for value in take["ade_train_crop_x_y_flip"])
    assert drawn == Cut(left, top, bool(flip)), "other random draws than the published loader's"
    whole = Cut(0, 0, False)
    samples = {
        "ade_train": cut_out(enlarged, crop, drawn),
        "ade_test": cut_out(resize(photo, size_of(golden, "ade_test_image")), size_of(golden, "ade_test_image"), whole),
    }
    for name, space in (("coco", coco), ("city", city)):
        labels, instances = space.encode(take[f"{name}_label"], name), take[f"{name}_instance"].astype("int64")
        size = size_of(golden, f"{name}_image")
        samples[name] = cut_out(resize(Pair(name, take[f"{name}_image"], labels, instances), size), size, whole)
    out: dict[str, Tensor] = {}
    for name, sample in samples.items():
        out |= {f"{name}_image": sample.image, f"{name}_label": sample.labels[None]}
        if sample.instances is not None:
            out[f"{name}_instance"] = sample.instances[None]
            out[f"{name}_edges"] = instance_edges(sample.instances[None])[None].to(torch.uint8)
    return out


def schedule(golden: Golden, road: str) -> dict[str, Tensor]:
    """The rates of generator and discriminator, a row for each epoch."""
    config = golden.config
    out: dict[str, Tensor] = {}
    for name, epochs in config.items():
        if name == "lr":
            continue
        balance = 1.0 if "no_ttur" in name else 2.0
        recipe = Recipe(
            {}, {}, config["lr"] / balance, config["lr"] * balance, epochs=epochs[0], decay_epochs=epochs[1]
        )
        out[name] = torch.tensor([rates(recipe, epoch) for epoch in range(1, sum(epochs) + 1)], dtype=torch.float64)
    return out


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("spade", "norm"): (norm, (CODED, DENSE, FROZEN)),
    ("spade", "block"): (block, (CODED, DENSE, FROZEN)),
    ("spade", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("spade", "discriminator"): (discriminator, (CODED, DENSE)),
    ("spade", "encoder"): (encoder, ("",)),
    ("spade", "vgg"): (vgg, ("",)),
    ("spade", "losses"): (losses, ("",)),
    ("spade", "step"): (step, (CODED, DENSE)),
    ("spade", "data"): (data, ("",)),
    ("spade", "schedule"): (schedule, ("",)),
}


def spade_config(options: dict[str, Any]) -> SpadeConfig:
    """The release's options as our config."""
    kind, kernel = norm_options(options["norm_G"])
    depth = options["num_upsampling_layers"]
    doublings = sum(DOUBLINGS[depth])
    columns = options["crop_size"] // 2**doublings
    rows = round(columns / options["aspect_ratio"])
    return SpadeConfig(
        labels=options["label_nc"] + options["contain_dontcare_label"],
        edges=not options["no_instance"],
        width=options["ngf"],
        size=(rows << doublings, columns << doublings),
        depth=depth,
        style=options["use_vae"],
        latent=options["z_dim"],
        kernel=kernel,
        normalisation=kind,
        discriminator_width=options.get("ndf", 64),
        discriminator_scales=options.get("num_D", 2),
        adversarial=GAN_MODES[options.get("gan_mode", "hinge")],
    )


def fill(
    network: nn.Module,
    keys: KeyMap,
    golden: Golden,
    *,
    left: str | None = None,
    arranged: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict,
) -> None:
    """Load the golden's official weights; own keys that start with `left` are another golden's.

    `arranged` puts tensors in our order that the release has in another.
    """
    own = {key: value for key, value in network.state_dict().items() if left is None or not key.startswith(left)}
    tensors = arranged(converted(golden.weights, keys, own, golden.name, golden.part))
    network.load_state_dict(tensors, strict=left is None)
    parameters: list[Tensor] = [p for key, p in network.named_parameters() if key in own]
    # The release also counts what it holds and never calls.
    parameters += [v for key, v in golden.weights.items() if key in keys.left_out and key.endswith(("weight", "bias"))]
    count = sum(p.numel() for p in parameters)
    assert count == golden.parameters, f"{count} parameters instead of {golden.parameters}"


def fill_by_rule(network: nn.Module, keys: KeyMap) -> None:
    """Load what the rule makes of the official names, of a part whose state dict the golden does not list."""
    own = network.state_dict()
    network.load_state_dict(converted(official(entries(keys, own), {}), keys, own, "rule", "network"))


def entries(keys: KeyMap, own: Mapping[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    """Keys and shapes of the official state dict, by the key map turned round."""
    found: list[tuple[str, tuple[int, ...]]] = [(key, ()) for key in keys.left_out]
    for key, sources in keys.sources.items():
        rows, *rest = own[key].shape
        found += [(source, (rows // len(sources), *rest)) for source in sources]
    return found


@cache
def rule_vgg19() -> nn.Module:
    """VGG19 with the rule's weights under the names of SPADE's release: slice k ends with relu k_1."""
    own, shapes = Vgg19().state_dict(), []
    for number, layer in layer_keys().items():
        _, stage, place = layer.split(".")
        part = f"slice{int(stage) + 1 + (int(place) > 0)}.{number}"
        shapes += [(f"{part}.{kind}", tuple(own[f"{layer}.{kind}"].shape)) for kind in ("weight", "bias")]
    return vgg19(official(shapes, {}), "rule")


def norm_options(text: str) -> tuple[Normalisation, int]:
    """Kind and kernel size of `spectralspadesyncbatch3x3` and its like."""
    found = re.fullmatch(r"(?:spectral)?spade(syncbatch|batch|instance)(\d)x\2", text)
    if found is None:
        raise ValueError(f"norm_G {text} is not known")
    return ("instance" if found[1] == "instance" else "batch"), int(found[2])


def _semantics(golden: Golden, labels: int, road: str) -> Semantics:
    """Labels, and edges where the golden has instances, as the road wants them."""
    ids = maps_of(golden.tensor("label"))
    instances = maps_of(golden.tensor("instance")) if "instance" in golden.inputs else None
    coded = coded_labels(ids, labels, instances)
    return coded.dense() if road == DENSE else coded


def maps_of(values: Tensor) -> Tensor:
    """B H W int64, of a map stored with or without a channel axis, and with 255 or without."""
    return values.long().reshape(-1, *values.shape[-2:])


def on_road(network: nn.Module, golden: Golden, road: str) -> nn.Module:
    return freeze(network.eval()) if road == FROZEN else network.train(golden.training)


def buffers_of(network: nn.Module, keys: KeyMap) -> dict[str, Tensor]:
    """The network's state under the official names, where these are one to one."""
    state = network.state_dict()
    return {sources[0]: state[own] for own, sources in keys.sources.items() if len(sources) == 1}


def _discriminator(options: dict[str, Any], planes: int) -> PatchDiscriminator:
    return PatchDiscriminator(
        planes, width=options["ndf"], scales=options["num_D"], layers=options.get("n_layers_D", 4)
    )


def stored_verdict(golden: Golden, side: str) -> Verdict:
    scales: dict[str, list[Tensor]] = {}
    for name in sorted(golden.inputs):
        if name.startswith(f"{side}_s"):
            scales.setdefault(name.split("_")[1], []).append(golden.tensor(name))
    return Verdict(tuple(tuple(scale) for scale in scales.values()))


def batch_of(golden: Golden) -> Batch:
    """Labels, instances and photos; photos that are not stored are made as their description says."""
    labels = maps_of(golden.tensor("label"))
    instances = maps_of(golden.tensor("instance")) if "instance" in golden.inputs else None
    image = golden.tensor("image")
    described = re.search(r"rule\.image\((?:seed=)?(\d+)\+i", str(golden.described.get("image")))
    if len(image) < len(labels) and described:
        more = range(len(image), len(labels))
        made = [rule.image(int(described[1]) + i, *image.shape[1:]) for i in more]
        image = torch.cat([image, *(torch.from_numpy(one)[None] for one in made)])
    return Batch(tuple(map(str, range(len(labels)))), image, labels, instances)


def noise_of(golden: Golden, batch: int, turn: int) -> Tensor:
    """The noise of the `turn`-th drawing of styles: stored one by one, or stacked, under whatever name."""
    named = [name for name in golden.inputs if "eps" in name or "noise" in name]
    others = [name for name in golden.inputs if name not in ("label", "instance", "image")]
    stored = [golden.tensor(name).float() for name in named or others]
    draws = torch.cat([one.reshape(-1, batch, one.shape[-1]) for one in stored])
    return draws[min(turn, len(draws) - 1)]


def _made(golden: Golden, road: str, config: SpadeConfig, network: nn.Module, batch: Batch, turn: int) -> Round:
    semantics = _semantics(golden, config.labels, road)
    noise = noise_of(golden, len(batch), turn) if config.style else None
    condition = Condition(semantics, config.size, noise=noise, photo=batch.image if config.style else None)
    return Round(batch, condition, network(condition))


def judged(made: Round, judge: nn.Module) -> Round:
    images = torch.cat([made.fake.image, made.batch.image])
    fake, real = judge(made.condition, images).split(2)
    return replace(made, fake_verdict=fake, real_verdict=real)


def gradient_of(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    gradient: Tensor = parameter.grad.detach().clone()
    return gradient


def _generator_norm(network: nn.Module, golden: Golden) -> Tensor:
    """The norm of the generator's gradient; goldens do not say whether the encoder counts, so what is nearer."""
    parts = dict(network.named_parameters())
    alone = gradient_norm(p for name, p in parts.items() if not name.startswith("encoder."))
    both = gradient_norm(parts.values())
    wanted = float(golden.outputs["grad_norm_G"].item())
    return min(alone, both, key=lambda norm: abs(norm.item() - wanted))


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    norm: Tensor = torch.stack([gradient_of(p).double().norm() for p in parameters]).norm()
    return norm


def size_of(golden: Golden, output: str) -> tuple[int, int]:
    height, width = golden.outputs[output].shape[-2:]
    return height, width
