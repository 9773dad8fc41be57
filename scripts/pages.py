"""Pages of the documentation that scripts write into."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def replace_section(page: Path, name: str, text: str) -> None:
    """Put `text` between the page's marks for `name`."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} lacks the marks {begin.strip()} and {end.strip()}")
    page.write_text(before + begin + text + end + after)
