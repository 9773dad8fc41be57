"""What is measured over HTTP, in small: that it measures, and that a server that fails is told."""

import asyncio
import json
import sys

import pytest

from benchmarks import latency, load


def test_latency_is_measured_through_a_server_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["latency", "--side", "64", "--repeats", "2", "--json"])
    latency.main()
    measured = json.loads(capsys.readouterr().out)
    assert measured["side"] == 64
    for name in ("stroke", "seed", "reroll"):
        assert 0 < measured[f"{name}_ms"] <= measured[f"{name}_95_ms"]
    assert "| a region re-rolled | " in latency.section(measured)


def test_under_load_every_request_is_answered_and_counted():
    with load.serving("--model", load.MODEL, "--queue", "3") as server:
        measured = asyncio.run(load.load(server, clients=8, seconds=3, side=32))
    assert load.held(measured)
    assert set(measured["answers"]) <= {"200", "429"}
    assert measured["answers"]["200"] >= 3


@pytest.mark.parametrize(
    ("answers", "last", "expected"),
    [
        ({"200": 5, "429": 2}, 110, True),
        ({"200": 5, "500": 1}, 110, False),
        ({"200": 5, "ReadError": 1}, 110, False),
        ({"429": 9}, 110, False),
        ({"200": 5}, 400, False),
    ],
)
def test_what_counts_as_holding(answers, last, expected):
    measured = {"answers": answers, "memory_mib_first_fifth": 100, "memory_mib_last_fifth": last}
    assert load.held(measured) is expected
