"""Every layer that takes coded maps computes what it computes on dense planes: forward and gradients."""

import copy

import pytest
import torch
from torch import Tensor, nn

from intarsia.blocks import lookup
from intarsia.blocks.convolution import CodedConv2d, SpectralConv2d
from intarsia.blocks.frozen import FrozenSpade, freeze
from intarsia.blocks.lookup import lookup_affine, plain_lookup_affine, window_products
from intarsia.blocks.modulation import Normalisation, Spade
from intarsia.blocks.residual import SpadeBlock
from intarsia.coded import CodedMap, Semantics
from intarsia.conditioning.semantics import coded_labels
from tests import maps

LABELS = 6
MAPS = {
    "regions, batch of 3": maps.regions(1, LABELS, 24, 40, batch=3),
    "odd size": maps.regions(2, LABELS, 17, 31),
    "regions of one pixel": maps.dotted(LABELS, 16, 16),
    "one class": maps.uniform(3, 12, 20),
    "all noise": maps.noise(4, LABELS, 18, 14),
}


@pytest.fixture(params=MAPS.values(), ids=MAPS.keys())
def semantics(request: pytest.FixtureRequest) -> CodedMap:
    return coded_labels(request.param, LABELS, maps.regions(9, 30, *request.param.shape[1:], batch=len(request.param)))


def tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def gradients(network: nn.Module, inputs: list[Tensor], *args: object) -> tuple[Tensor, dict[str, Tensor]]:
    """Output, and gradients of a fixed random functional of it by parameter and input."""
    network.zero_grad()
    inputs = [value.clone().requires_grad_() for value in inputs]
    out = network(*inputs, *args)
    (out * tensor(*out.shape, seed=7)).mean().backward()
    found = {name: value.grad for name, value in network.named_parameters()}
    return out.detach(), found | {f"input {i}": value.grad for i, value in enumerate(inputs)}


def assert_equal(network: nn.Module, inputs: list[Tensor], semantics: CodedMap, *args: object) -> None:
    twin = copy.deepcopy(network)
    out, found = gradients(network, inputs, semantics, *args)
    expected, wanted = gradients(twin, inputs, semantics.dense(), *args)
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    for name, value in twin.named_buffers():
        torch.testing.assert_close(dict(network.named_buffers())[name], value, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("kernel", "stride", "padding", "bias"), [(3, 1, 1, True), (4, 2, 2, False), (5, 1, 2, True)])
def test_convolution(semantics: CodedMap, kernel: int, stride: int, padding: int, bias: bool) -> None:
    planes = semantics.codebook.shape[1]
    assert_equal(CodedConv2d(planes, 5, kernel, stride, padding, bias=bias), [], semantics)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("kind", ["batch", "instance"])
@pytest.mark.parametrize("training", [True, False])
def test_spade(semantics: CodedMap, kernel: int, kind: Normalisation, training: bool) -> None:
    layer = Spade(4, LABELS + 1, hidden=8, kernel=kernel, kind=kind).train(training)
    assert_equal(layer, [tensor(*semantics.codes.shape[:1], 4, *semantics.size)], semantics, 0.2)


def test_spade_upsamples_its_input() -> None:
    semantics = coded_labels(maps.regions(1, LABELS, 32, 48, batch=2), LABELS)
    layer = Spade(4, LABELS, hidden=8)
    assert_equal(layer, [tensor(2, 4, 16, 24)], semantics, 0.2)
    assert_equal(layer, [tensor(2, 4, 16, 24)], semantics, 1)


@pytest.mark.parametrize("outputs", [4, 6])
def test_residual_block(semantics: CodedMap, outputs: int) -> None:
    block = SpadeBlock(6, outputs, LABELS + 1, hidden=8)
    assert_equal(block, [tensor(*semantics.codes.shape[:1], 6, *semantics.size)], semantics)


def test_spade_uses_tables_on_calm_maps_and_the_dense_formula_on_busy_ones() -> None:
    layer = Spade(4, LABELS, hidden=8)
    assert layer.table(coded_labels(maps.regions(1, LABELS, 32, 32), LABELS)) is not None
    assert layer.table(coded_labels(maps.noise(1, LABELS, 32, 32), LABELS)) is None


def test_affine_lookups_in_numba_equal_plain_torch() -> None:
    index = coded_labels(maps.regions(1, LABELS, 20, 30, batch=2), LABELS).codes
    x, rows = tensor(2, 5, 10, 15), tensor(LABELS, 10, seed=1)
    for slope in (0.2, 1):
        plain = plain_lookup_affine(x, index, rows, slope)
        torch.testing.assert_close(lookup_affine(x, index, rows, slope), plain, atol=1e-6, rtol=1e-6)


def test_lookups_have_the_gradients_that_finite_differences_give() -> None:
    semantics = coded_labels(maps.regions(3, 3, 4, 6), 3)
    windows = semantics.neighbourhoods(3)
    double = torch.float64
    products = [tensor(3, 4).to(double), tensor(9, 4, 2, seed=1).to(double), tensor(2, seed=2).to(double)]
    products = [value.requires_grad_() for value in products]
    assert torch.autograd.gradcheck(lambda v, t, b: window_products(v, t, windows, b), products)
    values = [tensor(1, 2, 2, 3), tensor(len(windows.members), 4, seed=1)]
    values = [value.to(double).requires_grad_() for value in values]
    assert torch.autograd.gradcheck(lambda x, rows: lookup_affine(x, windows.index, rows, 0.2), values)


def settled(block: nn.Module, semantics: Semantics) -> nn.Module:
    """The block in evaluation, with running statistics that some training forwards left."""
    for seed in range(3):
        block(2 * tensor(1, 6, 12, 12, seed=seed) + 0.5, semantics)
    return block.eval()


@pytest.mark.parametrize("kind", ["batch", "instance"])
@pytest.mark.parametrize(
    "labels", [maps.regions(5, LABELS, 24, 24), maps.noise(5, LABELS, 24, 24)], ids=["calm", "busy"]
)
def test_a_frozen_block_computes_the_same(kind: Normalisation, labels: Tensor) -> None:
    semantics = coded_labels(labels, LABELS)
    block = settled(SpadeBlock(6, 4, LABELS, hidden=8, kind=kind), semantics)
    frozen = freeze(block)
    x = tensor(1, 6, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(frozen(x, semantics), block(x, semantics.dense()), atol=1e-5, rtol=1e-5)
    assert block.conv_0.weight.requires_grad
    assert not any(value.requires_grad for value in frozen.parameters())


def test_a_frozen_layer_keeps_its_tables_while_the_map_lives() -> None:
    frozen = freeze(Spade(4, LABELS, hidden=8).eval())
    assert isinstance(frozen, FrozenSpade)
    semantics = coded_labels(maps.regions(5, LABELS, 16, 16), LABELS)
    frozen(tensor(1, 4, 16, 16), semantics, 0.2)
    table = frozen.kept[semantics][0]
    frozen(tensor(1, 4, 16, 16, seed=1), semantics, 0.2)
    assert frozen.kept[semantics][0] is table
    # The last map is kept until the next one: that may differ from it in a region only.
    del semantics
    assert len(frozen.kept) == 1
    frozen(tensor(1, 4, 16, 16), coded_labels(maps.regions(6, LABELS, 16, 16), LABELS), 0.2)
    assert [frozen.last] == list(frozen.kept)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("kind", ["batch", "instance"])
def test_tables_of_a_changed_map_are_mended(kernel: int, kind: Normalisation, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Spade(4, LABELS, hidden=8, kernel=kernel, kind=kind).eval()
    frozen = freeze(layer)
    before = maps.regions(5, LABELS, 64, 64, batch=2)
    after = before.clone()
    after[1, 20:30, 34:42] = (after[1, 20:30, 34:42] + 1) % LABELS
    x = tensor(2, 4, 32, 32)
    frozen(x, coded_labels(before, LABELS), 0.2)
    monkeypatch.setattr(frozen, "_by_window", None)  # a whole table would call it
    semantics = coded_labels(after, LABELS)
    with torch.no_grad():
        torch.testing.assert_close(frozen(x, semantics, 0.2), layer(x, semantics.dense(), 0.2), atol=1e-5, rtol=1e-5)


def test_tables_of_another_map_are_made_anew() -> None:
    first, other = (coded_labels(maps.regions(seed, LABELS, 64, 64, count=6), LABELS) for seed in (1, 2))
    assert other.renewal(first, 3) is None
    assert len(first.renewal(coded_labels(maps.regions(1, LABELS, 64, 64, count=6), LABELS), 3).new) == 0


def test_spectral_convolution_is_torchs_spectral_norm() -> None:
    ours = SpectralConv2d(3, 5, 3, padding=1)
    theirs = nn.Conv2d(3, 5, 3, padding=1)
    theirs.load_state_dict({"weight": ours.weight.detach(), "bias": ours.bias.detach()})
    theirs = nn.utils.spectral_norm(theirs)
    theirs.weight_u.copy_(ours.u)
    theirs.weight_v.copy_(ours.v)
    x = tensor(2, 3, 8, 8)
    for _ in range(2):  # two forwards: two power iterations
        out, expected = ours(x), theirs(x)
        torch.testing.assert_close(out, expected)
    out.square().mean().backward()
    expected.square().mean().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight_orig.grad)
    torch.testing.assert_close(ours.u, theirs.weight_u)
    assert torch.equal(ours.eval()(x), ours(x))


def test_window_products_are_computed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = coded_labels(maps.regions(1, LABELS, 20, 30), LABELS).neighbourhoods(3)

    def results() -> list[Tensor]:
        operands = [tensor(LABELS, 7), tensor(9, 7, 10, seed=1), tensor(10, seed=2)]
        operands = [operand.requires_grad_() for operand in operands]
        out = window_products(*operands[:2], windows, operands[2])
        (out * tensor(*out.shape, seed=3)).sum().backward()
        return [out, *(operand.grad for operand in operands)]

    whole = results()
    monkeypatch.setattr(lookup, "CHUNK", 4)
    torch.testing.assert_close(results(), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kernel", [1, 3])
def test_spectral_normalisation_is_the_same_in_any_memory_layout(kernel: int) -> None:
    layer = SpectralConv2d(4, 6, kernel, padding=kernel // 2)
    twin = copy.deepcopy(layer).to(memory_format=torch.channels_last)
    for network in (layer, twin):
        for _ in range(2):
            network(tensor(2, 4, 8, 8)).square().mean().backward()
    torch.testing.assert_close(twin.weight.grad, layer.weight.grad)
    torch.testing.assert_close([twin.u, twin.v], [layer.u, layer.v])


def test_freezing_leaves_the_network_as_it_was() -> None:
    semantics = coded_labels(maps.regions(5, LABELS, 16, 16), LABELS)
    block = SpadeBlock(6, 4, LABELS, hidden=8).train()
    before = copy.deepcopy(block.state_dict())
    freeze(block)(tensor(1, 6, 8, 8), semantics)
    assert all(module.training for module in block.modules())
    assert all(value.requires_grad for value in block.parameters())
    torch.testing.assert_close(block.state_dict(), before, rtol=0, atol=0)
