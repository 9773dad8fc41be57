import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import gpu, loading, report
from benchmarks.budget import budget
from benchmarks.budget import section as budget_section
from benchmarks.busy_maps import busy_maps, fitted, matrix
from benchmarks.busy_maps import section as busy_section
from benchmarks.painting import section as painting_section

TINY = argparse.Namespace(preset="spade-tiny", size="64x64", regions=10, repeats=1, seed=0)
MACHINE = {
    "processor": "Abacus",
    "instructions": "AVX2",
    "cores": 2,
    "threads": 1,
    "memory_gib": 15.6,
    "python": "3.11.2",
    "torch": "2.9.0",
    "numba": "0.62.0",
}
SYNTH = {
    "dense_s": 2.0,
    "coded_s": 0.4,
    "unchanged_s": 0.25,
    "ratio": 5.0,
    "ratio_labels_unchanged": 8.0,
    "max_difference": 2e-7,
    "dense_peak_mb": 800.0,
    "coded_peak_mb": 200.0,
    "repeats": 5,
    "seed": 0,
    "machine": MACHINE,
}


PAINTING = {
    "size": [512, 1024],
    "brushes": {"8": {"median_ms": 2.04, "p95_ms": 3.16, "frames_per_second": 59.8}},
    "repeats": 600,
    "seed": 0,
    "machine": MACHINE,
}


def test_a_budgets_parts_add_up() -> None:
    measured = budget(TINY)
    parts = measured["parts"]
    assert sum(part["seconds"] for part in parts.values()) == pytest.approx(measured["new_labels_s"])
    assert all(part["seconds"] > 0 for part in parts.values())
    # By hand: three 3x3 or 1x1 convolutions of a block that goes from 8 channels to 4.
    last = parts["convolutions at 64x64"]
    assert last["published_g"] == pytest.approx(64 * 64 * (9 * 8 * 4 + 9 * 4 * 4 + 8 * 4) / 1e9)
    assert last["done_g"] == pytest.approx(last["published_g"])
    # And its three layers of scale and shift: 6 planes to 8 hidden, and those to twice 8, 8 and 4 channels.
    tables = parts["tables of scale and shift"]
    assert tables["published_g"] > 64 * 64 * 9 * (3 * 6 * 8 + 8 * 2 * (8 + 8 + 4)) / 1e9
    assert 0 < tables["done_g"] < tables["published_g"]
    assert 0 < measured["kept_gb"] < parts["look-up, affine, activation"]["moved_gb"]
    assert "| **everything** |" in budget_section(measured)


def test_look_ups_are_measured_from_calm_to_noise() -> None:
    measured = busy_maps(TINY)
    rows = measured["rows"]
    assert {tuple(row["size"]) for row in rows} == {(2**n, 2**n) for n in range(1, 7)}
    calm, noise = (
        next(row for row in rows if row["map"] == name and row["size"] == [64, 64]) for name in ("10 regions", "noise")
    )
    assert calm["double_windows"] < 0.2 * calm["pixels"]
    assert noise["double_windows"] > 0.9 * noise["pixels"]
    assert calm["pays"]
    assert not noise["pays"]
    assert busy_section(measured).count("\n| ") == 12  # a rule and eleven maps


def test_a_wrong_choice_is_starred() -> None:
    row = {"map": "noise", "size": [8, 8], "looked_up_s": 2.0, "dense_s": 1.0, "pays": True}
    assert matrix({"rows": [row]}).splitlines()[-1] == r"| noise | **0.5** \* |"


def test_the_fit_finds_the_constants_that_times_were_made_with() -> None:
    def row(windows: int, double: int) -> dict[str, float]:
        return {
            "windows": windows,
            "double_windows": double,
            "pixels": 100,
            "dense_s": 3,
            "looked_up_s": 3 * (2 * windows + 0.5 * double) / 100,
        }

    assert fitted([row(20, 40), row(50, 90), row(90, 100)]) == pytest.approx({"PRODUCT_COST": 2, "SUM_COST": 0.5})


def test_a_section_is_rewritten_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- begin synth -->\nold\n<!-- end synth -->\nThe end\n")
    report.rewrite(page, "synth", SYNTH)
    assert page.read_text() == (
        "# Page\n<!-- begin synth -->\n"
        "```bash\nintarsia bench synth --preset spade-ade20k --size 256x256 --json\n```\n\n"
        "|  | dense, as published | coded |  |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| a new label map | 2.00 s | 0.40 s | **5.0 times faster** |\n"
        "| labels unchanged, another style | 2.00 s | 0.25 s | **8.0 times faster** |\n"
        "| peak memory | 800 MB | 200 MB | 0.25 of it |\n"
        "| largest difference of the images |  | 2.0e-07 | of -1..1 |\n\n"
        "*Abacus (AVX2), 2 cores, 1 threads, 16 GiB; Python 3.11.2, torch 2.9.0, Numba 0.62.0; medians of 5, seed 0.*\n"
        "<!-- end synth -->\nThe end\n"
    )
    with pytest.raises(SystemExit, match="lacks the marks <!-- begin budget --> and <!-- end budget -->"):
        report.rewrite(page, "budget", SYNTH)


def test_figures_measured_elsewhere_are_put_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text("<!-- begin gpu-train -->\n<!-- end gpu-train -->\n")
    contestants = {
        gpu.PUBLISHED: {"seconds": 0.12, "peak_mb": 1400.0},
        "graphs": {"seconds": 0.02, "peak_mb": 900.0},
    }
    measured = {"gpu": "Loom", "cuda": "13.0", "batches": {"8": contestants}, "repeats": 5, "seed": 0}
    figures.write_text(json.dumps(measured | {"machine": MACHINE}))
    section = replace(report.SECTIONS["gpu-train"], page=page)
    monkeypatch.setattr(report, "SECTIONS", {"gpu-train": section, "synth": report.SECTIONS["synth"]})
    monkeypatch.setattr(report, "FIGURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["report", "gpu-train", "--figures", str(figures)])
    report.main()
    assert "| graphs | 20.0 ms | 400 | 6.0 | 900 MB |\n" in page.read_text()
    assert "*Loom, CUDA 13.0; convolutions of float32 in TF32.*" in page.read_text()
    monkeypatch.setattr("sys.argv", ["report", "--figures", str(figures), "gpu-train", "synth"])
    with pytest.raises(SystemExit):
        report.main()


def test_the_training_table_tells_rounding_from_mistakes() -> None:
    measured = SYNTH | {"batch": 4, "rounding_dense": 3e-3, "rounding_coded": 2e-3}
    assert report.training(measured).splitlines()[2:] == [
        "| a step at batch 4 | 2.00 s | 0.40 s | **5.0 times faster** |",
        "| peak memory | 800 MB | 200 MB | 0.25 of it |",
        "| gradients, largest difference in float64 |  | 2.0e-07 |  |",
        "| gradients, rounding in float32 | 3.0e-03 | 2.0e-03 |  |",
    ]


def test_the_page_has_a_place_for_every_section() -> None:
    for page in {section.page for section in report.SECTIONS.values()}:
        names = [name for name, section in report.SECTIONS.items() if section.page == page]
        assert re.findall(r"<!-- begin (\S+) -->", page.read_text()) == names


def test_a_command_is_run_and_its_line_of_json_read() -> None:
    figures = report.measure("python -m benchmarks.budget --preset spade-tiny --size 32x32 --repeats 1 --json")
    assert figures["size"] == [32, 32]
    assert json.loads(json.dumps(figures)) == figures


def test_loaders_are_timed_on_the_same_photos() -> None:
    measured = loading.loading(images=3, side=64, crop=32, repeats=1)
    assert set(measured["images_a_second"]) == {"plain", "first_epoch", "later"}
    assert min(measured["images_a_second"].values()) > 0
    text = loading.section(measured)
    assert "| plain loop | " in text
    assert "photos of 64 x 64, cuts of 32 x 32, 151 classes" in text


def test_paintings_figures_are_put_brush_by_brush() -> None:
    assert painting_section(PAINTING).splitlines()[2] == "| 8 pixels | 2.0 ms | 3.2 ms | 60 |"
