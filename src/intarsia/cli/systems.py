"""`intarsia systems`: what there is to train and to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from intarsia.systems.system import Preset


def systems() -> None:
    """List the published systems and their presets: sizes, parameters in millions, conditions, trained weights."""
    from intarsia.systems import RECIPES, SYSTEMS, of_family

    for name, published in sorted((SYSTEMS | RECIPES).items(), key=lambda item: item[1].year):
        print(f"{name} ({published.year})  {published.title}")
        rows = [row(key, preset) for key, preset in of_family(name).items()]
        print(table([("preset", "image", "generator", "discriminator", "trained weights", "looks at"), *rows]))


def row(name: str, preset: Preset) -> tuple[str, ...]:
    """A preset's line: name, image height x width, parameters of both networks, where weights are, conditions."""
    import torch

    from intarsia.systems import build
    from intarsia.systems.system import Recipe

    with torch.device("meta"):  # sizes only: no weights are made
        system = build(preset.system, preset.config, Recipe({}, {}), preset=name)
    height, width = preset.config.size
    sizes = (millions(system.generator), millions(system.discriminator))
    return (name, f"{height}x{width}", *sizes, trained(name), conditions(preset.config))


def trained(name: str) -> str:
    """Where trained weights of a preset are that this project ships."""
    from intarsia.checkpoints.models import bundled_models, repository_models

    if name in bundled_models():
        return "in the package"
    return "in the repository" if name in repository_models() else "-"


def millions(network: nn.Module | None) -> str:
    """Trainable parameters."""
    if network is None:
        return "none"
    return f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f} M"


def conditions(config: Any) -> str:
    """What a config's networks look at, in words."""
    parts = [f"{config.labels} labels"]
    if config.edges:
        parts.append("instance edges")
    if config.style:
        parts.append("style image or noise")
    if getattr(config, "features", 0):
        parts.append("features of objects")
    if getattr(config, "noise", 0):
        parts.append("noise in the map")
    if getattr(config, "pasted", False):
        parts.append("pasted segments")
    if getattr(config, "images", 1) > 1:
        parts.append(f"makes {config.images} images")
    if getattr(config, "shapes", False):
        parts.append("shapes of objects")
    if getattr(config, "edits", False):
        parts.append("a photo with a hole")
    return ", ".join(parts)


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned columns, indented."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
