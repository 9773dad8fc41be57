"""`intarsia data`: build data sets and check them."""

from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from intarsia.cli.options import at_least, size_of
from intarsia.cli.say import progress
from intarsia.errors import DataError, LabelError
from intarsia.files import whole_file

if TYPE_CHECKING:
    from intarsia.data.check import Report

MOST_REMARKS = 20  # that are printed
app = App(name="data", help="Build data sets and check them.")
build = App(name="build", help="Build a data set: from public sources, or by rendering.")
app.command(build)


@build.command
def earth(*, out: Path) -> None:
    """Satellite photos of the land with land cover as label maps, in a plain folder; takes seconds, needs no network.

    Parameters
    ----------
    out
        Folder to make. One that holds this data set already is left as it is.
    """
    from intarsia.data.earth import build_earth

    if build_earth(out, progress):
        print(f"wrote the data set earth to {out}; train with --data earth:{out}")
    else:
        print(f"{out} holds the data set earth already")


@build.command
def street(
    *,
    out: Path,
    count: int,
    seed: int = 0,
    val: int = 0,
    size: str = "256x256",
    workers: int | None = None,
    python: Path | None = None,
) -> None:
    """Rendered streets and countryside with exact labels and instances, in a plain folder; some seconds of a core each.

    Needs the repository and, once, `make street-renderer`. Scenes that are there already are left as they are, so the
    command takes up again what was stopped.

    Parameters
    ----------
    out
        Folder to make, or one that holds this data set already and shall grow.
    count
        Scenes for training.
    seed
        Of the first scene; the others follow.
    val
        Scenes held out; their seeds count from 900000.
    size
        HEIGHTxWIDTH in pixels.
    workers
        Processes that render; one for each processor by default.
    python
        An interpreter with Blender's package bpy, if not that of `make street-renderer`.
    """
    from intarsia.data.street import build_street

    at_least(0, count=count, seed=seed, val=val)
    at_least(1, workers=workers)
    workers = workers or os.cpu_count() or 1
    counts = {"train": count, "val": val}
    made = build_street(out, counts, seed=seed, size=size_of(size), workers=workers, python=python, watch=progress)
    if made:
        print(f"rendered {made} scenes into {out}; train with --data street:{out}")
    else:
        print(f"{out} holds these scenes already")


@app.command
def space(name: str, *, out: Path) -> None:
    """Write the label space of a public data set: what --label-space of intarsia convert wants.

    Parameters
    ----------
    name
        cityscapes, cityscapes-oasis, cityscapes-19, ade20k, ade20k-spade, coco-stuff, celebamask-hq, facades, ...
    out
        JSON file to write.
    """
    from intarsia.data.spaces import label_space_of

    label_space_of(name).save(out)
    print(f"wrote {out}")


@app.command
def check(
    spec: str,
    path: str | None = None,
    /,
    *,
    splits: Annotated[tuple[str, ...], Parameter(negative="")] = ("train", "val"),
    out: Path | None = None,
    workers: int | None = None,
) -> None:
    """Read every file of a data set, count classes and objects, list all that is wrong; exit status 2 if anything is.

    Parameters
    ----------
    spec
        LAYOUT:PATH (earth, street, cityscapes, ade20k, coco-stuff, ...), the PATH of a plain folder, or a YAML file.
    path
        The folder, where SPEC is a layout's name alone.
    splits
        The splits to look at.
    out
        JSON file for the report.
    workers
        Processes; one for each core by default.
    """
    from intarsia.data.check import check_split, shared

    at_least(1, workers=workers)
    spec = spec if path is None else f"{spec}:{path}"
    found: list[str] = []
    reports: list[Report] = []
    for split in splits:
        try:
            report = check_split(spec, split, progress, workers)
        except (DataError, LabelError) as error:  # The split cannot even be listed.
            found.append(str(error))
        else:
            print("\n".join(lines(report)))
            found += report.wrong
            reports.append(report)
    found += [fault for one, other in combinations(reports, 2) for fault in shared(one, other)]
    found = list(dict.fromkeys(found))
    remarks = list(dict.fromkeys(remark for report in reports for remark in report.remarks))
    for remark in remarks[:MOST_REMARKS]:
        print(f"remark: {remark}")
    if len(remarks) > MOST_REMARKS:
        print(f"and {len(remarks) - MOST_REMARKS} remarks more; --out FILE.json has all")
    for sentence in found:
        print(f"wrong: {sentence}")
    if out is not None:
        facts = {"data": spec, "sound": not found, "wrong": found, "remarks": remarks}
        with whole_file(out) as temporary:
            temporary.write_text(json.dumps(facts | {"splits": [one.facts() for one in reports]}, indent=1) + "\n")
        print(f"wrote {out}")
    if found:
        faults = "1 fault" if len(found) == 1 else f"{len(found)} faults"
        raise DataError(f"{spec} has {faults}, listed above. Mend and check again.")
    print(f"{spec} is sound")


def lines(report: Report) -> list[str]:
    """A split's size and the share of each class, for people."""
    sizes = ", ".join(f"{height}x{width}" for height, width in report.sizes[:4])
    sizes += f" and {len(report.sizes) - 4} more sizes" if len(report.sizes) > 4 else ""
    photos = "1 photo" if report.photos == 1 else f"{report.photos} photos"
    shown = [f"{report.split}: {photos} of {sizes or 'no readable size'} (height x width)"]
    total = max(sum(report.pixels), 1)
    names = [c.name for c in report.label_space.classes] + ["don't-care"] * report.label_space.has_dont_care
    for name, count in zip(names, report.pixels, strict=True):
        bar = "#" * round(40 * count / max(*report.pixels, 1))
        shown.append(f"  {name:24} {100 * count / total:6.2f} %  {bar}".rstrip())
    return shown + object_lines(report)


def object_lines(report: Report) -> list[str]:
    """How many objects of each class there are, if the split has instance maps."""
    if not any(report.objects):
        return []
    shown = ["  objects in all and per photo, by the instance maps:"]
    for c, count in zip(report.label_space.classes, report.objects, strict=False):
        bar = "#" * round(40 * count / max(report.objects))
        shown.append(f"  {c.name:24} {count:8} {count / report.photos:8.2f}  {bar}".rstrip())
    return shown
