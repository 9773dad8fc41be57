import re

import numpy as np
import pytest
from PIL import Image

from intarsia import Synthesiser
from intarsia.client import Client, ServerError
from intarsia.errors import ConfigError
from tests.server import shop
from tests.server.shop import labels, photo, zipped


@pytest.fixture(scope="module")
def url(snapshot_of, tmp_path_factory):
    with shop.listening(shop.models(snapshot_of), projects=tmp_path_factory.mktemp("kept")) as url:
        yield url


@pytest.fixture
def client(url):
    with Client(url) as client:
        yield client


def test_it_gives_what_the_library_gives(client, snapshot_of, tmp_path):
    noisy = Synthesiser.from_pretrained(snapshot_of("oasis-tiny"))
    Image.fromarray(labels()).save(tmp_path / "map.png")
    scene, name = noisy.scene(labels()), noisy.label_space.classes[int(labels()[0, 0])].name
    expected = scene.render(seed=7)
    assert np.array_equal(client.synthesise(labels(), model="oasis-tiny", seed=7), expected)
    assert np.array_equal(client.synthesise(tmp_path / "map.png", model="oasis-tiny", seed=7), expected)
    assert np.array_equal(client.synthesise(str(tmp_path / "map.png"), model="oasis-tiny", seed=7), expected)
    rerolled = client.reroll(labels(), {"class": name, "seed": 9}, model="oasis-tiny", seed=7)
    assert np.array_equal(rerolled, scene.reroll(name, seed=9).render(seed=7))
    variants = client.variants(labels(), model="oasis-tiny", seed=7, n=2)
    assert [variant.seed for variant in variants] == [7, 8]
    assert np.array_equal(variants[1].photo, scene.render(seed=8))


def test_photos_are_edited_and_segmented(client):
    given, new = photo(), labels()
    new[:8] = (new[:8] + 1) % 6
    made = client.edit(given, new, old_labels=labels())
    assert np.array_equal(made[8:], given[8:])
    hole = np.zeros((32, 64), bool)
    hole[20:, 40:] = True
    assert np.array_equal(client.edit(given, new, hole=hole)[~hole], given[~hole])
    assert client.segment(given, segmenter="unet-earth").shape == (32, 64)


def test_projects_are_kept(client):
    content = zipped(a=b"1")
    client.save_project("my street", content)
    assert client.load_project("my street") == content
    assert [entry["name"] for entry in client.projects()] == ["my street"]
    client.delete_project("my street")
    assert client.projects() == []


def test_models_and_their_classes(client):
    assert client.models()[0]["name"] == "spade-tiny-style"
    assert client.mapping("spade-tiny", "oasis-tiny")["of"] == "oasis-tiny"


def test_a_refusal_is_one_line_with_the_status(client):
    with pytest.raises(ServerError) as refused:
        client.synthesise(labels(), model="spade")
    assert refused.value.status == 404
    assert str(refused.value) == ("the server refused (404): there is no model spade here. Did you mean spade-tiny?")
    with pytest.raises(ServerError) as refused:
        client.load_project("../x")
    assert refused.value.status in (404, 422)


def test_a_server_that_is_not_there_is_one_line():
    with shop.bound("127.0.0.1", 0) as free:
        nobody = shop.url_of(free)
    with Client(nobody) as client, pytest.raises(ConfigError) as refused:
        client.models()
    assert str(refused.value) == f"no answer from {nobody} (ConnectError). Start it with: intarsia serve"


def test_a_full_server_is_asked_again_until_patience_ends(snapshot_of):
    full = re.escape("the server refused (429): 0 requests are in hand")
    with shop.listening(shop.models(snapshot_of), queue=0) as url, Client(url, patience=0) as client:  # noqa: SIM117
        with pytest.raises(ServerError, match=full):
            client.synthesise(labels())


def test_the_token_is_sent(snapshot_of):
    with shop.listening(shop.models(snapshot_of), token="open sesame") as url:
        with Client(url, "open sesame") as client:
            assert client.models()
        with Client(url) as client, pytest.raises(ServerError) as refused:
            client.models()
    assert refused.value.status == 401
