"""Strokes are taken back one by one, all of them, and cost little."""

import numpy as np
import pytest

STROKES = """(count) => {
    const { studio, tools } = window.studio, { map } = studio;
    let state = 12345;
    const next = (below) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return (state >>> 8) % below; };
    const names = ["brush", "eraser", "line", "rectangle", "ellipse", "lasso", "bucket"];
    const made = studio.history.done.length;
    while (studio.history.done.length < made + count) {
        studio.setPen({ label: next(28), instance: 0 });
        studio.brush.size = 1 + next(30);
        const tool = tools[names[next(names.length)]], x = next(map.width), y = next(map.height);
        tool.press({ x, y });
        for (let step = 0; step < 6; step++) tool.move({ x: x + next(81) - 40, y: y + next(81) - 40 });
        tool.release();
    }
}"""

CLICKS = "([button, count]) => { while (count--) document.querySelector(button).click(); }"


@pytest.fixture
def desk(shared_desk):
    return shared_desk.blank(96, 64, label=3)


def test_200_random_strokes_are_undone_to_the_start_and_redone_to_the_end(desk):
    desk.page.evaluate(STROKES, 200)
    end = desk.labels
    desk.page.evaluate(CLICKS, ["#undo", 200])
    assert (desk.labels == 3).all()
    assert desk.page.is_disabled("#undo")
    desk.page.evaluate(CLICKS, ["#redo", 200])
    np.testing.assert_array_equal(desk.labels, end)
    assert desk.page.is_disabled("#redo")


def test_a_stroke_is_one_step(desk):
    desk.brush(5)
    desk.drag((10, 10), (30, 20), (50, 10), (60, 40))
    desk.page.click("#undo")
    assert (desk.labels == 3).all()


def test_escape_takes_back_a_stroke_that_is_being_painted(desk):
    desk.page.mouse.move(*desk.place(10, 10))
    desk.page.mouse.down()
    desk.page.mouse.move(*desk.place(40, 30))
    assert (desk.labels == 1).any()
    desk.page.keyboard.press("Escape")
    desk.page.mouse.up()
    assert (desk.labels == 3).all()
    assert desk.state("history.done.length") == 0


def test_1000_strokes_cost_little_memory(desk):
    desk.blank(1024, 512)
    desk.page.evaluate(STROKES, 20)  # what is made once is made now
    before = memory(desk.page)
    desk.page.evaluate(STROKES, 1000)
    grown = memory(desk.page) - before
    assert desk.state("history.done.length") == 1020
    assert desk.state("history.bytes") < 16e6
    assert grown < 24e6


def memory(page):
    """Bytes that the page's JavaScript holds, array buffers among them."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return usage["usedSize"] + usage["backingStorageSize"]
