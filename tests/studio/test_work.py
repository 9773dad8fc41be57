"""Work is there again after a crash, whatever became of the page."""

import contextlib

import numpy as np
from playwright.sync_api import Error

from tests.studio.conftest import opened


def keep(desk):
    """Wait until what is on the desk is kept."""
    desk.page.evaluate("studio.autosave.now()")


def test_work_is_there_after_a_crash(context, address):
    desk = opened(context, address)
    desk.blank(50, 40)
    desk.brush(7)
    desk.drag((10, 10), (41, 20))
    desk.page.evaluate("studio.studio.setLook({ seed: 77 })")
    desk.wait("document.getElementById('saved').textContent.startsWith('kept')")
    keep(desk)
    labels = desk.labels
    assert labels.any()
    with desk.page.expect_event("crash"), contextlib.suppress(Error):
        desk.page.goto("chrome://crash")

    again = opened(context, address)
    np.testing.assert_array_equal(again.labels, labels)
    assert again.state("look.seed") == 77
    assert len(again.page.query_selector_all("#classes li")) == 28
    assert "last work" in again.page.inner_text("#said")


def test_a_second_tab_does_not_take_the_work_of_the_first(context, address):
    first = opened(context, address).blank(50, 40, label=9)
    first.page.evaluate("studio.studio.emit('map')")
    keep(first)
    second = opened(context, address)
    assert second.labels.shape == (256, 256)
    first.page.close()
    third = opened(context, address)
    np.testing.assert_array_equal(third.labels, np.full((40, 50), 9))
