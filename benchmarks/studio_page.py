"""The studio's page as it is, in Debian's Chromium without a window: for measurements, tests and pictures."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
READY = "html[data-ready=true]"


def missing() -> str | None:
    """Why there can be no page, or None."""
    return None if shutil.which(CHROMIUM) else f"there is no {CHROMIUM}: make browser"


@contextmanager
def served(model: str = "spade-street-128") -> Iterator[str]:
    """A server in a thread of this process, with the bundled models and a folder for projects: its address."""
    import uvicorn

    from intarsia.server.app import create_app
    from intarsia.server.catalogue import gathered
    from intarsia.server.running import bound, url_of
    from intarsia.server.settings import Settings

    with TemporaryDirectory() as projects:
        app = create_app(gathered([model]), Settings(projects=Path(projects)))
        listening = bound("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield url_of(listening)
        finally:
            server.should_exit = True
            thread.join()


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
