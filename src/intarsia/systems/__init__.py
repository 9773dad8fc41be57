"""One published system a file; `SYSTEMS` and `PRESETS` name them all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from intarsia.errors import ConfigError
from intarsia.labels import LabelSpace
from intarsia.systems import ccfpse, content, crn, lggan, oasis, pix2pixhd, safm, sesame, sims, spade
from intarsia.systems.system import Preset, Recipe, System


@dataclass(frozen=True)
class Published:
    """How to build a published system, and where it comes from."""

    build: Callable[[Any, Recipe, str, Path | None], System]
    config: type  # the frozen dataclass of its sizes
    year: int
    title: str


SYSTEMS = {
    "crn": Published(crn.crn, crn.CrnConfig, 2017, "Photographic Image Synthesis with Cascaded Refinement Networks"),
    "sims": Published(sims.sims, sims.SimsConfig, 2018, "Semi-parametric Image Synthesis"),
    "pix2pixhd": Published(
        pix2pixhd.pix2pixhd, pix2pixhd.Pix2pixHDConfig, 2018, "High-Resolution Image Synthesis with Conditional GANs"
    ),
    "spade": Published(spade.spade, spade.SpadeConfig, 2019, "Spatially-Adaptive Normalization (GauGAN)"),
    "ccfpse": Published(
        ccfpse.ccfpse, ccfpse.CcfpseConfig, 2019, "Learning to Predict Layout-to-image Conditional Convolutions"
    ),
    "lggan": Published(lggan.lggan, lggan.LgganConfig, 2020, "Local Class-Specific and Global Image-Level GAN"),
    "sesame": Published(sesame.sesame, sesame.SesameConfig, 2020, "Semantic Editing of Scenes (SESAME)"),
    "oasis": Published(oasis.oasis, oasis.OasisConfig, 2021, "You Only Need Adversarial Supervision"),
    "safm": Published(safm.safm, safm.SafmConfig, 2022, "Semantic-shape Adaptive Feature Modulation (SAFM)"),
}
RECIPES = {
    "spade+": Published(
        spade.spade, spade.SpadeConfig, 2021, "SPADE's networks by the recipe of OASIS's authors (SPADE+)"
    ),
}
"""Published as systems of their own, though they are other recipes of networks that `SYSTEMS` has."""
PRESETS = {
    **crn.PRESETS,
    **sims.PRESETS,
    **pix2pixhd.PRESETS,
    **spade.PRESETS,
    **ccfpse.PRESETS,
    **lggan.PRESETS,
    **sesame.PRESETS,
    **oasis.PRESETS,
    **safm.PRESETS,
}

FROM_FILE = frozenset({"perceptual", "style"}) | content.FROM_FILE
"""Terms of the generator that look through a network read from the user's file."""


def preset(name: str) -> Preset:
    """The preset called `name`.

    Raises:
        ConfigError: there is none; the nearest names are proposed.
    """
    return PRESETS[_known("preset", name, PRESETS)]


def of_family(family: str) -> dict[str, Preset]:
    """The presets of a key of `SYSTEMS` or `RECIPES`; those of the latter are called after it."""
    recipes = tuple(f"{recipe}-" for recipe in RECIPES)
    if family in RECIPES:
        return {name: preset for name, preset in PRESETS.items() if name.startswith(f"{family}-")}
    return {
        name: preset for name, preset in PRESETS.items() if preset.system == family and not name.startswith(recipes)
    }


def build(
    system: str, config: Any, recipe: Recipe, *, preset: str = "custom", perceptual: Path | None = None
) -> System:
    """A system with freshly initialised networks.

    Args:
        system: a key of `SYSTEMS`.
        config: its sizes; `for_label_space` fits a preset's to other data.
        recipe: its terms' weights and rates.
        preset: the name that goes into the checkpoint's card.
        perceptual: file of VGG19 weights, for recipes that weigh the term `perceptual`.

    Raises:
        ConfigError: the system is unknown, or config, recipe and files do not fit together.
    """
    return SYSTEMS[_known("system", system, SYSTEMS)].build(config, recipe, preset, perceptual)


def for_label_space(config: Any, space: LabelSpace) -> Any:
    """The config for data of a label space: as many planes as it has channels, and don't-care where it has that."""
    changes: dict[str, Any] = {"labels": space.channels}
    if "dont_care" in {field.name for field in fields(config)}:
        changes["dont_care"] = space.has_dont_care
    return replace(config, **changes)


def config_from_dict(system: str, values: dict[str, Any]) -> Any:
    """A system's config from plain values, as a card holds them.

    Raises:
        ConfigError: the system or a key is unknown, a key without a default is missing, or a value is of no use.
    """
    kind = SYSTEMS[_known("system", system, SYSTEMS)].config
    for key in values:
        _known(f"key of a {system} config", key, [field.name for field in fields(kind)])
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the config of {system} is wrong at {place}: {first['msg']}. Correct it.") from None


def _known(what: str, name: str, names: Iterable[str]) -> str:
    """`name`, which must be one of `names`."""
    known = list(names)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 3, cutoff=0.4)
    raise ConfigError(f"no {what} is called {name}. Did you mean {', '.join(near or known[:3])}?")
