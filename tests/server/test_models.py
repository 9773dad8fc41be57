import shutil

import pytest

from intarsia.checkpoints.models import BUNDLED, bundled_models
from intarsia.checkpoints.snapshot import WEIGHTS
from intarsia.errors import CheckpointError, ConfigError
from intarsia.files import sha256
from intarsia.server.catalogue import OPENS_WITH, gathered
from tests.server.shop import opened, problem, send

OTHERS = ["sesame-tiny", OPENS_WITH, *(name for name in bundled_models() if name != OPENS_WITH)]


def test_models_say_what_they_are_and_take(client, snapshot_of):
    entries = {entry["name"]: entry for entry in client.get("/v1/models").json()}
    assert list(entries) == ["spade-tiny-style", "spade-tiny", "oasis-tiny", *OTHERS]
    takes = {name: {key for key, value in entry["takes"].items() if value} for name, entry in entries.items()}
    assert takes == {
        "spade-tiny-style": {"style", "instances", "seed"},
        "spade-tiny": set(),
        "oasis-tiny": {"noise", "instances", "seed"},
        "sesame-tiny": {"hole"},
        "sesame-street-128": {"hole"},
        "spade-earth-128": set(),
        "spade-street-128": {"style", "instances", "seed"},
        "spade-street-256": {"style", "instances", "seed"},
    }
    assert [name for name, entry in entries.items() if entry["default"]] == ["spade-tiny-style"]
    street = entries["spade-street-128"]
    assert (street["system"], street["size"], street["label_space"]) == ("spade", [128, 128], "street")
    assert street["classes"][1] == {"id": 1, "name": "road", "colour": "#804080", "group": "ground"}
    assert (street["dont_care"], street["segmenter"]) == (None, "unet-street")
    assert street["hash"] == sha256(BUNDLED / "models" / "spade-street-128" / WEIGHTS)
    assert entries["spade-tiny"]["segmenter"] is None


def test_a_switch_of_models_says_how_classes_map(client):
    report = client.get("/v1/models/spade-street-128/mapping", params={"of": "spade-earth-128"}).json()
    assert (report["of"], report["to"]) == ("spade-earth-128", "spade-street-128")
    found = {
        each["origin"]["name"]: (each["target"] and each["target"]["name"], each["how"]) for each in report["classes"]
    }
    assert found["lake"] == ("water", "group")
    assert found["snow and ice"] == ("snow", "alike")
    same = client.get("/v1/models/spade-tiny/mapping", params={"of": "spade-tiny"}).json()["classes"]
    assert all(each["how"] == "same" and each["target"] == each["origin"] for each in same)
    assert problem(client.get("/v1/models/x/mapping", params={"of": "spade-tiny"}))[0] == 404


def test_starter_scenes_are_the_bundled_label_maps(client):
    scenes = client.get("/v1/scenes").json()
    assert len(scenes) == 24
    for scene in (scenes[0], scenes[-1]):
        file = BUNDLED / "maps" / scene["label_space"] / f"{scene['name']}.png"
        assert client.get(scene["labels"]).content == file.read_bytes()
    [street, *_] = [scene for scene in scenes if scene["instances"]]
    file = BUNDLED / "maps" / "street" / "instances" / f"{street['name']}.png"
    assert client.get(street["instances"]).content == file.read_bytes()
    for path in ("/v1/scenes/street/..%2F..%2Fcard.png", "/v1/scenes/x/y.png", "/v1/scenes/street/none.png"):
        assert problem(client.get(path))[0] == 404


def test_one_model_is_in_memory_at_a_time(catalogue):
    with opened(catalogue) as client:
        for model in ("spade-tiny", "spade-tiny", "oasis-tiny", "spade-tiny"):
            assert send(client, model=model).status_code == 200
        loads = [
            row for row in client.get("/metrics").text.splitlines() if row.startswith("intarsia_model_loads_total")
        ]
        assert sorted(loads) == [
            'intarsia_model_loads_total{model="oasis-tiny"} 1.0',
            'intarsia_model_loads_total{model="spade-tiny"} 2.0',
        ]


def test_a_model_that_went_away_is_told(snapshot_of, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(snapshot_of("spade-tiny"), folder)
    with opened(gathered([str(folder)])) as client:
        (folder / WEIGHTS).unlink()
        status, detail = problem(send(client))
        assert status == 503
        assert str(folder / WEIGHTS) in detail


def test_models_are_named_after_their_folders_or_as_said(snapshot_of):
    place = snapshot_of("spade-tiny")
    assert [offer.name for offer in gathered([str(place), f"mine={place}"]).models[:2]] == ["spade-tiny", "mine"]
    assert gathered().models[0].name == OPENS_WITH
    with pytest.raises(ConfigError) as refused:
        gathered([f"a={place}", f"a={place}"])
    assert str(refused.value) == f"{place} and {place} are both called a. Write NAME={place}."
    with pytest.raises(ConfigError) as refused:
        gathered(banks=["b=styles.safetensors"])
    assert str(refused.value) == "a style bank is given for b, which is no model here. Name it as the model."
    with pytest.raises(CheckpointError, match=r"^there is no model nowhere\."):
        gathered(["nowhere"])
