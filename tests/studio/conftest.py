"""A real server and a real browser, once for all tests of the page."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator

import pytest

from tests.studio.desk import READY, Desk

CHROMIUM = "/usr/bin/chromium"
QUIET = "localStorage.setItem('intarsia-studio-display', JSON.stringify({ live: false, theme: 'dark' }))"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server with the bundled models answers."""
    import uvicorn

    from intarsia.server.app import create_app
    from intarsia.server.catalogue import gathered
    from intarsia.server.running import bound, url_of
    from intarsia.server.settings import Settings

    app = create_app(gathered(["spade-street-128"]), Settings(projects=tmp_path_factory.mktemp("projects")))
    listening = bound("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield url_of(listening)
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without a window."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"there is no {CHROMIUM}: make browser")
    with contextlib.ExitStack() as stack:
        playwright = stack.enter_context(pytest.importorskip("playwright.sync_api").sync_playwright())
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield stack.enter_context(contextlib.closing(opened))


@pytest.fixture
def context(browser):
    """A person's browser: what it keeps, and nobody else's. The photo does not follow, unless a test asks for it."""
    with contextlib.closing(browser.new_context(viewport={"width": 1280, "height": 800})) as opened:
        opened.add_init_script(f"if (!localStorage.getItem('intarsia-studio-display')) {QUIET}")
        yield opened


@pytest.fixture
def desk(context, address):
    """A page of a person of its own."""
    return opened(context, address)


@pytest.fixture(scope="module")
def shared_desk(browser, address):
    """A page that the tests of a module share; each begins with a blank map."""
    with contextlib.closing(browser.new_context(viewport={"width": 1280, "height": 800})) as person:
        person.add_init_script(QUIET)
        desk = opened(person, address)
        yield desk
        assert desk.errors == []


def opened(context, address):
    """A page that is ready."""
    page = context.new_page()
    desk = Desk(page)
    page.on("pageerror", lambda error: desk.errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector(READY, state="attached")
    return desk
