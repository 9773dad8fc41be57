"""Requests made up from the OpenAPI schema, good ones and bad ones: none may get a 5xx.

    python -m benchmarks.fuzz --cases 2000

Schemathesis makes them: every field of every door, within its bounds and beyond. Pictures are small label maps, photos
and broken files, so that requests get as far as the model. Also held against the schema: each status is one that it
names, and whatever goes wrong says so in one line.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from benchmarks.serving import MODEL, serving, street
from intarsia.editing.archive import zipped
from intarsia.editing.pictures import Format, encoded, png

SIDE = 32
MOST_TURNS = 5


@dataclass
class Found:
    """What came of the requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as projects, serving("--model", MODEL, "--projects", projects) as server:
        found = fuzz(server.url, asked.cases)
    print(f"{found.statuses.total()} requests: {dict(sorted(found.statuses.items()))}")
    if found.problems:
        raise SystemExit("\n".join(found.problems))


def fuzz(url: str, cases: int, model: str = MODEL) -> Found:
    """Send about so many requests, the same share to each door, half of them in keeping with the schema.

    `model` is the one that requests name where they name a good one.
    """
    register_pictures(model)
    schema, found = schemathesis.openapi.from_url(f"{url}/openapi.json"), Found()
    operations = [_sound(result) for result in schema.get_all_operations()]
    # A door without fields can be asked in one way only.
    with_fields = [one for one in operations if {"parameters", "requestBody"} & set(one.definition.raw)]
    for turn in range(MOST_TURNS):
        # What can be made up for some doors is soon exhausted: the others are asked once more.
        missing = cases - found.statuses.total()
        if missing > 0:
            each = math.ceil(missing / (2 * len(with_fields)))
            for operation in with_fields if turn else operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _ask(operation, mode, each, turn, found)
                done = f"{operation.method.upper()} {operation.path}: {found.statuses.total()} requests so far"
                print(f"{done}, {len(found.problems)} problems", file=sys.stderr, flush=True)
    return found


def _sound(result: Any) -> Any:
    """A door of the schema that schemathesis could read."""
    if not isinstance(result, Ok):
        raise SystemExit(f"the schema is malformed: {result.err()}")
    return result.ok()


def register_pictures(model: str) -> None:
    """What schemathesis sends as pictures, options and projects."""
    maps = [png(Image.fromarray(street(side))) for side in (SIDE, SIDE, SIDE + 1)]
    maps += [png(Image.fromarray(np.full((SIDE, SIDE), value, np.uint16))) for value in (0, 1, 60000)]
    photo = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    forms: tuple[Format, ...] = ("png", "webp")
    photos = [encoded(photo, form) for form in forms]
    broken = [b"", maps[0][:50], photos[1][:40], b"%PDF-1.4"]
    for media_type in ("image/png", "image/jpeg", "image/webp"):
        schemathesis.openapi.media_type(media_type, st.sampled_from([*maps, *photos, *broken]))
    schemathesis.openapi.media_type("application/json", options(model))
    schemathesis.openapi.media_type("application/zip", st.sampled_from([zipped({"a.txt": b"1"}), b"PK", b""]))


def options(model: str) -> st.SearchStrategy[bytes]:
    """The field of that name: good ones, and some that are not."""
    number = st.integers(-1, 2**63)
    names = st.sampled_from([model, "sky", "road", "no such name", "", "../x"])
    box = st.lists(st.integers(-1, SIDE + 1), min_size=3, max_size=5)
    region = st.fixed_dictionaries({"seed": number}, optional={"class": names, "instance": number, "box": box})
    values: dict[str, st.SearchStrategy[Any]] = {
        "model": st.just(model) | names,
        "seed": number,
        "noise": st.sampled_from(["global", "global", "per-class", 3]),
        "rerolls": st.lists(region, max_size=2),
        "region": region,
        "n": st.integers(0, 5),
        "seeds": st.lists(number, max_size=3),
        "blend": st.floats(),
        "format": st.sampled_from(["png", "webp", "gif"]),
        "feather": st.integers(-1, 70),
        "segmenter": st.sampled_from(["unet-street", "unet-earth", "x"]),
        "client": st.sampled_from(["me", ""]),
        "sequence": st.integers(-1, 5),
    }
    some = st.lists(st.sampled_from(sorted(values)), max_size=3, unique=True)
    chosen = some.flatmap(lambda keys: st.fixed_dictionaries({key: values[key] for key in keys}))
    return chosen.map(json.dumps).map(str.encode) | st.sampled_from([b"{}", b"{}", b"[]", b"{", b"\xff", b"1e999"])


def _ask(operation: Any, mode: GenerationMode, cases: int, turn: int, found: Found) -> None:
    known = set(operation.definition.raw["responses"])

    @seed(turn)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call()
        found.statuses[answer.status_code] += 1
        problem = _problem(answer, known)
        if problem:
            found.problems.append(f"{operation.method.upper()} {operation.path}: {problem}")

    with suppress(Unsatisfiable):  # a door without fields has nothing that could be wrong
        ask()


def _problem(answer: Any, known: set[str]) -> str | None:
    status = answer.status_code
    if status >= 500:
        return f"status {status}: {answer.text[:200]}"
    # What no door has is answered by the router: another method, or a path that was cut short.
    if str(status) not in known and status not in (404, 405):
        return f"status {status} is not in the schema"
    if status >= 400 and "\n" in answer.json()["detail"]:
        return f"status {status} says more than one line"
    return None


if __name__ == "__main__":
    main()
