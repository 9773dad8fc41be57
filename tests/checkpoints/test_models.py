import pytest

from intarsia.checkpoints import models
from intarsia.errors import CheckpointError


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    folder = tmp_path / "bundled" / "models" / "spade-small"
    folder.mkdir(parents=True)
    (folder / "card.json").touch()
    monkeypatch.setattr(models, "BUNDLED", tmp_path / "bundled")
    return folder


def test_a_bundled_model_is_found_by_name(bundle):
    assert models.bundled_models() == ("spade-small",)
    assert models.find_model("spade-small") == bundle


def test_a_folder_is_taken_as_it_is(tmp_path):
    assert models.find_model(tmp_path) == tmp_path
    assert models.find_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["spade-smal", "a/b/c"])
def test_an_unknown_name_proposes_what_is_there(bundle, name):
    with pytest.raises(CheckpointError) as refused:
        models.find_model(name)
    assert str(refused.value) == (
        f"there is no model {name}. Give a folder with card.json and generator.safetensors, "
        "a hub id like owner/model, or a bundled model: spade-small."
    )


def test_a_hub_model_that_cannot_be_fetched_is_one_line(bundle, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError) as refused:
        models.find_model("nobody/nothing")
    assert str(refused.value) == (
        "model nobody/nothing cannot be fetched from the Hugging Face hub (LocalEntryNotFoundError). "
        "Check the name and the connection, or give a folder that holds the model."
    )


def test_a_hub_model_is_downloaded(bundle, monkeypatch, tmp_path):
    asked = []

    def download(hub_id, allow_patterns):
        asked.append((hub_id, allow_patterns))
        return str(bundle)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(CheckpointError) as refused:
        models.find_model("owner/model")
    assert (
        str(refused.value) == "model owner/model has no generator.safetensors on the hub: it was not saved by Intarsia."
    )
    (bundle / "generator.safetensors").touch()
    assert models.find_model("owner/model") == bundle
    assert asked == [("owner/model", ["card.json", "generator.safetensors"])] * 2


def test_models_of_the_repository_are_found_in_a_checkout_alone(bundle, monkeypatch, tmp_path):
    apart = tmp_path / "models" / "crn-small"
    apart.mkdir(parents=True)
    (apart / "card.json").touch()
    monkeypatch.setattr(models, "REPOSITORY", tmp_path)
    assert models.repository_models() == ()
    (tmp_path / "pyproject.toml").touch()
    assert models.repository_models() == ("crn-small",)
    assert models.find_model("crn-small") == apart
    assert models.bundled_models() == ("spade-small",)
