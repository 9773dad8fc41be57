"""A real server and a real browser, once for all tests of the page."""

import contextlib
import gc
import warnings

import pytest

from benchmarks import studio_page
from tests.studio.desk import Desk

QUIET = "localStorage.setItem('intarsia-studio-display', JSON.stringify({ live: false, theme: 'dark' }))"


@pytest.fixture(scope="package")
def address():
    """Where a server with the bundled models answers."""
    if why := studio_page.missing():
        pytest.skip(why)
    with studio_page.served() as address:
        yield address


@pytest.fixture(scope="package")
def browser(address):
    """Debian's Chromium, without a window."""
    with studio_page.chromium() as browser:
        yield browser
    del browser
    with warnings.catch_warnings():
        # Playwright leaves the pipes of its driver to the garbage collector, which complains.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


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
    desk = Desk(context.new_page())
    studio_page.go(desk.page, address)
    return desk
