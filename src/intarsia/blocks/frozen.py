"""Networks frozen for synthesis: the same numbers from less work.

What training needs is folded away. Spectral normalisation goes into the convolutions' weights, running statistics
into the tables of scale and shift; weights are laid out for the machine once. What depends on the labels alone is
kept for as long as the condition's maps stay the same objects: another style costs the main path only. Where a new map
differs from the last one in some region (a stroke of a brush, other noise), the tables are mended there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from intarsia.blocks import winograd
from intarsia.blocks.banded import Banded
from intarsia.blocks.coarse_to_fine import CoarseToFine
from intarsia.blocks.conditional import Predicted, Predictor
from intarsia.blocks.convolution import (
    CodedConv2d,
    JointConv2d,
    SpectralConv2d,
    by_tap,
    look_ups_pay,
    spectrally_normalised,
)
from intarsia.blocks.detached import detached
from intarsia.blocks.label_pyramid import LabelPyramid
from intarsia.blocks.lookup import lookup_affine, window_products
from intarsia.blocks.modulation import Moments, Spade, normalised, pays
from intarsia.coded import CodedMap, Semantics

MOST_KEPT = 1 << 26
"""Numbers that one network keeps for a map: 256 MiB."""


@torch.no_grad()
def freeze(network: nn.Module) -> nn.Module:
    """A copy of `network` for evaluation only; it shares what it need not change, and has no gradients.

    Coded maps are what it is made for; of dense planes (a noise vector for each pixel) nothing is kept. Later changes
    of the network's weights do not reach the copy.
    """
    for kind, frozen in FROZEN.items():
        if type(network) is kind:
            return frozen(network).eval()
    return _with_frozen_parts(network).eval()


def _with_frozen_parts(network: nn.Module) -> nn.Module:
    twin = detached(network)
    twin._modules = {name: None if child is None else freeze(child) for name, child in network._modules.items()}
    return twin


def forget(network: nn.Module) -> None:
    """Let a frozen network go of the last map: what it computes next is as if it had seen none."""
    for module in network.modules():
        if isinstance(module, FrozenSpade):
            module.last = None


class FrozenConv2d(nn.Module):
    """`Conv2d` whose weight is final: on the CPU the first call lays it out for the quickest form at that size.

    Its border is of zeros, or mirrored.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        weight = layer.weight.detach()
        if isinstance(layer, SpectralConv2d):
            weight = spectrally_normalised(weight, layer.u, layer.v, iterate=False)
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = None if layer.bias is None else layer.bias.detach()
        self.arguments = (layer.stride, layer.padding, layer.dilation, layer.groups)
        self.mirror: tuple[int, int, int, int] | None = None
        if layer.padding_mode != "zeros":
            assert layer.padding_mode == "reflect"
            down, across = (int(margin) for margin in layer.padding)
            self.mirror = (across, across, down, down)
            self.arguments = (layer.stride, (0, 0), layer.dilation, layer.groups)
        self.convolve: Callable[[Tensor], Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """B C H W -> B out_channels h w, channels-last."""
        if self.mirror is not None:
            x = F.pad(x, self.mirror, "reflect")
        x = x.contiguous(memory_format=torch.channels_last)
        if self.convolve is None:
            self.convolve = self._laid_out(x)
            del self.weight  # it lives on in the layout chosen
        return self.convolve(x)

    def _laid_out(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """The convolution in the form that suits an input like `x`; it takes inputs of any size."""
        on_cpu = x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32
        if not on_cpu or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return partial(_plain, self.weight, self.bias, self.arguments)
        margin = 0 if self.mirror else 1
        is_3x3 = self.weight.shape[2:] == (3, 3) and self.arguments == ((1, 1), (margin, margin), (1, 1), 1)
        if is_3x3 and self.bias is not None and (tile := winograd.best_tile(x, self.weight)):
            weight = winograd.transformed_weight(self.weight, tile)
            return partial(winograd.winograd_convolution, weight, self.bias, tile, margin=margin)
        # Or oneDNN would rearrange the weight in every call, which for small maps costs more than the sums.
        stride, padding, dilation, groups = self.arguments
        packed = torch.ops.aten.mkldnn_reorder_conv2d_weight(
            self.weight.to_mkldnn(), padding, stride, dilation, groups, x.shape
        )
        return partial(_packed, packed, self.bias, self.arguments)


def _plain(weight: Tensor, bias: Tensor | None, arguments: tuple[Any, ...], x: Tensor) -> Tensor:
    return F.conv2d(x, weight, bias, *arguments)


def _packed(weight: Tensor, bias: Tensor | None, arguments: tuple[Any, ...], x: Tensor) -> Tensor:
    stride, padding, dilation, groups = arguments
    out: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, padding, stride, dilation, groups, "none", [], ""
    )
    return out


class Kept(nn.Module):
    """A network of a label map, and of what follows from it, whose result is kept while that map lives.

    Not where it is too large: then it is computed in every call.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = _with_frozen_parts(network)
        self.kept: WeakKeyDictionary[CodedMap, Any] = WeakKeyDictionary()

    def forward(self, semantics: Semantics, *more: Any) -> Any:
        """What the network takes, the map first -> what it returns."""
        if isinstance(semantics, Tensor):
            return self.network(semantics, *more)
        if semantics in self.kept:
            return self.kept[semantics]
        found = self.network(semantics, *more)
        if _numbers(found) <= MOST_KEPT:
            self.kept[semantics] = found
        return found


def _numbers(found: Predicted | tuple[Tensor, ...]) -> int:
    return found.numbers if isinstance(found, Predicted) else sum(part.numel() for part in found)


class FrozenCodedConv2d(nn.Module):
    """`CodedConv2d` whose result for a map is kept while that map lives."""

    def __init__(self, layer: CodedConv2d) -> None:
        super().__init__()
        self.layer = detached(layer)
        self.kept: WeakKeyDictionary[CodedMap, Tensor] = WeakKeyDictionary()

    def forward(self, semantics: Semantics) -> Tensor:
        """B C H W (or its coded map) -> B out_channels h w."""
        if isinstance(semantics, Tensor):
            out: Tensor = self.layer(semantics)
            return out
        if semantics not in self.kept:
            self.kept[semantics] = self.layer(semantics)
        return self.kept[semantics]


class FrozenJointConv2d(nn.Module):
    """`JointConv2d` in its two parts: the labels' look-ups, and the others' convolution in its quickest form."""

    def __init__(self, layer: JointConv2d) -> None:
        super().__init__()
        whole = FrozenConv2d(layer.whole)
        self.arguments = (layer.planes, layer.kernel, layer.stride, layer.padding)
        of_labels, of_others = torch.split(whole.weight, [layer.planes, whole.weight.shape[1] - layer.planes], 1)
        bias = of_labels.new_zeros(len(of_labels)) if whole.bias is None else whole.bias
        self.labels = _convolution(CodedConv2d, of_labels, None, layer.stride, layer.padding)
        self.bias = bias[:, None, None]
        self.beside: FrozenConv2d | None = None
        if of_others.shape[1]:
            self.beside = FrozenConv2d(_convolution(nn.Conv2d, of_others, bias, layer.stride, layer.padding))

    def forward(self, semantics: Semantics, others: Tensor | None = None) -> Tensor:
        """Labels of B maps and k*B others H W -> k*B outputs h w (B where there are no others)."""
        if isinstance(semantics, CodedMap) and not look_ups_pay(semantics, *self.arguments):
            semantics = semantics.dense()
        labels: Tensor = self.labels(semantics)
        if others is None or self.beside is None:
            return labels + self.bias
        both: Tensor = (self.beside(others).view(-1, *labels.shape) + labels).flatten(0, 1)
        return both


def _convolution(kind: type[nn.Conv2d], weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> nn.Conv2d:
    """A convolution with these very weights."""
    outputs, inputs, kernel, _ = weight.shape
    layer = kind(inputs, outputs, kernel, stride, padding, bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight, False)
    layer.bias = None if bias is None else nn.Parameter(bias, False)
    return layer


class FrozenSpade(nn.Module):
    """`Spade` with normalisation folded into its tables, which are kept while the map that they are of lives.

    Those of the last map are kept until the next: what it shares with that is taken over.
    """

    def __init__(self, layer: Spade) -> None:
        super().__init__()
        self.kind = layer.moments.kind
        self.moments = copy.copy(layer.moments).eval()
        self.shared = detached(layer.shared)
        weight, bias = _folded(layer, self.moments)
        self.kernel = layer.gamma_beta.kernel_size[0]
        weight = weight.contiguous(memory_format=torch.channels_last)
        self.taps = by_tap(weight)  # a view: one copy of the weight serves both roads
        self.bias = bias
        dense = copy.copy(layer.gamma_beta)
        dense._parameters = {"weight": nn.Parameter(weight, False), "bias": nn.Parameter(bias, False)}
        self.dense = FrozenConv2d(dense)
        self.kept: WeakKeyDictionary[CodedMap, tuple[Tensor, Tensor]] = WeakKeyDictionary()
        self.last: CodedMap | None = None  # kept alive, for the next map may differ from it in a region only

    def forward(self, x: Tensor, semantics: Semantics, slope: float) -> Tensor:
        """As `Spade.forward`."""
        if isinstance(semantics, Tensor):
            rows, index = self._row_each(F.relu(self.shared(semantics)))
        else:
            rows, index = self._table(semantics)
        if self.kind == "instance":
            x = normalised(x, *self.moments(x, 1))
        return lookup_affine(x, index, rows, slope)

    def _table(self, semantics: CodedMap) -> tuple[Tensor, Tensor]:
        """Rows of scale and shift, U 2C, and the row that each pixel has, B H W int32."""
        if semantics not in self.kept:
            self.kept[semantics] = self._made(semantics)
        self.last = semantics
        return self.kept[semantics]

    def _made(self, semantics: CodedMap) -> tuple[Tensor, Tensor]:
        if pays(semantics, self.kernel):
            return self._mended(semantics) or self._by_window(semantics)
        hidden, windows = self.shared.rows(semantics)
        return self._row_each(F.relu(F.embedding(windows.index.long(), hidden).permute(0, 3, 1, 2)))

    def _by_window(self, semantics: CodedMap) -> tuple[Tensor, Tensor]:
        hidden, windows = self.shared.rows(semantics)
        double = windows.again(self.kernel)
        return window_products(F.relu(hidden), self.taps, double, self.bias), double.index

    def _mended(self, semantics: CodedMap) -> tuple[Tensor, Tensor] | None:
        """The table of the last map, with what differs computed anew; None where that does not pay."""
        last = self.last
        if last is None or last.codes.shape != semantics.codes.shape or not pays(last, self.kernel):
            return None
        renewed = semantics.renewal(last, self.kernel)
        if renewed is None:
            return None
        rows, index = self.kept[last]
        assert self.shared.bias is not None
        mended = rows.new_empty(len(renewed.kept) + len(renewed.new), rows.shape[1])
        mended[renewed.kept] = rows[index.flatten()[renewed.places].long()]
        if len(renewed.new):
            values, taps = semantics.codebook.to(self.bias.dtype), by_tap(self.shared.weight)
            hidden = F.relu(window_products(values, taps, renewed.hidden, self.shared.bias))
            mended[renewed.new] = window_products(hidden, self.taps, renewed.double, self.bias)
        return mended, semantics.neighbourhoods(self.kernel).again(self.kernel).index

    def _row_each(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """One row for each pixel, from the hidden layer B C H W."""
        rows = self.dense(hidden).permute(0, 2, 3, 1)
        index = torch.arange(rows.shape[:3].numel(), dtype=torch.int32, device=rows.device)
        return rows.flatten(0, 2), index.view(rows.shape[:3])


def _folded(layer: Spade, moments: Moments) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that yields scale and shift directly: (x - m) r (1 + g) + b = x s + t."""
    with torch.no_grad():
        gamma, beta = layer.gamma_beta.weight.chunk(2)
        assert layer.gamma_beta.bias is not None
        gamma_bias, beta_bias = layer.gamma_beta.bias.chunk(2)
        mean, factor = torch.zeros(len(gamma)).to(gamma), torch.ones(len(gamma)).to(gamma)
        if moments.kind == "batch":
            mean, factor = (value[0] for value in moments(gamma[None, :, 0], 1))
        scale, scale_bias = gamma * factor[:, None, None, None], (1 + gamma_bias) * factor
        weight = torch.cat([scale, beta - mean[:, None, None, None] * scale])
        return weight, torch.cat([scale_bias, beta_bias - mean * scale_bias])


FROZEN: dict[type[nn.Module], Callable[..., nn.Module]] = {
    nn.Conv2d: FrozenConv2d,
    SpectralConv2d: FrozenConv2d,
    CodedConv2d: FrozenCodedConv2d,
    JointConv2d: FrozenJointConv2d,
    Spade: FrozenSpade,
    LabelPyramid: Kept,
    Predictor: Kept,
    CoarseToFine: lambda network: Banded(network, FrozenConv2d),
}
