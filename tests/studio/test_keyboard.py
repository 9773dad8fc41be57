"""All of it works without a mouse, and says what it is to whoever does not see it."""

import numpy as np
import pytest

from benchmarks import studio_page
from tests.studio import shapes


@pytest.fixture
def desk(shared_desk):
    return shared_desk.blank(64, 48)


def press(desk, *keys):
    for key in keys:
        desk.page.keyboard.press(key)


def focus_picture(desk):
    """Go to the picture by Tab alone."""
    desk.page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        desk.page.keyboard.press("Tab")
        if desk.page.evaluate("document.activeElement.matches('#pane-map .marks')"):
            return
    raise AssertionError("Tab never comes to the picture")


def test_a_scene_is_painted_by_keys_alone(desk):
    press(desk, "/")
    desk.page.keyboard.type("tree")
    press(desk, "Enter", "r")
    assert (desk.state("pen.label"), desk.state("tool")) == (6, "rectangle")
    focus_picture(desk)
    press(desk, "ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "ArrowLeft", "Enter")
    expected = np.zeros((48, 64), int)
    expected[24:35, 33:43] = 6
    np.testing.assert_array_equal(desk.labels, expected)

    press(desk, "b", "3", "]", "]")
    size = desk.state("brush.size")
    chosen = desk.state("pen.label")
    press(desk, "Enter", "ArrowDown", "ArrowDown", "Enter")
    way = {(42, 34), (42, 35), (42, 36)}
    np.testing.assert_array_equal(desk.labels, np.where(shapes.brushed((64, 48), way, size, "round"), chosen, expected))

    press(desk, "Control+z", "Control+z")
    assert not desk.labels.any()


def test_a_polygon_and_a_fill_by_keys(desk):
    press(desk, "p")
    focus_picture(desk)
    press(desk, "Enter", *["ArrowRight"] * 5, "Enter", *["ArrowDown"] * 5, "Enter", "Shift+Enter")
    np.testing.assert_array_equal(desk.labels, shapes.polygon((64, 48), [(32, 24), (37, 24), (37, 29)]))
    press(desk, "2", "g", "ArrowUp", "Enter")
    label = desk.state("pen.label")
    assert set(np.unique(desk.labels)) == {0, label}


def test_the_sheet_shows_every_key_and_closes_again(desk):
    press(desk, "?")
    sheet = desk.page.inner_text("dialog.keys")
    for title in ("Brush", "undo", "protect the class", "re-roll the selection", "close the polygon"):
        assert title in sheet
    press(desk, "b", "Escape")
    desk.page.wait_for_selector("dialog", state="detached")


def test_keys_of_all_tools_take_them(desk):
    keys = desk.page.evaluate("""
        [...document.querySelectorAll("#tools button")].map((one) => [one.id, one.getAttribute("aria-keyshortcuts")])
    """)
    assert len(keys) == 12
    for name, key in keys:
        press(desk, key.lower())
        assert desk.page.get_attribute(f"#{name}", "aria-checked") == "true"


def test_menus_open_and_are_walked_by_keys(desk):
    desk.page.focus("#open-menu")
    press(desk, "Enter", "ArrowDown", "Escape")
    desk.page.wait_for_selector("#open-menu[aria-expanded=false]")  # browsers tell of a closed popover a moment later
    press(desk, "Enter", "Enter")
    desk.page.wait_for_selector("dialog[aria-label='New map']")
    press(desk, "Escape")


def test_letters_in_a_field_are_letters(desk):
    desk.page.focus("#name")
    desk.page.keyboard.type("be")
    assert desk.state("tool") == "brush"
    assert desk.page.input_value("#name").endswith("be")


def test_everything_that_can_be_pressed_has_a_name(desk):
    desk.tool("select")
    nameless = desk.page.evaluate("""
        [...document.querySelectorAll("button, input, select, [role=slider], canvas[tabindex]")]
            .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.title
                || one.closest("label")?.textContent.trim()))
            .map((one) => one.outerHTML)
    """)
    assert nameless == []


def test_classes_differ_without_colour(desk):
    """With patterns, classes of the same brightness look different; names stand beside the pointer."""
    desk.put(np.repeat([[1, 2, 3, 4]], 48, 0).repeat(16, 1))
    press(desk, "t")
    patterns = desk.page.evaluate("""() => {
        const { view, display } = window.studio;
        view.layer.refresh();
        const { width, height } = view.map, { pixels } = view.layer;
        const inks = [0, 1, 2, 3].map((column) => {
            const first = pixels[column * 16];
            const ink = (_, at) => +(pixels[(at >> 3) * width + column * 16 + (at & 7)] !== first);
            return Array.from({ length: 64 }, ink).join("");
        });
        display.set({ patterns: false });
        return inks;
    }""")
    assert len(set(patterns)) == 4
    desk.page.mouse.move(*desk.place(40, 20))
    desk.page.wait_for_selector("#chip:has-text('grass')")
    assert "grass · id 3" in desk.page.inner_text("#where")


def test_only_the_server_itself_is_asked(context, address):
    """No font, script or picture comes from elsewhere: the page works without a network."""
    asked = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    studio_page.go(page, address)
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []
