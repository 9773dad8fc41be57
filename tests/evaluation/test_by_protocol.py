"""A model or folders under a published protocol: the choices are followed and told, and nothing is computed twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from intarsia import labels
from intarsia.blocks.lpips import Lpips
from intarsia.data.sources import open_source
from intarsia.data.transforms import image_tensor, photo_array
from intarsia.errors import CheckpointError, ConfigError, LabelError
from intarsia.evaluation import by_protocol, evaluate
from intarsia.evaluation.by_protocol import Choices, evaluate_folders_by, evaluate_model_by
from intarsia.evaluation.diversity import Similarities, diversity
from intarsia.evaluation.frechet import frechet, moments
from intarsia.evaluation.inception import InceptionFeatures, prepared_for_inception
from intarsia.evaluation.kid import kid
from intarsia.evaluation.pictures import MadeViews, finished, folder_pictures, jpeg, whole_views
from intarsia.evaluation.protocols import PROTOCOLS, Protocol, find_protocol
from intarsia.evaluation.recogniser import translation
from intarsia.evaluation.store import Store
from intarsia.labels import LabelClass, LabelSpace
from intarsia.synthesis.synthesiser import Synthesiser
from tests.evaluation.sketch import write_segmenter
from tests.training.scene import write_data

PHOTOS = 9
PLAIN = Protocol("plain", "this test", quantise="rounded")


class Means(nn.Module):
    """Stands for Inception, which has a test of its own: the mean of each channel in four quarters."""

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, 2).flatten(1)


def unwatched(parts, what, total):
    return parts


@pytest.fixture(autouse=True)
def _means_for_inception(monkeypatch):
    def installed(preparation, device, weights=None):
        return InceptionFeatures(Means(), preparation, torch.device(device), "0" * 64)

    monkeypatch.setattr(InceptionFeatures, "installed", installed)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("data") / "rectangles", pairs=PHOTOS, size=48))


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return str(write_segmenter(tmp_path_factory.mktemp("segmenter") / "unet-sketch"))


def measured(model, data, protocol=PLAIN, train=None, **options):
    source = open_source(data, "val")
    return evaluate_model_by(str(model), source, train, Choices(protocol, **options), unwatched)


def features_of(photos, preparation="pytorch-fid"):
    images = torch.stack([(image_tensor(photo) + 1) / 2 for photo in photos])
    return Means()(prepared_for_inception(images, preparation)).numpy()


def test_figures_are_those_of_the_pictures(data, segmenter, snapshot_of):
    model = snapshot_of("spade-tiny")
    found = measured(model, data, segmenter=segmenter, seed=4)["figures"]
    real = whole_views(open_source(data, "val"), (32, 32))
    made = MadeViews(Synthesiser.from_pretrained(model), real, 4)
    of_made, of_real = (features_of([one.photo for one in each.pictures(range(PHOTOS))]) for each in (made, real))
    assert found["fid"]["value"] == pytest.approx(frechet(moments(of_made), moments(of_real)), abs=1e-5)
    assert (found["fid"]["n_made"], found["fid"]["n_real"]) == (PHOTOS, PHOTOS)
    assert found["fid"]["interval"]["rounds"] == 50
    assert found["kid"]["value"] == pytest.approx(kid(of_made, of_real, seed=4).value, abs=1e-6)
    assert 0 <= found["precision_recall"]["recall"] <= 1
    recognised = found["recognition"]
    assert recognised["real"]["n"] == PHOTOS
    assert recognised["generated"]["miou_interval"]["value"] == pytest.approx(recognised["generated"]["miou"])
    assert found["ratio_to_ceiling"]["accuracy"] == pytest.approx(
        recognised["generated"]["accuracy"] / recognised["real"]["accuracy"]
    )
    assert found["diversity"] is None


def test_every_choice_is_told(data, segmenter, snapshot_of):
    facts = measured(snapshot_of("spade-tiny"), data, segmenter=segmenter, size=(16, 32), limit=8)
    protocol = facts["protocol"]
    assert (facts["format"], facts["generation"]["size"], protocol["name"]) == (2, [16, 32], "plain")
    assert protocol["departures"] == [
        "size [16, 32] instead of None",
        f"segmenter {segmenter} instead of None",
        "8 pictures at most, evenly spread",
    ]
    assert protocol["recogniser"]["segmenter"] == "unet-sketch"
    assert protocol["inception_sha256"] == "0" * 64
    for choice in ("statistics", "quantise", "codec", "style", "to_inception", "covariance", "truth", "dont_care"):
        assert protocol[choice], choice
    assert facts["data"]["pictures"] == 8
    json.dumps(facts, allow_nan=False)


def test_the_same_is_not_computed_twice_and_a_stopped_evaluation_goes_on(
    data, segmenter, snapshot_of, tmp_path, monkeypatch
):
    model, store = snapshot_of("spade-tiny"), Store(tmp_path)
    monkeypatch.setattr("intarsia.evaluation.store.SHARD", 4)
    rendered, render = [], MadeViews.pictures

    def counted(self, numbers, stop=None):
        if len(rendered) == stop:
            raise KeyboardInterrupt
        rendered.append(list(numbers))
        return render(self, numbers)

    monkeypatch.setattr(MadeViews, "pictures", lambda self, numbers: counted(self, numbers, stop=2))
    with pytest.raises(KeyboardInterrupt):
        measured(model, data, segmenter=segmenter, store=store)
    monkeypatch.setattr(MadeViews, "pictures", counted)
    first = measured(model, data, segmenter=segmenter, store=store)
    assert rendered == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    again = measured(model, data, segmenter=segmenter, store=store)
    assert len(rendered) == 3
    assert again["figures"] == first["figures"]
    measured(model, data, segmenter=segmenter, store=store, seed=1)
    assert len(rendered) == 6


def test_real_photos_of_the_training_set_are_compared_with_where_the_protocol_says_so(data, snapshot_of):
    protocol = replace(PLAIN, statistics="train")
    model = snapshot_of("spade-tiny")
    with pytest.raises(ConfigError) as caught:
        measured(model, data, protocol, measures=("fid",))
    assert str(caught.value) == (
        f"protocol plain compares with the photos of the training set, and {data} has no split train. "
        "Add it, or choose another protocol."
    )
    train = open_source(data, "train")
    found = measured(model, data, protocol, train, measures=("fid",))["figures"]
    real = features_of([one.photo for one in whole_views(train, (32, 32)).pictures(range(len(train)))])
    views = whole_views(open_source(data, "val"), (32, 32))
    made = MadeViews(Synthesiser.from_pretrained(model), views, 0).pictures(range(PHOTOS))
    expected = frechet(moments(features_of([one.photo for one in made])), moments(real))
    assert found["fid"]["value"] == pytest.approx(expected, abs=1e-5)
    assert found["recognition"] is None


def test_what_does_not_fill_a_batch_is_left_out_where_the_protocol_says_so(data, snapshot_of):
    protocol = replace(PLAIN, whole_batches_of=4)
    found = measured(snapshot_of("spade-tiny"), data, protocol, measures=("fid",))
    assert found["figures"]["fid"]["n_made"] == 8


def test_both_photos_are_resized_where_the_protocol_says_so(data, snapshot_of):
    protocol = replace(PLAIN, both_resized=(8, 8))
    model = snapshot_of("spade-tiny")
    found = measured(model, data, protocol, measures=("fid",))["figures"]["fid"]["value"]
    real = whole_views(open_source(data, "val"), (32, 32))
    made = MadeViews(Synthesiser.from_pretrained(model), real, 0)

    def small(each):
        return features_of(
            [
                np.asarray(Image.fromarray(one.photo).resize((8, 8), Image.Resampling.BICUBIC))
                for one in each.pictures(range(PHOTOS))
            ]
        )

    assert found == pytest.approx(frechet(moments(small(made)), moments(small(real))), abs=1e-5)


def test_label_maps_may_be_compared_at_the_size_of_the_made_photo(data, segmenter, snapshot_of):
    views = whole_views(open_source(data, "val"), (32, 32))
    assert views.pictures([0])[0].truth.shape == (48, 48)
    assert replace(views, truth="generated").pictures([0])[0].truth.shape == (32, 32)


def test_a_style_may_be_that_of_the_real_photo(data, snapshot_of):
    synthesiser = Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))
    real = whole_views(open_source(data, "val"), (64, 64))
    encoded, drawn = (MadeViews(synthesiser, real, 0, style=style) for style in ("encoded", "random"))
    pair = real.pair(3)
    scene = synthesiser.tensor_scene(torch.from_numpy(pair.labels.astype(np.int64))[None])
    expected = scene.render_tensor(style=image_tensor(pair.photo)[None])
    assert torch.equal(encoded.images([3], [0]), expected)
    assert not torch.equal(drawn.images([3], [0]), expected)


def test_values_are_rounded_cut_down_or_kept():
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    rounded, cut, kept = (finished(images, how, "none") for how in ("rounded", "truncated", "none"))
    assert np.array_equal(np.stack([photo for photo, _ in rounded]), photo_array(images))
    expected = ((images + 1) / 2 * 255).floor().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.stack([photo for photo, _ in cut]), expected)
    assert np.allclose(kept[1][1], ((images[1] + 1) / 2).numpy(), atol=1e-7)
    assert np.array_equal(kept[1][0], rounded[1][0])
    assert [exact for _, exact in rounded + cut] == [None] * 4


def test_jpeg_leaves_its_marks():
    photo = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    coded = jpeg(photo)
    assert coded.shape == photo.shape
    assert 1 < np.abs(coded.astype(int) - photo).mean() < 80
    images = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
    assert np.array_equal(finished(images, "rounded", "jpeg")[0][0], coded)


def test_diversity_is_the_mean_over_maps_of_the_mean_over_pairs(data, snapshot_of):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Lpips("alex")
        for level in network.levels:
            level.fill_(0.1)
    synthesiser = Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))
    made = MadeViews(synthesiser, whole_views(open_source(data, "val"), (64, 64), 2), 3, "f" * 64)
    similarities = Similarities({"alex": network}, False, torch.device("cpu"), {"lpips_alex": "0"})
    found = diversity(made, similarities, 3, unwatched, Store())
    assert (found["samples"], found["pairs"], found["maps"]) == (3, 3, 2)
    assert found["lpips_alex"]["value"] > 0
    same = diversity(replace(made, style="encoded"), similarities, 3, unwatched, Store())
    assert same["lpips_alex"]["value"] == 0


def test_ms_ssim_is_measured_of_photos_in_the_unit_range():
    from intarsia.evaluation.ms_ssim import ms_ssim

    first, second = torch.rand(2, 3, 176, 176, generator=torch.Generator().manual_seed(1)) * 2 - 1
    found = Similarities({}, True, torch.device("cpu"), {}).between(first, second)
    assert found["ms_ssim"] == pytest.approx(float(ms_ssim((first[None] + 1) / 2, (second[None] + 1) / 2)))


def test_folders_are_compared_at_the_size_of_the_made_photos(data, segmenter, tmp_path):
    space = labels.numbered("rectangles", 6)
    photos, maps = Path(data, "val/photos"), Path(data, "val/labels")
    real = folder_pictures(photos, maps, space)
    for path in photos.glob("*.png"):
        Image.open(path).resize((40, 24), Image.Resampling.BICUBIC).save(tmp_path / path.name)
    fake = folder_pictures(tmp_path, maps, space)
    choices = Choices(PLAIN, segmenter=segmenter)
    found = evaluate_folders_by(fake, real, choices, unwatched)
    assert found["generation"]["size"] == [24, 40]
    assert found["figures"]["fid"]["value"] == pytest.approx(0, abs=1e-5)
    assert found["figures"]["ratio_to_ceiling"] == {"miou": 1.0, "accuracy": 1.0}
    assert found["folders"]["real"]["pictures"] == PHOTOS


def test_a_missing_weight_file_is_named_and_nothing_else_is_taken(data, snapshot_of, tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(CheckpointError) as caught:
        measured(snapshot_of("spade-tiny"), data, weights=tmp_path)
    assert str(caught.value) == (
        "FID's Inception-v3 needs the weight file pt_inception-2015-12-05-6726825d.pth (release fid_weights of "
        "mseitzer/pytorch-fid on GitHub, SHA-256 6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2), "
        f"which is not in {tmp_path}. Put it there, or give the folder that holds it with --weights."
    )
    (tmp_path / "pt_inception-2015-12-05-6726825d.pth").write_bytes(b"another")
    with pytest.raises(CheckpointError) as caught:
        measured(snapshot_of("spade-tiny"), data, weights=tmp_path)
    assert str(caught.value) == (
        f"weight file {tmp_path}/pt_inception-2015-12-05-6726825d.pth is not that of FID's Inception-v3: "
        "its SHA-256 begins with ae448ac8, not 6726825d. Get it again: release fid_weights of mseitzer/pytorch-fid "
        "on GitHub."
    )


def test_classes_are_matched_by_name():
    data = LabelSpace("data", tuple(LabelClass(i, name, (0, 0, i)) for i, name in enumerate("abc")), (9,))
    few = LabelSpace("few", (LabelClass(5, "c", (0, 0, 0)), LabelClass(7, "a", (0, 0, 1))), (255,))
    assert translation(data, few, "x").tolist() == [1, 2, 0, 2]
    with pytest.raises(LabelError) as caught:
        translation(few, data, "x")
    assert str(caught.value) == (
        "segmenter x tells b apart, which is no class of few. Choose a segmenter of the data's classes."
    )


def test_every_family_of_protocols_differs_where_its_authors_did():
    assert len(PROTOCOLS) == len({row.name for row in PROTOCOLS.values()}) >= 20
    spade, oasis, clade = (PROTOCOLS[f"{name}-cityscapes"] for name in ("spade", "oasis", "clade"))
    assert (spade.quantise, oasis.quantise) == ("truncated", "none")
    assert (spade.covariance, oasis.covariance) == ("float64", "float32")
    assert (spade.statistics, clade.statistics) == ("val", "train")
    assert PROTOCOLS["ccfpse-ade20k"].style == "encoded"
    assert PROTOCOLS["pix2pixhd-cityscapes"].codec == "jpeg"
    assert PROTOCOLS["sdm-ade20k"].whole_batches_of == 50
    assert PROTOCOLS["freestyle-ade20k"].both_resized == (256, 256)
    assert PROTOCOLS["aldm-cityscapes"].preparation == "clean-fid"
    for row in PROTOCOLS.values():
        assert row.told_by
        json.dumps(row.facts())


def test_a_protocol_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError) as caught:
        find_protocol("spade-city")
    assert str(caught.value).startswith("no protocol is called spade-city. Did you mean spade-cityscapes, ")


def test_torch_fidelity_is_asked_where_it_is_installed(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    assert by_protocol.torch_fidelity_says(np.zeros((3, 2)), np.zeros((3, 2))) is None


def test_the_bundled_segmenter_is_taken_for_data_that_it_knows(data, snapshot_of, monkeypatch):
    monkeypatch.setattr(by_protocol, "bundled_segmenter", lambda space: None)
    found = measured(snapshot_of("spade-tiny"), data)
    assert found["protocol"]["recogniser"] is None
    assert evaluate.bundled_segmenter(labels.numbered("rectangles", 6)) is None
