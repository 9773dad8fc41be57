"""Many clients at once: nothing but 200 and 429, memory bounded, every accepted request answered.

    python -m benchmarks.load --clients 50 --seconds 60

Each client paints, asks, and when it is sent back waits as long as it is told. At the end stands what was answered and
how much memory the server held; the exit status is 1 if anything else than 200 and 429 came, or memory kept growing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.latency import paint
from benchmarks.serving import MODEL, Serving, serving, street
from intarsia.bench.machine import machine
from intarsia.editing.pictures import png

GROWTH_MIB = 200.0
"""Between the first and the last fifth of the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--side", type=int, default=128, help="of the label maps, in pixels")
    parser.add_argument("--queue", type=int, default=32, help="requests that the server takes in hand")
    asked = parser.parse_args()
    with serving("--model", MODEL, "--queue", str(asked.queue)) as server:
        measured = asyncio.run(load(server, asked.clients, asked.seconds, asked.side))
    print(json.dumps(measured | {"machine": machine()}))
    if not held(measured):
        raise SystemExit(1)


async def load(server: Serving, clients: int, seconds: float, side: int) -> dict[str, Any]:
    """Let clients ask for so long."""
    statuses: Counter[str] = Counter()
    times: list[float] = []
    memory: list[float] = []
    end = time.monotonic() + seconds
    watching = asyncio.create_task(_watch(server, memory))
    await asyncio.gather(*(_client(server.url, number, side, end, statuses, times) for number in range(clients)))
    watching.cancel()
    fifth = max(1, len(memory) // 5)
    return {
        "clients": clients,
        "seconds": seconds,
        "side": side,
        "answers": dict(statuses),
        "photos_per_second": statuses["200"] / seconds,
        "median_ms": statistics.median(times) if times else None,
        "memory_mib_first_fifth": max(memory[:fifth]),
        "memory_mib_last_fifth": max(memory[-fifth:]),
        "memory_mib_most": max(memory),
    }


def held(measured: dict[str, Any]) -> bool:
    """Whether nothing but 200 and 429 came, something was answered, and memory stayed within bounds."""
    expected = set(measured["answers"]) <= {"200", "429"} and measured["answers"].get("200", 0) > 0
    growth = measured["memory_mib_last_fifth"] - measured["memory_mib_first_fifth"]
    return bool(expected and growth < GROWTH_MIB)


async def _client(url: str, number: int, side: int, end: float, statuses: Counter[str], times: list[float]) -> None:
    draw, labels = np.random.default_rng(number), street(side)
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        while time.monotonic() < end:
            paint(labels, draw)
            form = {"options": json.dumps({"model": MODEL, "seed": number})}
            began = time.monotonic()
            try:
                answer = await client.post("/v1/synthesise", files={"labels": png(Image.fromarray(labels))}, data=form)
            except httpx.HTTPError as error:
                statuses[type(error).__name__] += 1  # a request without an answer
                continue
            statuses[str(answer.status_code)] += 1
            if answer.status_code == httpx.codes.OK:
                times.append(1000 * (time.monotonic() - began))
            else:
                await asyncio.sleep(float(answer.headers.get("retry-after", 1)))


async def _watch(server: Serving, memory: list[float]) -> None:
    while True:
        memory.append(server.memory_mib())
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    main()
