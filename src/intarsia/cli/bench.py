"""`intarsia bench synth|train`: coded maps against dense planes as published, in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from intarsia.cli.options import at_least, check_seed, size_of
from intarsia.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


def bench(
    what: Literal["synth", "train"],
    /,
    *,
    preset: str,
    size: str | None = None,
    labels: Path | None = None,
    regions: int = 40,
    batch: int = 1,
    repeats: int = 5,
    seed: int = 0,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Measure coded maps against dense planes as published: same weights, same label map, interleaved runs.

    Parameters
    ----------
    what
        synth: one image, from a new label map and with the labels unchanged. train: one generator and discriminator
        step, without the VGG term, and how far the gradients are apart.
    preset
        Which system, at which sizes: intarsia systems lists them.
    size
        HEIGHTxWIDTH in pixels; by default the preset's.
    labels
        Index PNG to use; by default a made-up map.
    regions
        Of the made-up map.
    batch
        Images at once.
    repeats
        Runs of each contestant; medians are reported.
    seed
        Of the weights and the made-up map.
    as_json
        Print all that was measured as one line of JSON.
    """
    from intarsia.bench.synth import bench_synth
    from intarsia.bench.train import bench_train

    at_least(1, regions=regions, batch=batch, repeats=repeats)
    check_seed(seed)
    measure = {"synth": bench_synth, "train": bench_train}[what]
    report(measure(preset, label_maps(preset, size, labels, regions, batch, seed), repeats=repeats, seed=seed), as_json)


def label_maps(preset: str, size: str | None, labels: Path | None, regions: int, batch: int, seed: int) -> Tensor:
    """The maps to measure on, B H W int64 train ids.

    Raises:
        ConfigError: the size is malformed, no multiple of the preset's stride, or given beside a file of another size.
        LabelError: the file holds ids that the preset does not have.
    """
    import torch

    from intarsia import systems
    from intarsia.bench.scenes import region_map
    from intarsia.data.label_files import read_label_map
    from intarsia.labels import numbered

    config = systems.preset(preset).config
    wanted = config.size if size is None else size_of(size)
    if labels is None:
        maps = torch.stack([region_map(seed + i, config.labels, wanted[0], wanted[1], regions) for i in range(batch)])
    else:
        one = torch.from_numpy(read_label_map(labels, numbered(preset, config.labels)).labels).long()
        if size is not None and wanted != tuple(one.shape):
            raise ConfigError(f"label map {labels} is {one.shape[0]}x{one.shape[1]}, not {size}. Leave --size out.")
        maps = one.expand(batch, -1, -1).contiguous()
    if maps.shape[1] % config.stride or maps.shape[2] % config.stride:
        raise ConfigError(
            f"size {maps.shape[1]}x{maps.shape[2]} is no multiple of {config.stride}. Choose one that is."
        )
    return maps


def report(measured: dict[str, Any], as_json: bool) -> None:
    """One line of JSON, or a line for each figure."""
    if as_json:
        print(json.dumps(measured))
        return
    for name, value in measured.items():
        print(f"{name:>24}  {f'{value:.4g}' if isinstance(value, float) else value}")
