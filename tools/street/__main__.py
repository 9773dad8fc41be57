"""`python -m street --first 0 --count 10 --out DIR --label-space FILE`: see README.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from street.ids import read_classes
from street.render import KINDS, render_scene


def main() -> int:
    """Render the scenes that are not there yet; prints one line for each."""
    parser = argparse.ArgumentParser(prog="street", description="Render labelled street scenes.")
    parser.add_argument("--first", type=int, required=True, help="seed of the first scene")
    parser.add_argument("--count", type=int, required=True, help="how many seeds in a row")
    parser.add_argument("--out", type=Path, required=True, help="folder for photos, labels and instances")
    parser.add_argument("--label-space", type=Path, required=True, help="label_space.json of the data set")
    parser.add_argument("--size", default="256x256", help="height x width in pixels")
    parser.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker is None and given.workers > 1:
        return _share_out(given.workers)
    height, width = (int(side) for side in given.size.split("x"))
    classes, colours = read_classes(given.label_space)
    for kind in KINDS:
        (given.out / kind).mkdir(parents=True, exist_ok=True)
    for seed in range(given.first + (given.worker or 0), given.first + given.count, given.workers):
        paths = {kind: given.out / kind / f"{seed:06d}{suffix}" for kind, suffix in KINDS.items()}
        if not all(path.exists() for path in paths.values()):
            for kind, data in render_scene(seed, (height, width), classes, colours).items():
                temporary = paths[kind].with_suffix(".part")
                temporary.write_bytes(data)
                temporary.rename(paths[kind])
        print(f"done {seed:06d}", flush=True)
    return 0


def _share_out(workers: int) -> int:
    """Run as many processes, each with its share of the seeds."""
    command = [sys.executable, "-m", "street", *sys.argv[1:], "--worker"]
    processes = [subprocess.Popen([*command, str(number)], env=os.environ) for number in range(workers)]
    try:
        return max(process.wait() for process in processes)
    finally:
        for process in processes:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
