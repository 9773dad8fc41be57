"""`intarsia evaluate` through the command line: what it writes and says, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from intarsia import cli
from tests.evaluation.sketch import write_segmenter
from tests.training.scene import write_data


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=9, size=32)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return write_segmenter(tmp_path_factory.mktemp("segmenter") / "unet-sketch")


def evaluate(out, **options):
    """The exit status; options as on the command line, `label_space` for --label-space."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value)) if value]
    return cli.run(["evaluate", "--out", str(out), *words])


def refused(capsys, tmp_path, **options):
    assert evaluate(tmp_path / "out.json", **options) == 2
    assert not (tmp_path / "out.json").exists()
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    return said.removeprefix("error: ")


def stopped_before_measuring(monkeypatch, tmp_path, **options):
    """What `evaluate_model` was given."""

    def stop(*given):
        raise StoppedError(given)

    monkeypatch.setattr("intarsia.evaluation.evaluate.evaluate_model", stop)
    with pytest.raises(StoppedError) as caught:
        evaluate(tmp_path / "out.json", **options)
    return caught.value.args[0]


def test_a_model_is_measured_and_the_figures_are_written_and_said(data, segmenter, snapshot_of, tmp_path, capsys):
    out = tmp_path / "deep" / "figures.json"
    model = snapshot_of("spade-tiny")
    assert evaluate(out, model=model, data=data, segmenter=segmenter, limit=8, seed=3) == 0
    facts = json.loads(out.read_text())
    assert (facts["data"]["photos"], facts["data"]["pictures"], facts["generation"]["seed"]) == (9, 8, 3)
    figures = facts["figures"]
    said = capsys.readouterr()
    assert said.err == ""
    head, columns, generated, soft, real, train, last = said.out.splitlines()
    assert head == "spade-tiny on rectangles: 8 real pictures"
    assert columns.split() == ["KID-lite0", "x", "1000", "perceptual-lite0", "mIoU", "of", "ceiling", "accuracy"]
    kid = figures["kid_lite0"]["generated_vs_real"]
    assert generated.split() == [
        "generated",
        f"{1000 * kid['value']:.2f}",
        "±",
        f"{1000 * kid['standard_error']:.2f}",
        f"{figures['perceptual_lite0']['generated']['mean']:.3f}",
        f"{figures['recognition']['generated']['miou']:.3f}",
        f"{figures['ratio_to_ceiling']['generated']['miou']:.3f}",
        f"{figures['recognition']['generated']['accuracy']:.3f}",
    ]
    assert soft.startswith("  real, blurred ")
    assert train.split()[-4:] == ["-"] * 4
    ceiling = figures["recognition"]["real"]
    assert real.split()[-3:] == [f"{ceiling['miou']:.3f}", "1.000", f"{ceiling['accuracy']:.3f}"]
    assert last == f"wrote {out}"


def test_folders_are_measured_with_what_there_is(data, tmp_path, capsys):
    fake = tmp_path / "fake"
    fake.mkdir()
    for number in range(8):
        Image.fromarray(np.full((20, 20, 3), 25 * number, np.uint8)).save(fake / f"made {number}.jpg")
    real = data / "val" / "photos"
    assert evaluate(tmp_path / "out.json", fake=fake, real=real) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"notice: {fake} and {real} have photos of other names: perceptual-lite0 is not measured.",
        f"notice: {fake} and {real} hold jpeg and png files: how photos were compressed shows in every figure.",
    ]
    assert said.out.splitlines()[0] == "folders: 9 real pictures"
    facts = json.loads((tmp_path / "out.json").read_text())
    assert facts["figures"]["perceptual_lite0"]["generated"] is None
    assert facts["folders"]["generated"]["pictures"] == 8


def test_label_maps_mean_what_the_segmenter_says(data, segmenter, tmp_path):
    photos, labels = data / "val" / "photos", data / "val" / "labels"
    out = tmp_path / "out.json"
    assert evaluate(out, fake=photos, real=photos, labels=labels, segmenter=segmenter, limit=8) == 0
    assert json.loads(out.read_text())["figures"]["ratio_to_ceiling"]["generated"]["accuracy"] == 1


def test_what_no_segmenter_knows_is_said(data, snapshot_of, tmp_path, capsys, monkeypatch):
    given = stopped_before_measuring(monkeypatch, tmp_path, model=snapshot_of("spade-tiny"), data=data)
    assert given[3].segmenter is None
    assert capsys.readouterr().err == (
        "notice: no bundled segmenter knows the classes of rectangles: mIoU is not measured. Give --segmenter.\n"
    )


def test_it_needs_a_model_or_folders(tmp_path, capsys):
    nothing = "there is nothing to evaluate. Give --model and --data, or --fake and --real."
    assert refused(capsys, tmp_path, model="spade-earth-128") == nothing
    assert refused(capsys, tmp_path, fake=tmp_path) == nothing


def test_options_of_no_use_are_refused(data, tmp_path, capsys):
    model = {"model": "spade-earth-128", "data": data}
    photos = {"fake": data / "val" / "photos", "real": data / "val" / "photos"}
    assert refused(capsys, tmp_path, **model, labels=tmp_path) == (
        "--labels is of no use where a model is evaluated. Leave it out."
    )
    assert refused(capsys, tmp_path, **photos, data=data) == (
        "--data is of no use where folders are evaluated. Leave it out."
    )
    assert refused(capsys, tmp_path, **photos, size="64x64") == (
        "--size is of no use where folders are evaluated. Leave it out."
    )
    assert refused(capsys, tmp_path, **photos, segmenter="unet-street") == (
        "--segmenter is of no use where no --labels are given. Leave it out."
    )
    assert refused(capsys, tmp_path, **photos, labels=data / "val" / "labels") == (
        "--labels are given, and nothing says what they mean. Give --label-space or --segmenter."
    )
    assert refused(capsys, tmp_path, **model, limit=-1) == "--limit is -1. Give 1 or more."
    assert refused(capsys, tmp_path, **model, size="64") == "size 64 is not HEIGHTxWIDTH. Write for example 256x256."


def test_data_of_another_label_space_is_refused(data, tmp_path, capsys):
    assert refused(capsys, tmp_path, model="spade-earth-128", data=data) == (
        "model spade-earth-128 is of label space earth (15 channels, the data has 6 of rectangles). "
        "Use data of the same label space."
    )


def test_a_model_that_is_not_there_is_refused(data, tmp_path, capsys):
    assert "there is no model spade-erth" in refused(capsys, tmp_path, model="spade-erth", data=data)


def test_without_a_train_split_real_photos_are_compared_by_halves_only(
    data, snapshot_of, tmp_path, monkeypatch, capsys
):
    alone = tmp_path / "alone"
    shutil.copytree(data / "val", alone / "val")
    shutil.copy(data / "label_space.json", alone)
    given = stopped_before_measuring(monkeypatch, tmp_path, model=snapshot_of("spade-tiny"), data=alone)
    assert given[2] is None
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"notice: {alone} has no split train: the real photos are compared with themselves only, half against half."
    )


def test_a_published_protocol_is_followed_and_its_figures_are_said(data, segmenter, snapshot_of, tmp_path, capsys):
    out, cache = tmp_path / "figures.json", tmp_path / "cache"
    chosen = {
        "model": snapshot_of("spade-tiny"),
        "data": data,
        "protocol": "intarsia",
        "measure": "recognition",
        "segmenter": segmenter,
        "limit": 8,
        "cache": cache,
    }
    assert evaluate(out, **chosen) == 0
    facts = json.loads(out.read_text())
    assert facts["protocol"]["measures"] == ["recognition"]
    made, real = (facts["figures"]["recognition"][name] for name in ("generated", "real"))
    assert capsys.readouterr().out.splitlines() == [
        "spade-tiny on rectangles, protocol intarsia",
        f"  mIoU             {made['miou']:.3f}  real photos {real['miou']:.3f}  (unet-sketch)",
        f"  accuracy         {made['accuracy']:.3f}  real photos {real['accuracy']:.3f}  (unet-sketch)",
        f"    all pixels     {made['accuracy_dont_care_wrong']:.3f}  "
        f"real photos {real['accuracy_dont_care_wrong']:.3f}  (unet-sketch)",
        f"  departs: segmenter {segmenter} instead of None",
        "  departs: 8 pictures at most, evenly spread",
        f"wrote {out}",
    ]
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*/*.npz")}
    assert len(kept) == 2  # generated photos, real photos
    assert evaluate(out, **chosen) == 0
    assert {path: path.stat().st_mtime_ns for path in cache.glob("*/*.npz")} == kept


def test_every_figure_of_a_protocol_has_its_line():
    from intarsia.cli.evaluate import protocol_lines

    facts = {
        "protocol": {"name": "spade-ade20k", "departures": [], "recogniser": {"segmenter": "upernet-101"}},
        "figures": {
            "fid": {"value": 33.9, "interval": {"low": 33.1, "high": 34.7}, "n_made": 2000, "n_real": 2000},
            "kid": {"value": 0.0123, "standard_error": 0.0004},
            "kid_real_halves": {"value": -0.00001, "standard_error": 0.0002},
            "precision_recall": {"precision": 0.71, "recall": 0.32},
            "recognition": None,
            "diversity": {"lpips_vgg": {"value": 0.265, "low": 0.26, "high": 0.27}},
        },
    }
    assert protocol_lines(facts) == [
        "folders, protocol spade-ade20k",
        "  FID              33.90  [33.10, 34.70]  2000 against 2000",
        "  KID x 1000       12.30 ± 0.40",
        "    of real halves -0.01 ± 0.20",
        "  precision        0.710",
        "  recall           0.320",
        "  lpips_vgg        0.265  [0.260, 0.270]",
    ]


def test_a_protocol_is_refused_in_words(data, tmp_path, capsys):
    model = {"model": "spade-earth-128", "data": data}
    assert refused(capsys, tmp_path, **model, protocol="spade-ade").startswith(
        "no protocol is called spade-ade. Did you mean spade-ade20k, "
    )
    assert refused(capsys, tmp_path, **model, measure="fid") == (
        "--measure is of no use where the protocol is lite0. Leave it out."
    )
    assert refused(capsys, tmp_path, **model, protocol="spade-ade20k", measure="fit") == (
        "--measure fit is unknown. Give fid, recognition, diversity."
    )
    photos = data / "val" / "photos"
    said = refused(capsys, tmp_path, fake=photos, real=photos, protocol="spade-ade20k", weights=tmp_path)
    assert said.startswith("FID's Inception-v3 needs the weight file pt_inception-2015-12-05-6726825d.pth (")
