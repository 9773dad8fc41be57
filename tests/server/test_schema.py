import pytest

from benchmarks.fuzz import fuzz


def test_every_door_says_what_it_takes_and_gives(client):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        "/metrics",
        "/v1/edit",
        "/v1/health",
        "/v1/models",
        "/v1/models/{name}/mapping",
        "/v1/projects",
        "/v1/projects/{name}",
        "/v1/reroll",
        "/v1/scenes",
        "/v1/scenes/{label_space}/{name}.png",
        "/v1/segment",
        "/v1/synthesise",
        "/v1/variants",
    }
    for path, doors in schema["paths"].items():
        for method, door in doors.items():
            assert door["summary"], (method, path)
            assert door["description"], (method, path)
            assert any(status.startswith("2") for status in door["responses"])
            assert door["responses"]["422"]["content"]["application/json"]["schema"]["required"] == ["detail"]
    for path in ("/v1/synthesise", "/v1/variants", "/v1/reroll", "/v1/edit", "/v1/segment"):
        door = schema["paths"][path]["post"]
        [(kind, content)] = door["requestBody"]["content"].items()
        form = schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        assert kind == "multipart/form-data"
        assert set(content["encoding"]) == set(form["properties"])
        assert form["properties"]["options"]["examples"]
        assert {"409", "429"} <= set(door["responses"])


def test_the_examples_of_options_are_good(client):
    from intarsia.server import forms, schemas

    for kind in (schemas.Options, schemas.VariantOptions, schemas.EditOptions, schemas.RerollOptions):
        [field] = [value for name, value in vars(forms).items() if name == f"{kind.__name__}Field"]
        [example] = field.__metadata__[-1].examples
        assert kind.model_validate_json(example).model_dump(exclude_unset=True)


@pytest.mark.filterwarnings("ignore")  # of schemathesis and what it uses
def test_made_up_requests_get_no_500_and_what_the_schema_says(url):
    found = fuzz(url, 60, "spade-tiny-style")
    assert found.problems == []
    assert found.statuses.total() >= 60
    assert found.statuses[200] >= 5
    assert found.statuses[422] >= 10
