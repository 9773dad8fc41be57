"""Training pix2pixHD from coarse to fine: what learns when, its pool, and going on exactly."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia import systems
from intarsia.checkpoints.state import TENSORS, state_folders
from intarsia.checkpoints.tensors import read_tensors
from intarsia.data.sources import open_source
from intarsia.errors import CheckpointError, ConfigError
from intarsia.training import loop
from tests.training.scene import launched, mini_system, run_mini, write_data

PAIRS, BATCH = 4, 2
EPOCH = PAIRS  # images


@pytest.fixture(scope="module")
def instances(tmp_path_factory):
    """A small data set with instance maps."""
    root = write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=PAIRS, size=36)
    for split in ("train", "val"):
        (root / split / "instances").mkdir()
        for number in range(PAIRS):
            ids = np.random.default_rng(number).integers(0, 9, (6, 6)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
            Image.fromarray(ids).save(root / split / "instances" / f"{number}.png")
    return root


def tiny(name="pix2pixhd-tiny", **changes):
    preset = systems.preset(name)
    torch.manual_seed(0)
    return systems.build("pix2pixhd", preset.config, dataclasses.replace(preset.recipe, **changes), preset=name)


def run(data, out, images, system=None, **options):
    return run_mini(data, out, images, system=system or tiny(), **options)


def states(out):
    return {int(folder.name): read_tensors(folder / TENSORS) for folder in state_folders(out / "states")}


def moved(before, after, network="generator"):
    """Names of the entries that differ."""
    prefix = f"networks/{network}/"
    names = [name for name in before if name.startswith(prefix)]
    return {name.removeprefix(prefix) for name in names if not torch.equal(before[name], after[name])}


@pytest.fixture(scope="module")
def straight(instances, tmp_path_factory):
    """A run of two epochs that nobody disturbed: the trunk is held in the first."""
    out = tmp_path_factory.mktemp("straight")
    run(instances, out, 2 * EPOCH)
    return out


def test_the_trunk_is_held_for_the_first_epoch(instances, tmp_path):
    fresh = tiny().generator.state_dict()
    run(instances, tmp_path, EPOCH + BATCH)
    found = states(tmp_path)
    born = {f"networks/generator/{name}": tensor for name, tensor in fresh.items()}
    at_the_end_of_it = moved(born, found[EPOCH])
    assert at_the_end_of_it
    assert not any(name.startswith("body.trunk.") for name in at_the_end_of_it)
    assert any(name.startswith("body.enhancers.0.") for name in at_the_end_of_it)
    assert any(name.startswith("encoder.") for name in at_the_end_of_it)
    then = moved(found[EPOCH], found[EPOCH + BATCH])
    assert any(name.startswith("body.trunk.") for name in then)


def test_what_is_released_gets_a_fresh_optimiser(instances, tmp_path):
    run(instances, tmp_path, EPOCH + BATCH)
    found = states(tmp_path)
    enhancer, trunk = "body.last.weight", "body.trunk.first.conv.joint.whole.weight"

    def steps(images, entry):
        step = found[images].get(f"optimisers/generator/step/{entry}")
        return None if step is None else int(step)

    assert [steps(EPOCH, entry) for entry in (enhancer, trunk)] == [EPOCH // BATCH, None]
    assert [steps(EPOCH + BATCH, entry) for entry in (enhancer, trunk)] == [1, 1]
    judge = "optimisers/discriminator/step/scales.0.last.weight"
    assert int(found[EPOCH + BATCH][judge]) == (EPOCH + BATCH) // BATCH


def test_parts_may_be_held_throughout(instances, tmp_path):
    system = tiny(held={"encoder.": None})
    before = {name: tensor.clone() for name, tensor in system.generator.state_dict().items()}
    run(instances, tmp_path, EPOCH + BATCH, system)
    now = system.generator.state_dict()
    assert all(torch.equal(now[name], before[name]) for name in before if name.startswith("encoder."))
    assert not torch.equal(now["body.last.weight"], before["body.last.weight"])


@pytest.mark.parametrize("stops", [(BATCH, EPOCH), (EPOCH + BATCH,)], ids=["while it is held", "after it"])
def test_a_run_goes_on_bit_for_bit(instances, straight, tmp_path, stops):
    for images in (*stops, 2 * EPOCH):
        run(instances, tmp_path, images)
    now, then = states(tmp_path)[2 * EPOCH], states(straight)[2 * EPOCH]
    assert now.keys() == then.keys()
    assert all(torch.equal(now[name], then[name]) for name in now)
    assert {name.split("/")[1] for name in now if name.startswith("pool/")} == {"0", "1", "2"}


def test_the_discriminator_judges_the_image_that_the_generator_was_judged_by(instances, tmp_path):
    made, judged = [], []
    system = tiny(pool=0)
    system.generator.register_forward_hook(lambda module, given, out: made.append(out.image.detach()))
    system.discriminator.register_forward_pre_hook(lambda module, given: judged.append(given[1].detach()[:BATCH]))
    source = open_source(str(instances), "train")
    prepared = loop.prepare(launched(), system, source, source, loop.Plan(tmp_path, 8, workers=0), print)
    loop.iterate(prepared, prepared.batches.starting(0), 0)
    assert len(made) == 1
    assert len(judged) == 2
    assert all(torch.equal(image, made[0]) for image in judged)


def test_a_fine_run_starts_with_the_networks_of_a_coarse_one(instances, tmp_path):
    run(instances, tmp_path / "coarse", BATCH, tiny("pix2pixhd-tiny-coarse"))
    coarse = states(tmp_path / "coarse")[BATCH]
    system = tiny()
    source = open_source(str(instances), "train")
    plan = loop.Plan(tmp_path / "fine", 8, workers=0, start=tmp_path / "coarse")
    prepared = loop.prepare(launched(), system, source, source, plan, print)
    fresh = tiny()
    assert loop.resume(prepared) == (0, 0.0)
    generator, judge = system.generator.state_dict(), system.discriminator.state_dict()
    for name, tensor in generator.items():
        if name.startswith(("body.trunk.", "encoder.")):
            assert torch.equal(tensor, coarse[f"networks/generator/{name}"]), name
        else:
            assert torch.equal(tensor, fresh.generator.state_dict()[name]), name
    for name, tensor in judge.items():
        _, scale, rest = name.split(".", 2)
        if scale == "0":
            assert torch.equal(tensor, fresh.discriminator.state_dict()[name]), name
        else:
            assert torch.equal(tensor, coarse[f"networks/discriminator/scales.{int(scale) - 1}.{rest}"]), name


# What is refused.


def refused(data, out, system, **options):
    with pytest.raises((ConfigError, CheckpointError)) as caught:
        run(data, out, 8, system, **options)
    return str(caught.value)


def test_a_run_of_another_system_is_nothing_to_start_from(instances, tmp_path):
    run_mini(instances, tmp_path / "mini", 4)
    saved = state_folders(tmp_path / "mini" / "states")[-1]
    assert refused(instances, tmp_path / "fine", tiny(held={}, pool=0), start=tmp_path / "mini") == (
        f"{saved} is of system mini, and this run of pix2pixhd. Start from a run of the same system."
    )


def test_a_coarse_run_of_other_widths_is_named(instances, tmp_path):
    wide = systems.preset("pix2pixhd-tiny-coarse")
    config = dataclasses.replace(wide.config, width=12)
    run(instances, tmp_path / "wide", BATCH, systems.build("pix2pixhd", config, wide.recipe))
    saved = state_folders(tmp_path / "wide" / "states")[-1]
    assert refused(instances, tmp_path / "fine", tiny(), start=tmp_path / "wide") == (
        f"{saved} has body.trunk.first.conv.joint.whole.weight as 12x9x7x7 where its configuration makes 8x9x7x7. "
        "It belongs to another one."
    )


def test_a_held_part_that_is_none_is_named(instances, tmp_path):
    assert refused(instances, tmp_path, tiny(held={"trunk.": 3})) == (
        "the recipe holds trunk., and no part of the generator is called so. Leave it out."
    )


def test_a_pool_of_fresh_fakes_is_a_contradiction(instances, tmp_path):
    assert refused(instances, tmp_path, tiny(fresh_fakes=True)) == (
        "the recipe keeps a pool of 3 made images, and has the discriminator see fresh ones. "
        "Set fresh_fakes=False, or pool=0."
    )


def test_a_pool_works_in_one_process():
    with pytest.raises(ConfigError) as caught:
        loop.check_recipe(tiny(), processes=2)
    assert str(caught.value) == "a pool of made images works in one process, and there are 2. Set pool=0."


def test_a_run_begun_before_a_setting_existed_goes_on(instances, tmp_path):
    """What a state does not know is taken to have been the default."""
    import json

    run_mini(instances, tmp_path, BATCH * 2, system=mini_system(dataclasses.replace(mini_system().recipe)))
    path = state_folders(tmp_path / "states")[-1] / "state.json"
    values = json.loads(path.read_text())
    for setting in ("held", "pool", "fresh_fakes"):
        del values["run"]["recipe"][setting]
    path.write_text(json.dumps(values))
    assert run_mini(instances, tmp_path, BATCH * 4).images == BATCH * 4
