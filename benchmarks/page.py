"""How measurements are asked for and written down."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from intarsia.cli.bench import label_maps


def arguments(description: str | None, repeats: int) -> argparse.Namespace:
    """What the command line asks for: preset, size, regions, repeats, seed, as_json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="spade-ade20k")
    parser.add_argument("--size", metavar="HxW", help="by default the preset's")
    parser.add_argument("--regions", type=int, default=40, help="of the made-up label map")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--seed", type=int, default=0, help="of weights and label map")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one line of JSON")
    return parser.parse_args()


def made_up(asked: argparse.Namespace, regions: int) -> Tensor:
    """A label map of so many regions, 1 H W int64."""
    return label_maps(asked.preset, asked.size, None, regions, 1, asked.seed)


def show(measured: dict[str, Any], text: str, as_json: bool) -> None:
    """One line of JSON, or Markdown with the machine below it."""
    print(json.dumps(measured) if as_json else f"{text}\n{measured_on(measured)}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))


def measured_on(measured: dict[str, Any]) -> str:
    """The machine, versions, repeats and seed of a measurement."""
    on = measured["machine"]
    return (
        f"*{on['processor']} ({on['instructions']}), {on['cores']} cores, {on['threads']} threads, "
        f"{on['memory_gib']:.0f} GiB; Python {on['python']}, torch {on['torch']}, Numba {on['numba']}; "
        f"medians of {measured['repeats']}, seed {measured['seed']}.*\n"
    )
