"""The parts of the pix2pixHD release, built from its options (`opt.*`) out of ours."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from intarsia.checkpoints.convert import pix2pixhd as convert
from intarsia.checkpoints.convert.keymap import KeyMap
from intarsia.coded import Semantics
from intarsia.conditioning.objects import mean_by_object
from intarsia.conditioning.semantics import coded_labels, instance_edges
from intarsia.data.pairs import Pair
from intarsia.data.transforms import Cut, cut_out, draw_cut, resize
from intarsia.labels import numbered
from intarsia.losses import matching
from intarsia.losses.adversarial import Adversarial
from intarsia.records import Batch, Condition, Round, Seeds, Synthesis, Verdict
from intarsia.synthesis.style_bank import clustered
from intarsia.systems import pix2pixhd
from intarsia.systems.pix2pixhd import Pix2pixHDConfig, Pix2pixHDGenerator
from intarsia.systems.system import Recipe, present
from intarsia.training.pool import ImagePool
from intarsia.training.schedule import held_parts, rates
from tests.goldens import spade
from tests.goldens.parity import Golden, Part
from tests.goldens.spade import CODED, DENSE, FROZEN, buffers_of, fill, gradient_norm, maps_of, on_road


def generator(golden: Golden, road: str) -> dict[str, Tensor]:
    """GlobalGenerator or LocalEnhancer: labels or an image, and features where there are any -> image."""
    config = generator_config(golden.config)
    network, keys = Pix2pixHDGenerator(config).body, convert.generator_keys(config)
    fill(network, keys, golden)
    features = golden.tensor("feat").float() if config.features else None
    image = on_road(network, golden, road)(_semantics(golden, road), features)
    return {"image": image} | buffers_of(network, keys)


def discriminator(golden: Golden, road: str) -> dict[str, Tensor]:
    """MultiscaleDiscriminator: labels and image -> features and logits by scale."""
    config = golden.config
    network = pix2pixhd.discriminator_of(discriminator_config(config))
    fill(network, _discriminator_keys(config, config["getIntermFeat"]), golden)
    image = golden.tensor("image").float()
    condition = Condition(_semantics(golden, road), (image.shape[2], image.shape[3]))
    verdict: Verdict = network.train(golden.training)(condition, image)
    out: dict[str, Tensor] = {}
    for number, scale in enumerate(verdict.scales):
        # Without feature matching the release returns the logits only; with binary cross entropy, after a sigmoid.
        shown = scale if config["getIntermFeat"] else scale[-1:]
        out |= {f"result{number}_out{place}": features for place, features in enumerate(shown)}
        if config["use_sigmoid"]:
            out[f"result{number}_out{len(shown) - 1}"] = torch.sigmoid(scale[-1])
    return out


def encoder(golden: Golden, road: str) -> dict[str, Tensor]:
    """Encoder: image and instances -> its maps, and these averaged over each instance."""
    config = encoder_config(golden.config)
    network = Pix2pixHDGenerator(config).encoder
    fill(network, convert.encoder_keys(config), golden)
    raw = on_road(network, golden, road)(golden.tensor("image").float())
    return {"raw": raw, "pooled": mean_by_object(raw, maps_of(golden.tensor("instance")))}


def features(golden: Golden, road: str) -> dict[str, Tensor]:
    """Encoder on whole photos: a row for each instance, centres of each class's rows, and a map drawn from these.

    Outputs are told apart by their shapes: a row is a style and the instance's area (in 1/32 of the photo), a centre is
    a style; their names end with the class. Cityscapes' instance numbers from 1000 on are 1000 * class + number.
    """
    config = encoder_config({"norm": "instance", **golden.config, "output_nc": golden.config.get("feat_num", 3)})
    network = Pix2pixHDGenerator(config).encoder
    fill(network, convert.encoder_keys(config), golden)
    encode = on_road(network, golden, road)
    photos = torch.cat([golden.tensor(name).float() for name in sorted(golden.inputs) if "im" in name])
    numbers = torch.cat([maps_of(golden.tensor(name)) for name in sorted(golden.inputs) if "inst" in name])
    maps = torch.cat([encode(photo[None]) for photo in photos])  # one by one, as the release does
    pooled = mean_by_object(maps, numbers)
    rows: dict[int, list[Tensor]] = {}
    height, width = numbers.shape[1:]
    for styles, instances in zip(pooled, numbers, strict=True):
        for number in instances.unique().tolist():
            inside = instances == number
            row = torch.cat([styles[:, inside][:, :1].flatten(), inside.sum()[None] / (height * width // 32)])
            rows.setdefault(_class_of(number), []).append(row)
    stacked = {label: torch.stack(of_class) for label, of_class in rows.items()}
    large = {label: of_class[of_class[:, -1] > 0.5, :-1] for label, of_class in stacked.items()}
    centres = {
        label: torch.from_numpy(clustered(styles.detach().numpy(), golden.config.get("n_clusters", 10)))
        for label, styles in large.items()
        if len(styles)
    }
    out: dict[str, Tensor] = {}
    for name, wanted in golden.outputs.items():
        if wanted.ndim == 2:
            label = int(re.findall(r"\d+", name)[-1])
            out[name] = (stacked if wanted.shape[1] > config.features else centres)[label]
        else:
            out[name] = _drawn(numbers[:1], centres, golden) if "sampl" in name else pooled
    return out


def _class_of(number: int) -> int:
    return number if number < 1000 else number // 1000


def _drawn(numbers: Tensor, centres: dict[int, Tensor], golden: Golden) -> Tensor:
    """A centre for each instance in ascending order, by numpy's global generator; zeros for classes without any."""
    seed = re.search(r"seed\((\d+)\)", str(golden.described))
    draw = np.random.RandomState(int(seed[1]) if seed else 0)
    drawn = torch.zeros(1, next(iter(centres.values())).shape[1], *numbers.shape[1:])
    for number in np.unique(numbers.numpy()).tolist():
        if _class_of(number) in centres:
            of_class = centres[_class_of(number)]
            drawn.permute(0, 2, 3, 1)[numbers == number] = of_class[draw.randint(0, len(of_class))]
    return drawn


def losses(golden: Golden, road: str) -> dict[str, Tensor]:
    """GANLoss in both modes and feature matching on stored features and logits, and the sums that are minimised."""
    fake, real = (spade.stored_verdict(golden, side) for side in ("fake", "real"))
    nothing = torch.zeros(1, 1, 1)
    stored = Round(Batch(("",), nothing, nothing), Condition(nothing, (1, 1)), Synthesis(nothing), fake, real)
    config = Pix2pixHDConfig(
        labels=1, discriminator_scales=golden.config["num_D"], discriminator_layers=golden.config["n_layers_D"] + 1
    )
    out: dict[str, Tensor] = {}
    kinds: dict[str, Adversarial] = {"lsgan": "least_squares", "bce": "original"}
    for name, kind in kinds.items():
        terms = _terms(replace(config, adversarial=kind), stored)
        out |= {f"{name}_g_fake": terms["gan"], f"{name}_d_fake": terms["fake"], f"{name}_d_real": terms["real"]}
    out["gan_feat_weighted"] = golden.config["lambda_feat"] * terms["feature_matching"]
    return out | {
        "total_D": 0.5 * (out["lsgan_d_fake"] + out["lsgan_d_real"]),
        "total_G": out["lsgan_g_fake"] + out["gan_feat_weighted"],
    }


def step(golden: Golden, road: str) -> dict[str, Tensor]:
    """Pix2PixHDModel: losses and gradients of one step, with one image made for both networks."""
    options = golden.config
    config = step_config(options)
    network, judge = Pix2pixHDGenerator(config).train(), pix2pixhd.discriminator_of(config)
    fill(network.body, convert.generator_keys(config), golden)
    spade.fill_by_rule(judge, _discriminator_keys(options, features=True))
    if config.features:
        spade.fill_by_rule(network.encoder, convert.encoder_keys(config))
    batch = spade.batch_of(golden)
    condition = replace(pix2pixhd.condition(config, batch, Seeds((0,))), semantics=_semantics(golden, road))

    fake = network(condition)
    made = spade.judged(Round(batch, condition, fake), judge)
    terms = _terms(config, made)
    features = spade.rule_vgg19()
    perceptual = matching.perceptual(features(fake.image), features(batch.image))
    out = {
        "G_GAN": terms["gan"],
        "G_GAN_Feat": options["lambda_feat"] * terms["feature_matching"],
        "G_VGG": options["lambda_feat"] * perceptual,
    }
    out["loss_G"] = torch.stack(list(out.values())).sum()
    out["loss_G"].backward()
    out |= {"grad_norm_G": gradient_norm(network.body.parameters()), "fake": fake.image}
    if config.features:
        out["grad_norm_E"] = gradient_norm(network.encoder.parameters())
        out["feat_map"] = network.encode(batch.image, present(condition.objects))

    judge.zero_grad()
    terms = _terms(config, spade.judged(replace(made, fake=replace(fake, image=fake.image.detach())), judge))
    out |= {"D_fake": terms["fake"], "D_real": terms["real"], "loss_D": 0.5 * (terms["fake"] + terms["real"])}
    out["loss_D"].backward()
    return out | {"grad_norm_D": gradient_norm(judge.parameters())}


def pool(golden: Golden, road: str) -> dict[str, Tensor]:
    """ImagePool: what it gave for each of a sequence of batches of scalars."""
    rng, kept = random.Random(9), ImagePool(golden.config["pool_size"], {})
    returned = []
    for values in golden.tensor("seq"):
        images = values.view(-1, 1, 1, 1)
        labels = torch.zeros(len(values), 1, 1, dtype=torch.long)
        batch = kept.exchange(Batch(tuple(map(str, values.tolist())), images, labels), rng)
        returned.append(batch.image.flatten())
    return {"returned": torch.stack(returned)}


def data(golden: Golden, road: str) -> dict[str, Tensor]:
    """The data set's loader in its modes, from decoded files to tensors; and the edges of instances."""
    if "image" not in golden.inputs:
        return {"edges": instance_edges(maps_of(golden.tensor("instance")))[:, None].to(torch.uint8)}
    take, options = golden.inputs, golden.config
    space = numbered("cityscapes", options["label_nc"])
    pair = Pair("city", take["image"], space.encode(take["label"], "city"), take["instance"].astype("int64"))
    height, width = pair.labels.shape
    # Both sides become multiples of what a generator with one enhancer needs.
    multiple = 2 ** (options["n_downsample_global"] + options["n_local_enhancers"])
    rounded = (round(height / multiple) * multiple, round(width / multiple) * multiple)
    crop = (options["fineSize"], options["fineSize"])
    whole = Cut(0, 0, False)
    samples = {
        "scale_width": cut_out(
            scaled := resize(pair, (options["loadSize"] * height // width, options["loadSize"])),
            (scaled.labels.shape[0], scaled.labels.shape[1]),
            whole,
        ),
        "none_local": cut_out(resize(pair, rounded), rounded, whole),
        "crop": cut_out(pair, crop, draw_cut((height, width), crop, flip=False, rng=random.Random(4))),
    }
    out: dict[str, Tensor] = {}
    for name, sample in samples.items():
        assert sample.instances is not None
        out |= {f"{name}_image": sample.image, f"{name}_label": sample.labels[None].float()}
        out[f"{name}_inst"] = sample.instances[None].float()
    return out


def schedule(golden: Golden, road: str) -> dict[str, Tensor]:
    """Rates of both networks, a row for each epoch; and which parameters learn while the trunk is held."""
    out: dict[str, Tensor] = {}
    for name in ("512p", "1024p"):
        epochs, decay, *_ = golden.config[f"p{name.removesuffix('p')}"]
        rate = golden.config["lr"]
        recipe = Recipe({}, {}, rate, rate, epochs=epochs, decay_epochs=decay)
        rows = [rates(recipe, epoch) for epoch in range(1, epochs + decay + 1)]
        out[f"lr_{name}"] = torch.tensor(rows, dtype=torch.float64)
    for enhancers, name in ((1, "trained_while_global_fixed"), (2, "trained_while_global_fixed_2enh")):
        config = Pix2pixHDConfig(labels=3, halvings=2, blocks=1, enhancers=enhancers, enhancer_blocks=1, width=2)
        recipe = Recipe({}, {}, held=pix2pixhd.held_inside(enhancers, epochs=10))
        assert not held_parts(recipe, 11), "held for longer than as published"
        held = held_parts(recipe, 10)
        keys = convert.generator_keys(config).under("body.", "")
        learns = {official: not own.startswith(held) for own, (official,) in keys.sources.items()}
        out[name] = torch.tensor([learns[official] for official in golden.config[f"names_{enhancers}"]]).long()
    return out


PARTS: dict[tuple[str, str], tuple[Part, tuple[str, ...]]] = {
    ("pix2pixhd", "generator"): (generator, (CODED, DENSE, FROZEN)),
    ("pix2pixhd", "discriminator"): (discriminator, (CODED, DENSE)),
    ("pix2pixhd", "encoder"): (encoder, (DENSE, FROZEN)),
    ("pix2pixhd", "features"): (features, (DENSE, FROZEN)),
    ("pix2pixhd", "vgg"): (spade.vgg, ("",)),
    ("pix2pixhd", "losses"): (losses, ("",)),
    ("pix2pixhd", "step"): (step, (CODED, DENSE)),
    ("pix2pixhd", "pool"): (pool, ("",)),
    ("pix2pixhd", "data"): (data, ("",)),
    ("pix2pixhd", "schedule"): (schedule, ("",)),
}


def generator_config(options: dict[str, Any]) -> Pix2pixHDConfig:
    """The options of a generator as our config; without labels its input is an image."""
    local = options["kind"] == "local"
    return Pix2pixHDConfig(
        labels=options["label_nc"] or options["input_nc"] - options["instance"],
        edges=options["instance"],
        width=options["ngf"],
        halvings=options["n_downsample_global" if local else "n_downsampling"],
        blocks=options["n_blocks_global" if local else "n_blocks"],
        enhancers=options["n_local_enhancers"] if local else 0,
        enhancer_blocks=options.get("n_blocks_local", 3),
        features=options["feat_num"],
        normalisation=options["norm"],
    )


def encoder_config(options: dict[str, Any]) -> Pix2pixHDConfig:
    """The options of an encoder as our config, with a small generator beside it."""
    return Pix2pixHDConfig(
        labels=1,
        width=1,
        halvings=1,
        blocks=1,
        features=options["output_nc"],
        encoder_width=options["nef"],
        encoder_halvings=options["n_downsample_E"],
        normalisation=options["norm"],
    )


def discriminator_config(options: dict[str, Any]) -> Pix2pixHDConfig:
    """The options of a discriminator as our config, with a small generator beside it."""
    colours = 3
    return Pix2pixHDConfig(
        labels=options["input_nc"] - colours - options["instance"],
        edges=options["instance"],
        discriminator_width=options["ndf"],
        discriminator_scales=options["num_D"],
        discriminator_layers=options["n_layers"] + 1,
        normalisation=options.get("norm", "instance"),
    )


def step_config(options: dict[str, Any]) -> Pix2pixHDConfig:
    """The options of a model as our config."""
    local = options["netG"] == "local"
    by_label = options.get("label_feat", False)
    return Pix2pixHDConfig(
        labels=options["label_nc"],
        edges=not options["no_instance"],
        width=options["ngf"],
        halvings=options["n_downsample_global"],
        blocks=options["n_blocks_global"],
        enhancers=options.get("n_local_enhancers", 1) if local else 0,
        enhancer_blocks=options.get("n_blocks_local", 3),
        features=options["feat_num"] if options["instance_feat"] or by_label else 0,
        features_of="labels" if by_label else "instances",
        encoder_width=options["nef"],
        encoder_halvings=options["n_downsample_E"],
        normalisation=options["norm"],
        discriminator_width=options["ndf"],
        discriminator_scales=options["num_D"],
        discriminator_layers=options["n_layers_D"] + 1,
        adversarial="original" if options.get("no_lsgan") else "least_squares",
    )


def _discriminator_keys(options: dict[str, Any], features: bool) -> KeyMap:
    layers = options["n_layers_D"] if "n_layers_D" in options else options["n_layers"]
    return convert.discriminator_keys(options["num_D"], layers + 1, options.get("norm", "instance"), features=features)


def _semantics(golden: Golden, road: str) -> Semantics:
    """Labels and edges as the road wants them; without labels, an image and edges."""
    instances = maps_of(golden.tensor("instance")) if "instance" in golden.inputs else None
    if "label" in golden.inputs:
        coded = coded_labels(maps_of(golden.tensor("label")), golden.config["label_nc"], instances)
        return coded.dense() if road == DENSE else coded
    image = next(golden.tensor(name).float() for name in ("image_in", "image") if name in golden.inputs)
    return image if instances is None else torch.cat([image, instance_edges(instances)[:, None].float()], 1)


def _terms(config: Pix2pixHDConfig, made: Round) -> dict[str, Tensor]:
    """All terms of both networks, unweighted."""
    terms = pix2pixhd.generator_terms(config) | pix2pixhd.discriminator_terms(config)
    return {name: term(made) for name, term in terms.items()}
