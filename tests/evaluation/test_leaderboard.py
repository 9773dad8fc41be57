"""The leaderboard: every published figure with its source, beside what was measured, or the word that nothing was."""

import json
from pathlib import Path

import pytest

from intarsia.cli import run
from intarsia.evaluation.leaderboard import (
    COLUMNS,
    NOT_MEASURED,
    NOT_PUBLISHED,
    ROWS,
    elsewhere,
    here,
    html,
    markdown,
    published,
    read_measurements,
    sources,
)


def evaluation(folder: Path, preset: str, data: str, **figures) -> Path:
    facts = {
        "model": {"preset": preset, "system": preset.partition("-")[0]},
        "data": {"name": data},
        "protocol": {"name": "spade-ade20k", "departures": figures.pop("departures", [])},
        "figures": {"fid": None, "recognition": None, **figures},
    }
    path = folder / f"{preset}-{data}.json"
    path.write_text(json.dumps(facts))
    return path


FID = {"value": 34.26, "interval": {"low": 33.0, "high": 35.0}}


def row(method, vgg="yes"):
    return next(each for each in ROWS if (each.method, each.vgg) == (method, vgg))


def test_the_surveys_table_is_all_there():
    # Table 1 of the survey: FID / mIoU.
    expected = {
        "CRN": "73.3 / 22.4, 99.0 / 16.5, 104.7 / 52.4, 70.4 / 23.7",
        "SIMS": "not published, 67.7 / 13.1, 49.7 / 47.2, not published",
        "pix2pixHD": "81.8 / 20.3, 97.8 / 17.4, 95.0 / 58.3, 111.5 / 14.6",
        "LGGAN": "31.6 / 41.6, not published, 57.7 / 68.4, not published",
        "CC-FPSE": "31.7 / 43.7, not published, 54.3 / 65.5, 19.2 / 41.6",
        "SPADE": "33.9 / 38.5, 63.3 / 30.8, 71.8 / 62.3, 22.6 / 37.4",
        "SPADE+": "32.9 / 42.5, 51.1 / 32.1, 47.8 / 64.0, 21.7 / 38.8",
    }
    for method, cells in expected.items():
        assert ", ".join(published(row(method), column) for column in COLUMNS) == cells
    assert published(row("SPADE+", "no"), "coco-stuff") == "99.1 / 16.1"
    assert published(row("OASIS", "no"), "cityscapes") == "47.7 / 69.3"
    assert published(row("SAFM"), "ade20k-outdoor") == NOT_PUBLISHED


def test_every_figure_has_a_source():
    named = [cell for _, cells in sources() for cell in cells]
    assert len(named) == sum(len(each.cells) for each in ROWS) == 36
    assert "SPADE+ without VGG on ADE20K" in named


def test_measurements_stand_in_the_cell_of_their_method_and_data(tmp_path):
    recognition = {"generated": {"miou": 0.412}}
    evaluation(tmp_path, "spade-ade20k", "ade20k-spade", fid=FID, recognition=recognition)
    evaluation(tmp_path, "spade+-ade20k-no-vgg", "ade20k", fid=FID)
    evaluation(tmp_path, "oasis-cityscapes", "cityscapes-oasis", fid=FID, departures=["100 pictures at most"])
    measured = read_measurements([tmp_path])
    assert here(row("SPADE"), "ade20k", measured) == "34.3 ± 1.0 / 41.2 (spade-ade20k)"
    assert here(row("SPADE+", "no"), "ade20k", measured) == "34.3 ± 1.0 / - (spade-ade20k)"
    assert here(row("SPADE+"), "ade20k", measured) == NOT_MEASURED
    assert here(row("OASIS", "no"), "cityscapes", measured) == "34.3 ± 1.0 / - (spade-ade20k with departures)"
    assert elsewhere(measured) == []


def test_models_of_other_data_have_a_table_of_their_own(tmp_path):
    kid = {"generated_vs_real": {"value": 0.1116}}
    evaluation(tmp_path, "spade-street-128", "street", kid_lite0=kid, recognition={"generated": {"miou": 0.381}})
    text = markdown(read_measurements([tmp_path]))
    assert (
        "| spade-street-128 | street | KID-lite0 111.6e-3 / 38.1 (spade-ade20k) | spade-street-128-street.json |"
        in text
    )
    assert text.count(NOT_MEASURED) == len(ROWS) * len(COLUMNS)


def test_the_page_says_sources_over_figures_and_brings_nothing_from_outside(tmp_path):
    text = html(read_measurements([evaluation(tmp_path, "spade-ade20k", "ade20k", fid=FID)]))
    assert '<td title="Sushko et al. 2021 (OASIS), the table of results">33.9 / 38.5</td>' in text
    assert '<td class="here">34.3 ± 1.0 / - (spade-ade20k)</td>' in text
    assert text.count(f'<td class="none">{NOT_MEASURED}</td>') == len(ROWS) * len(COLUMNS) - 1
    assert "http" not in text


@pytest.mark.parametrize("name", ["page.md", "page.html"])
def test_the_command_writes_a_page(name, tmp_path, capsys):
    assert run(["leaderboard", "--out", str(tmp_path / name)]) == 0
    assert "104.7 / 52.4" in (tmp_path / name).read_text()
    assert capsys.readouterr().out == f"wrote {tmp_path / name}\n"


def test_the_command_prints(capsys, tmp_path):
    assert run(["leaderboard", str(evaluation(tmp_path, "crn-cityscapes", "cityscapes", fid=FID))]) == 0
    assert "| 104.7 / 52.4 | 34.3 ± 1.0 / - (spade-ade20k) |" in capsys.readouterr().out


def test_what_is_no_evaluation_is_refused(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    assert run(["leaderboard", str(tmp_path / "other.json")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/other.json is no evaluation of a model. "
        "Give JSON files that intarsia evaluate --model wrote.\n"
    )
    assert run(["leaderboard", "--out", "page.txt"]) == 2
    assert capsys.readouterr().err == (
        "error: --out page.txt is of no known kind. Give a name that ends in .md or .html.\n"
    )
