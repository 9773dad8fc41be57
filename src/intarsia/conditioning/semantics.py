"""Label and instance maps as coded maps."""

from __future__ import annotations

import torch
from torch import Tensor

from intarsia.coded import CodedMap
from intarsia.errors import DataError, LabelError
from intarsia.records import Batch


def instance_edges(instances: Tensor) -> Tensor:
    """True where a pixel's instance id differs from that of its left, right, upper or lower neighbour: B H W bool.

    Both sides of a boundary are marked; the image's border is none (pix2pixHD, Wang et al. 2018, section 3.3).
    """
    edges = torch.zeros_like(instances, dtype=torch.bool)
    across = instances[:, :, 1:] != instances[:, :, :-1]
    down = instances[:, 1:] != instances[:, :-1]
    edges[:, :, 1:] |= across
    edges[:, :, :-1] |= across
    edges[:, 1:] |= down
    edges[:, :-1] |= down
    return edges


def coded_labels(labels: Tensor, channels: int, instances: Tensor | None = None) -> CodedMap:
    """One-hot labels, and with `instances` the edge channel as the last column.

    Args:
        labels: B H W int64, 0 <= id < channels.
        channels: one-hot planes (classes, and don't-care where the label space has it).
        instances: B H W int64.
    """
    planes = torch.eye(channels, device=labels.device)
    if instances is None:
        return CodedMap(labels.int(), planes).compact()
    edge = torch.cat([torch.zeros(channels, 1), torch.ones(channels, 1)]).to(labels.device)
    codebook = torch.cat([planes.repeat(2, 1), edge], 1)
    return CodedMap((labels + channels * instance_edges(instances)).int(), codebook).compact()


def batch_semantics(batch: Batch, channels: int, edges: bool) -> CodedMap:
    """The labels of a batch, and with `edges` those of its instances.

    Raises:
        LabelError: the batch has a train id of `channels` or more.
        DataError: edges are wanted and the batch has no instance maps.
    """
    check_labels(batch, channels)
    if edges and batch.instances is None:
        raise DataError("this network looks at instance edges, and the data has no instance maps. Set edges=False.")
    return coded_labels(batch.labels, channels, batch.instances if edges else None)


def check_labels(batch: Batch, channels: int) -> None:
    """Refuse labels that a network has no plane for.

    Raises:
        LabelError: the batch has a train id of `channels` or more.
    """
    last = int(batch.labels.max())
    if last >= channels:
        raise LabelError(f"a label map has train id {last}; this network knows 0..{channels - 1}. Check the data.")
