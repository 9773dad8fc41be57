"""The studio's page as it is, in Debian's Chromium without a window: for measurements, tests and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.serving import MODEL, serving

CHROMIUM = "/usr/bin/chromium"
READY = "html[data-ready=true]"


def missing() -> str | None:
    """Why there can be no page, or None."""
    return None if shutil.which(CHROMIUM) else f"there is no {CHROMIUM}: make browser"


@contextmanager
def served() -> Iterator[str]:
    """A server with the bundled models and a folder for projects: its address."""
    with TemporaryDirectory() as projects, serving("--model", MODEL, "--projects", projects) as server:
        yield server.url


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def go(page: Page, address: str) -> None:
    """Open the studio and wait until it is ready."""
    page.goto(address)
    page.wait_for_selector(READY, state="attached")
