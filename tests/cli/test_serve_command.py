"""`intarsia serve` and `intarsia studio` as processes and as functions: starting, stopping, and being killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
import pytest

from intarsia import cli
from intarsia.checkpoints.models import bundled_models
from intarsia.errors import ConfigError
from intarsia.server.running import bound, url_of
from tests.server.shop import png, zipped


@pytest.fixture
def start(snapshot_of):
    """Start servers of a tiny model; those that still run at the end are killed."""
    processes = []

    def start(*arguments, environment=()):
        command = [sys.executable, "-m", "intarsia", "serve", "--port", "0", "--device", "cpu"]
        command += ["--model", f"tiny={snapshot_of('spade-tiny-style')}", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **dict(environment)}
        )
        processes.append(process)
        line = process.stdout.readline()
        assert line.startswith("serving tiny at http://127.0.0.1:"), process.stderr.read()
        return process, line.split()[3]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_killed_server_loses_no_saved_project(start, tmp_path):
    process, url = start("--projects", str(tmp_path))
    saved, under_way, enough = {}, [], threading.Event()

    def save():
        for number in range(10_000):
            name, content = f"p{number % 5}", zipped(a=os.urandom(200_000))
            under_way[:] = [name]
            try:
                httpx.put(f"{url}/v1/projects/{name}", content=content, timeout=30).raise_for_status()
            except httpx.HTTPError:
                return
            saved[name] = content
            if number == 11:
                enough.set()

    saving = threading.Thread(target=save)
    saving.start()
    assert enough.wait(60)
    process.kill()  # in the midst of saving
    saving.join()
    _, url = start("--projects", str(tmp_path))
    assert {entry["name"] for entry in httpx.get(f"{url}/v1/projects", timeout=30).json()} == set(saved)
    for name in saved.keys() - set(under_way):
        assert httpx.get(f"{url}/v1/projects/{name}", timeout=30).content == saved[name]
    # The one that was being saved is whole too: the old one or the new one.
    assert len(httpx.get(f"{url}/v1/projects/{under_way[0]}", timeout=30).content) == len(saved[under_way[0]])
    assert all(path.suffix == ".zip" and not path.name.startswith(".") for path in tmp_path.iterdir())


def test_a_server_that_is_asked_to_stop_answers_what_it_took_in(start):
    process, url = start(environment={"INTARSIA_TOKEN": "open sesame"}.items())
    assert httpx.get(f"{url}/v1/models", timeout=30).status_code == 401
    token = {"Authorization": "Bearer open sesame"}
    labels = png(np.zeros((256, 256), np.uint8))
    httpx.post(f"{url}/v1/synthesise", files={"labels": labels}, headers=token, timeout=120).raise_for_status()
    answers = []

    def ask():
        form = {"options": json.dumps({"n": 12})}
        answers.append(
            httpx.post(f"{url}/v1/variants", files={"labels": labels}, data=form, headers=token, timeout=120)
        )

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 30
    while (
        "intarsia_requests_in_hand 1.0" not in httpx.get(f"{url}/metrics", headers=token).text
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    asking.join()
    assert answers[0].status_code == 200
    assert answers[0].headers["x-seeds"].count(",") == 11
    assert process.wait(60) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/v1/health")


def test_the_studio_opens_its_page_and_hands_it_the_token(monkeypatch, capsys, tmp_path):
    opened, served = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(
        "intarsia.server.running.serve_forever", lambda app, listening: (served.append(app), listening.close())
    )
    monkeypatch.setenv("INTARSIA_TOKEN", "x y")
    assert cli.run(["studio", "--port", "0", "--projects", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    url = said.split()[3]
    assert said == f"serving spade-street-256 at {url} (Ctrl-C stops)\n"
    assert opened == [f"{url}/#token=x%20y"]
    assert served[0].state.shop.projects.folder == tmp_path
    assert served[0].state.shop.settings.host == "127.0.0.1"


def test_a_server_for_others_without_a_token_is_noticed(monkeypatch, capsys):
    monkeypatch.setattr("intarsia.server.running.serve_forever", lambda app, listening: listening.close())
    monkeypatch.delenv("INTARSIA_TOKEN", raising=False)
    assert cli.run(["serve", "--port", "0", "--host", "0.0.0.0"]) == 0
    assert capsys.readouterr().err == (
        "notice: others can reach 0.0.0.0 and need no token: set INTARSIA_TOKEN to ask for one.\n"
    )


def test_a_port_that_is_taken_is_one_line(capsys):
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert cli.run(["serve", "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"error: port {port} of 127.0.0.1 is taken. Choose another --port, or 0 for a free one.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "there is no port 70000. Choose 0..65535."),
        (["--queue", "0"], "--queue is 0. Give 1 or more."),
        (["--projects", __file__], f"--projects {__file__} is a file. Give a folder."),
        (
            ["--model", "nowhere"],
            "there is no model nowhere. Give a folder with card.json and generator.safetensors, a hub id like "
            f"owner/model, or a bundled model: {', '.join(bundled_models())}.",
        ),
    ],
)
def test_bad_options_are_one_line(arguments, message, capsys):
    assert cli.run(["serve", *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_addresses_of_version_six_are_bracketed():
    try:
        listening = bound("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no addresses of version six")
    with listening:
        assert url_of(listening) == f"http://[::1]:{listening.getsockname()[1]}"
