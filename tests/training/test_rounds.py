"""What a round does to the networks, and what it refuses."""

import copy
from dataclasses import replace

import pytest
import torch

from intarsia.data.sources import open_source
from intarsia.errors import TrainingError
from intarsia.training import loop
from intarsia.training.rounds import discriminator_round, generator_round, saturation, seeds_at, step
from tests.training.scene import RECIPE, launched, mini_system


@pytest.fixture
def run(data, tmp_path):
    return make_run(data, tmp_path)


def make_run(data, out, accumulate=1, **sizes):
    source = open_source(str(data), "train")
    plan = loop.Plan(out, 100, accumulate=accumulate, workers=0)
    return loop.prepare(launched(), mini_system(**sizes), source, source, plan, print)


def shares_of(run):
    reading = run.batches.starting(0)
    return [loop.next_share(run, reading, 0, number) for number in range(run.plan.accumulate)]


def state_of(network):
    return copy.deepcopy(network.state_dict())


def differing(network, before):
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_the_generators_round_leaves_the_discriminators_weights_and_gradients_alone(run):
    system = run.system
    generator, discriminator = state_of(system.generator), state_of(system.discriminator)
    optimiser = run.steps["generator"]
    means, _ = step(
        run.fabric,
        system.generator,
        optimiser,
        RECIPE.generator_weights,
        lambda share: generator_round(system, share),
        shares_of(run),
    )
    assert set(means) == {"gan", "feature_matching", "saturated"}
    assert differing(system.generator, generator) == set(generator)
    # Spectral normalisation goes on with its power iteration.
    assert differing(system.discriminator, discriminator) == {"image.u", "image.v"}
    assert all(p.grad is None and p.requires_grad for p in system.discriminator.parameters())


def test_the_discriminators_round_moves_only_running_statistics_of_the_generator(run):
    system = run.system
    generator, discriminator = state_of(system.generator), state_of(system.discriminator)
    means, _ = step(
        run.fabric,
        system.discriminator,
        run.steps["discriminator"],
        RECIPE.discriminator_weights,
        lambda share: discriminator_round(system, share),
        shares_of(run),
    )
    assert set(means) == {"fake", "real"}
    assert differing(system.generator, generator) == {"norm.moments.running_mean", "norm.moments.running_var"}
    assert differing(system.discriminator, discriminator) >= {"image.weight", "labels.weight", "logits.weight"}
    assert all(p.grad is None for p in system.generator.parameters())


def test_shares_one_after_another_give_the_gradient_of_the_whole_batch(data, tmp_path):
    def stepped(accumulate):
        run = make_run(data, tmp_path, accumulate, drop=0.0)
        # In evaluation mode nothing depends on which samples share a batch.
        generator, discriminator = run.system.generator.eval(), run.system.discriminator.eval()
        optimiser = run.fabric.setup_optimizers(torch.optim.SGD(discriminator.parameters(), 1.0))
        before = state_of(discriminator)
        means, _ = step(
            run.fabric,
            discriminator,
            optimiser,
            RECIPE.discriminator_weights,
            lambda share: discriminator_round(run.system, share),
            shares_of(run),
        )
        assert not generator.training
        return means, {name: tensor - before[name] for name, tensor in discriminator.state_dict().items()}

    whole, parts = stepped(1), stepped(2)
    assert parts[0] == pytest.approx(whole[0], rel=1e-5)
    for name, moved in whole[1].items():
        torch.testing.assert_close(parts[1][name], moved, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_term_that_is_not_finite_stops_before_the_step(run, value):
    generator = state_of(run.system.generator)

    def terms(share):
        made = generator_round(run.system, share)
        return replace(made, terms=made.terms | {"feature_matching": made.terms["feature_matching"] * value})

    with pytest.raises(TrainingError) as caught:
        step(
            run.fabric,
            run.system.generator,
            run.steps["generator"],
            RECIPE.generator_weights,
            terms,
            shares_of(run),
        )
    assert str(caught.value) == f"the term feature_matching became {value}"
    moved = differing(run.system.generator, generator)
    assert moved == {"norm.moments.running_mean", "norm.moments.running_var"}


def test_saturation_counts_values_at_the_ends_beyond_those_of_the_photo():
    fake = torch.tensor([1.0, -1.0, 0.9995, 0.5])
    assert saturation(fake, torch.zeros(4)) == 0.75
    assert saturation(fake, torch.tensor([1.0, 0.0, 0.0, 0.0])) == 0.5
    assert saturation(torch.zeros(4), fake) == 0


def test_seeds_are_a_function_of_run_and_position():
    assert seeds_at(3, 10, 4).values[2:] == seeds_at(3, 12, 2).values
    distinct = {value for seed in range(4) for value in seeds_at(seed, 0, 100).values}
    assert len(distinct) == 400
    assert all(0 <= value < 2**63 for value in distinct)


def test_bf16_rounds_agree_with_float32_and_keep_float32_weights(data, tmp_path):
    source = open_source(str(data), "train")
    terms = []
    for precision in ("32-true", "bf16-mixed"):
        plan = loop.Plan(tmp_path, 100, precision=precision, workers=0)
        run = loop.prepare(launched(1, precision), mini_system(), source, source, plan, print)
        terms.append(loop.iterate(run, run.batches.starting(0), 0))
        assert {tensor.dtype for tensor in run.parts.tensors().values()} == {torch.float32}
    assert terms[1] == pytest.approx(terms[0], rel=0.03, abs=0.03)
    assert terms[1] != terms[0]
