"""`intarsia data`: build data sets and check them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from intarsia.cli.say import progress
from intarsia.errors import DataError, LabelError

if TYPE_CHECKING:
    from intarsia.data.check import Report

app = App(name="data", help="Build data sets and check them.")
build = App(name="build", help="Build a data set from public sources.")
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


@app.command
def check(spec: str, /, *, splits: Annotated[tuple[str, ...], Parameter(negative="")] = ("train", "val")) -> None:
    """Read every file of a data set and list all that is wrong; exit status 2 if anything is.

    Parameters
    ----------
    spec
        LAYOUT:PATH (earth, street, folder), or the PATH of a plain folder.
    splits
        The splits to look at.
    """
    from intarsia.data.check import check_split

    found: list[str] = []
    for split in splits:
        try:
            report = check_split(spec, split, progress)
        except (DataError, LabelError) as error:  # The split cannot even be listed.
            found.append(str(error))
        else:
            print("\n".join(lines(report)))
            found += report.wrong
    found = list(dict.fromkeys(found))
    for sentence in found:
        print(f"wrong: {sentence}")
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
    return shown
