"""`intarsia leaderboard`: published figures beside what was measured here."""

from __future__ import annotations

from pathlib import Path

from intarsia.errors import ConfigError
from intarsia.files import whole_file


def leaderboard(*measured: Path, out: Path | None = None) -> None:
    """Print the table that the field is measured by, with its sources, beside evaluations of your own.

    Parameters
    ----------
    measured
        JSON files that `intarsia evaluate --model` wrote, or folders of them.
    out
        File to write: .md for Markdown, .html for a page.
    """
    from intarsia.evaluation.leaderboard import html, markdown, read_measurements

    if out is not None and out.suffix not in (".md", ".html"):
        raise ConfigError(f"--out {out} is of no known kind. Give a name that ends in .md or .html.")
    found = read_measurements(measured)
    if out is None:
        print(markdown(found), end="")
        return
    with whole_file(out) as temporary:
        temporary.write_text(html(found) if out.suffix == ".html" else markdown(found))
    print(f"wrote {out}")
