"""The table that the field is measured by, with the source of every figure, beside what was measured here.

Published figures are `ROWS`; each has its source. Measured ones come from JSON files that `intarsia evaluate` wrote.
A cell for which nothing was measured says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from intarsia.errors import DataError

OASIS_TABLE = "Sushko et al. 2021 (OASIS), the table of results"
"""Table 1 of the survey that this project follows is taken from it."""
SESAME_TABLE = "Ntavelis et al. 2020 (SESAME), taken from later papers' tables"
SAFM_TABLE = "Lv et al. 2022 (SAFM), not checked against the paper"
COLUMNS = {
    "ade20k": "ADE20K",
    "ade20k-outdoor": "ADE20K-outdoor",
    "cityscapes": "Cityscapes",
    "coco-stuff": "COCO-Stuff",
}
"""Data sets of the table, by the names of their layouts."""
NOT_PUBLISHED, NOT_MEASURED = "not published", "not measured"
Facts = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """What a paper says of a method on a data set."""

    fid: float
    miou: float  # per cent
    source: str


@dataclass(frozen=True)
class Row:
    """A method."""

    method: str
    parameters: str
    vgg: str  # whether its training looks through a VGG network
    presets: tuple[str, str]  # how names of its presets begin and end
    cells: dict[str, Cell]


def _cells(source: str, *figures: tuple[float, float] | None) -> dict[str, Cell]:
    pairs = zip(COLUMNS, figures, strict=True)
    return {name: Cell(*pair, source) for name, pair in pairs if pair is not None}


# fmt: off
ROWS = (
    Row("CRN", "84M", "yes", ("crn-", ""),
        _cells(OASIS_TABLE, (73.3, 22.4), (99.0, 16.5), (104.7, 52.4), (70.4, 23.7))),
    Row("SIMS", "56M", "yes", ("sims-", ""),
        _cells(OASIS_TABLE, None, (67.7, 13.1), (49.7, 47.2), None)),
    Row("pix2pixHD", "183M", "yes", ("pix2pixhd-", ""),
        _cells(OASIS_TABLE, (81.8, 20.3), (97.8, 17.4), (95.0, 58.3), (111.5, 14.6))),
    Row("LGGAN", "n/a", "yes", ("lggan-", ""),
        _cells(OASIS_TABLE, (31.6, 41.6), None, (57.7, 68.4), None)),
    Row("CC-FPSE", "131M", "yes", ("ccfpse-", ""),
        _cells(OASIS_TABLE, (31.7, 43.7), None, (54.3, 65.5), (19.2, 41.6))),
    Row("SPADE", "102M", "yes", ("spade-", ""),
        _cells(OASIS_TABLE, (33.9, 38.5), (63.3, 30.8), (71.8, 62.3), (22.6, 37.4))),
    Row("SPADE+", "102M", "yes", ("spade+-", ""),
        _cells(OASIS_TABLE, (32.9, 42.5), (51.1, 32.1), (47.8, 64.0), (21.7, 38.8))),
    Row("SPADE+", "102M", "no", ("spade+-", "-no-vgg"),
        _cells(OASIS_TABLE, (60.7, 21.0), (65.4, 22.7), (61.4, 47.6), (99.1, 16.1))),
    Row("SESAME", "n/a", "yes", ("sesame-", ""),
        _cells(SESAME_TABLE, (31.9, 49.0), None, (54.2, 66.0), None)),
    Row("SAFM", "n/a", "yes", ("safm-", ""),
        _cells(SAFM_TABLE, (32.8, 50.1), None, (49.5, 70.4), (24.6, 43.3))),
    Row("OASIS", "94M", "no", ("oasis-", ""),
        _cells(OASIS_TABLE, (28.3, 48.8), (48.6, 40.4), (47.7, 69.3), (17.0, 44.1))),
)
# fmt: on


@dataclass(frozen=True)
class Measurement:
    """What a file of `intarsia evaluate` says of a model."""

    path: Path
    preset: str
    data: str
    facts: Facts

    @property
    def cell(self) -> str:
        """FID / mIoU, and under which protocol; what was not measured is a dash."""
        figures, protocol = self.facts["figures"], self.facts["protocol"]
        miou = ((figures.get("recognition") or {}).get("generated") or {}).get("miou")
        said = f"{self._distance(figures)} / {'-' if miou is None else f'{100 * miou:.1f}'}"
        departures = " with departures" if protocol.get("departures") else ""
        return f"{said} ({protocol.get('name', 'lite0')}{departures})"

    def _distance(self, figures: Facts) -> str:
        """FID with half the width of its interval; KID-lite0 under its own name where FID was not measured."""
        if fid := figures.get("fid"):
            half = (fid["interval"]["high"] - fid["interval"]["low"]) / 2
            return f"{fid['value']:.1f} ± {half:.1f}"
        kid = (figures.get("kid_lite0") or {}).get("generated_vs_real")
        return f"KID-lite0 {1000 * kid['value']:.1f}e-3" if kid else "-"


def read_measurements(paths: Iterable[Path]) -> list[Measurement]:
    """Evaluations of models, from files and from folders of them.

    Raises:
        DataError: a file is no evaluation of a model.
    """
    found = []
    for path in paths:
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                facts = json.loads(file.read_bytes())
                preset, data = facts["model"]["preset"], facts["data"]["name"]
                facts["figures"], facts["protocol"]
            except (OSError, ValueError, KeyError, TypeError):
                raise DataError(
                    f"{file} is no evaluation of a model. Give JSON files that intarsia evaluate --model wrote."
                ) from None
            found.append(Measurement(file, preset, data, facts))
    return found


def matching(row: Row, column: str, measured: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of a method on a data set, under whichever convention its ids were read."""
    begin, end = row.presets
    others = [other.presets[1] for other in ROWS if other is not row and other.presets[0] == begin and other.presets[1]]
    return [
        one
        for one in measured
        if one.preset.startswith(begin)
        and one.preset.endswith(end)
        and not any(one.preset.endswith(other) for other in others)
        and one.data in (column, f"{column}-spade", f"{column}-oasis")
    ]


def published(row: Row, column: str) -> str:
    """FID / mIoU as published."""
    cell = row.cells.get(column)
    return NOT_PUBLISHED if cell is None else f"{cell.fid:.1f} / {cell.miou:.1f}"


def here(row: Row, column: str, measured: Sequence[Measurement]) -> str:
    """FID / mIoU as measured here, or that nothing was."""
    return "; ".join(one.cell for one in matching(row, column, measured)) or NOT_MEASURED


def elsewhere(measured: Sequence[Measurement]) -> list[Measurement]:
    """Measurements of models or data that the published table does not have."""
    placed = {id(one) for row in ROWS for column in COLUMNS for one in matching(row, column, measured)}
    return [one for one in measured if id(one) not in placed]


def sources() -> list[tuple[str, list[str]]]:
    """Each source, and the cells that are from it."""
    found: dict[str, list[str]] = {}
    for row in ROWS:
        for name, cell in row.cells.items():
            method = f"{row.method} without VGG" if row.presets[1] else row.method
            found.setdefault(cell.source, []).append(f"{method} on {COLUMNS[name]}")
    return list(found.items())


def markdown(measured: Sequence[Measurement]) -> str:
    """The page as Markdown: the table, its sources, and what was measured on other data."""
    head = ["method", "parameters", "VGG", *(part for name in COLUMNS.values() for part in (name, f"{name}, here"))]
    rows = [[row.method, row.parameters, row.vgg, *_cells_of(row, measured)] for row in ROWS]
    lines = [
        "FID (lower is better) / mIoU in per cent (higher is better), as published and as measured here.",
        "",
        *_table(head, rows),
        "",
        "Sources of the published figures:",
        "",
        *(f"- {source}: {', '.join(cells)}." for source, cells in sources()),
    ]
    if others := elsewhere(measured):
        cells = [[one.preset, one.data, one.cell, one.path.name] for one in others]
        lines += ["", "Measured here on other data:", "", *_table(["model", "data", "FID / mIoU", "file"], cells)]
    return "\n".join(lines) + "\n"


def html(measured: Sequence[Measurement]) -> str:
    """The same as one HTML page without anything from outside; sources appear over their figures, too."""
    head = ["method", "parameters", "VGG", *(part for name in COLUMNS.values() for part in (name, "here"))]
    rows = []
    for row in ROWS:
        cells = [escape(text) for text in (row.method, row.parameters, row.vgg)]
        shown = [f"<td>{text}</td>" for text in cells]
        for column in COLUMNS:
            cell = row.cells.get(column)
            title = "" if cell is None else f' title="{escape(cell.source)}"'
            shown.append(f"<td{title}>{escape(published(row, column))}</td>")
            found = here(row, column, measured)
            shown.append(f'<td class="{"none" if found == NOT_MEASURED else "here"}">{escape(found)}</td>')
        rows.append(f"<tr>{''.join(shown)}</tr>")
    said = "".join(f"<li>{escape(source)}: {escape(', '.join(cells))}.</li>" for source, cells in sources())
    body = (
        "<p>FID (lower is better) / mIoU in per cent (higher is better), as published and as measured here.</p>"
        f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{''.join(rows)}</table>"
        f"<h2>Sources of the published figures</h2><ul>{said}</ul>"
    )
    if others := elsewhere(measured):
        lines = "".join(
            f"<tr><td>{escape(one.preset)}</td><td>{escape(one.data)}</td><td>{escape(one.cell)}</td>"
            f"<td>{escape(one.path.name)}</td></tr>"
            for one in others
        )
        titles = "<tr><th>model</th><th>data</th><th>FID / mIoU</th><th>file</th></tr>"
        body += f"<h2>Measured here on other data</h2><table>{titles}{lines}</table>"
    return f"{PAGE_START}{body}</body></html>\n"


PAGE_START = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Intarsia: leaderboard</title><style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; } th, td { border: 1px solid #ccc; padding: .3em .6em; text-align: left; }
th { background: #f3f0ea; } .none { color: #999; } .here { font-weight: 600; }
</style></head><body><h1>Leaderboard</h1>
"""


def _cells_of(row: Row, measured: Sequence[Measurement]) -> list[str]:
    return [text for column in COLUMNS for text in (published(row, column), here(row, column, measured))]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
