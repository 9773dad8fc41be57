"""What a recorded round needs: static shapes, no question to the GPU, and everything that changes copied in."""

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from intarsia.records import Seeds
from intarsia.training.graphs import RoundGraph, dense, mapped, tensors_in
from intarsia.training.rounds import Made, differentiate, discriminator_round, generator_round, share_of
from tests.systems import matrix
from tests.training.scene import launched

COUNTING = {"pix2pixhd-tiny", "pix2pixhd-tiny-coarse"}  # they count the objects of a batch, and are not recorded
ASKING = ("_local_scalar_dense", "nonzero", "_unique", "unique_dim", "bincount", "masked_select", "lift_fresh")


class NoQuestions(TorchDispatchMode):
    """Refuses what makes Python wait for a GPU, or copies from the host: a graph cannot hold it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert not func.name().removeprefix("aten::").startswith(ASKING), func.name()
        if func.name() == "aten::index.Tensor":
            assert all(index is None or index.dtype != torch.bool for index in args[1]), "boolean index"
        return func(*args, **(kwargs or {}))


def one_hot(labels, classes):
    """As torch's, which asks for the smallest and largest label on the CPU alone."""
    return torch.zeros(*labels.shape, classes, dtype=torch.int64).scatter_(-1, labels[..., None], 1)


def share(system, seed=0):
    return share_of(system, matrix.batch(system), Seeds((seed, seed + 1)))


@pytest.mark.parametrize("name", sorted(set(matrix.SMALL) - COUNTING))
def test_rounds_on_dense_planes_ask_the_gpu_nothing(name, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "one_hot", one_hot)
    system = matrix.build(name)
    fabric, one = launched(), dense(share(system))
    rounds = [(system.generator, system.recipe.generator_weights, generator_round)]
    if system.discriminator is not None:
        rounds.append((system.discriminator, system.recipe.discriminator_weights, discriminator_round))
    for network, weights, of in rounds:
        differentiate(fabric, network, weights, lambda s, of=of: of(system, s), [one])  # to its device, once
        with NoQuestions():
            outcome = differentiate(fabric, network, weights, lambda s, of=of: of(system, s), [one])
        assert all(term.isfinite() for term in outcome.terms.values())
        assert any(parameter.grad is not None for parameter in network.parameters())


def test_a_dense_share_keeps_conditions_one_that_were_one():
    system = matrix.build("spade-tiny")
    one = share(system)
    one = replace(one, made=Made(one.condition, one.batch.image))
    planes = dense(one)
    assert planes.again is planes.condition
    assert planes.made is not None
    assert planes.made.condition is planes.condition
    assert torch.equal(planes.condition.semantics, one.condition.semantics.dense())


def test_a_copy_has_tensors_of_its_own_in_the_same_order():
    system = matrix.build("oasis-tiny")
    first, second = dense(share(system)), dense(share(system, 7))
    own = mapped(first, lambda tensor: tensor.clone(), {})
    tensors = tensors_in(own)
    assert [t.shape for t in tensors] == [t.shape for t in tensors_in(second)]
    assert not {id(t) for t in tensors} & {id(t) for t in tensors_in(first)}
    for tensor, new in zip(tensors, tensors_in(second), strict=True):
        tensor.copy_(new)
    assert torch.equal(own.condition.semantics, second.condition.semantics)
    assert torch.equal(own.again.semantics, second.again.semantics)
    assert torch.equal(own.coins, second.coins)
    assert not torch.equal(own.condition.semantics, first.condition.semantics)


@pytest.mark.gpu
@pytest.mark.parametrize("name", matrix.SMALL)
def test_a_recorded_round_computes_what_the_round_computes(name):
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cuda", devices=1)
    system, said = matrix.build(name), []
    generator = system.generator.to("cuda")
    for network in (system.discriminator, system.companion):
        if network is not None:
            network.to("cuda")
    shares = [share_of(system, matrix.batch(system).to(fabric.device), Seeds((seed, seed + 1))) for seed in range(6)]
    record = RoundGraph(said.append)
    weights = system.recipe.generator_weights
    for one in shares:
        state = {key: value.clone() for key, value in system.generator.state_dict().items()}
        plain = differentiate(fabric, generator, weights, lambda s: generator_round(system, s), [dense(one)])
        expected = {key: float(term) for key, term in plain.terms.items()}
        system.generator.load_state_dict(state)
        found = record(fabric, generator, weights, lambda s: generator_round(system, s), [one])
        assert {key: float(term) for key, term in found.terms.items()} == pytest.approx(expected, rel=0.02, abs=1e-3)
    assert (record.graph is None) == (name in COUNTING), said
    assert len(said) == (name in COUNTING)
