"""The photo follows, with a real model: the latest stroke wins, and what was not touched stays."""

import base64
import functools
import io

import numpy as np
import pytest
from PIL import Image

from tests.studio.conftest import opened

LIVE = "localStorage.setItem('intarsia-studio-display', JSON.stringify({ live: true, theme: 'dark' }))"
PHOTO = """async () => {
    const bytes = new Uint8Array(await window.studio.photo.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@pytest.fixture(scope="module")
def live_desk(browser, address):
    person = browser.new_context(viewport={"width": 1280, "height": 800})
    person.add_init_script(LIVE)
    desk = opened(person, address)
    desk.wait("studio.live.results > 0")
    yield desk
    assert desk.errors == []
    person.close()


@pytest.fixture
def desk(live_desk):
    """The first starter scene, its photo there."""
    desk = live_desk
    labels = np.zeros((64, 96), int)
    labels[24:] = 3
    labels[40:, 30:60] = 1
    made = desk.page.evaluate("studio.live.results")
    desk.put(labels)
    desk.page.evaluate("studio.studio.setSource(null)")
    desk.page.evaluate("studio.studio.setLook({ seed: 0, locked: true, rerolls: [], style: { kind: 'seed' } })")
    settled(desk, made)
    return desk


def settled(desk, made):
    """Wait until the photo is that of the map, after `made` results."""
    desk.wait(f"studio.live.results > {made} && !studio.live.underWay")


def photo(desk):
    """The photo on the desk, H W 3."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(desk.page.evaluate(PHOTO)))).convert("RGB"))


def after(desk, action):
    """The photo once it has followed an action."""
    made = desk.page.evaluate("studio.live.results")
    action()
    settled(desk, made)
    return photo(desk)


def test_the_photo_follows_a_stroke(desk):
    before = photo(desk)
    assert before.shape == (64, 96, 3)
    desk.page.evaluate("studio.studio.setPen({ label: 18, instance: 0 })")
    desk.tool("rectangle")
    now = after(desk, lambda: desk.drag((5, 30), (40, 60)))
    assert np.abs(now[32:58, 8:28].astype(int) - before[32:58, 8:28]).mean() > 2
    assert desk.page.inner_text("#live-text").endswith("ms")


def test_the_latest_stroke_wins(desk):
    fill = """(label) => {
        studio.studio.setPen({ label, instance: 0 });
        studio.studio.fill(new Uint8Array(96 * 64).fill(1), "fill");
    }"""
    now = after(desk, lambda: [desk.page.evaluate(fill, label) for label in (6, 18, 20, 3, 4)])
    alone = after(desk, lambda: desk.page.evaluate("studio.live.now()"))
    np.testing.assert_array_equal(now, alone)
    assert (desk.labels == 4).all()


def test_another_seed_is_another_photo_and_the_same_seed_the_same(desk):
    first = photo(desk)
    other = after(desk, lambda: desk.page.click("[data-control=dice]"))
    assert not np.array_equal(first, other)

    def again():
        desk.page.fill("[data-control=seed]", "0")
        desk.page.keyboard.press("Enter")

    np.testing.assert_array_equal(after(desk, again), first)


def test_an_unlocked_seed_changes_with_each_stroke(desk):
    desk.page.click("[data-control=lock]")
    desk.tool("brush")
    after(desk, lambda: desk.drag((5, 5), (9, 5)))
    assert desk.state("look.seed") != 0


def test_a_variant_is_taken_by_a_click(desk):
    desk.page.select_option("[data-control=count]", "4")
    desk.page.click("[data-control=variants]")
    desk.wait("[...document.querySelectorAll('.variant img')].filter((one) => one.src && one.complete).length === 4")
    after(desk, lambda: desk.page.click(".variant[data-seed='2']"))
    assert desk.state("look.seed") == 2
    assert desk.page.get_attribute(".variant[data-seed='2']", "aria-pressed") == "true"
    desk.page.click("#strip [aria-label='Close the variants']")


def test_style_comes_from_a_preset_from_two_and_from_an_image(desk):
    by_seed = photo(desk)
    snow = after(desk, lambda: desk.page.click("#photo [data-value=image]"))
    assert not np.array_equal(by_seed, snow)
    blend = after(desk, lambda: desk.page.click("[data-control=blend-toggle]"))
    assert not np.array_equal(snow, blend)
    count = desk.page.evaluate("studio.styles.all.length")
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 90, 30)).save(file, "JPEG")
    add = functools.partial(desk.page.click, "[data-control=style-add]")
    own = after(desk, lambda: desk.give_file(add, "mine.jpg", file.getvalue()))
    assert desk.page.evaluate("studio.styles.all.length") == count + 1
    assert not np.array_equal(blend, own)


def test_a_re_rolled_region_changes_alone(desk):
    before = photo(desk)
    desk.tool("select")
    desk.page.click("#options [data-value=lasso]")
    now = after(desk, lambda: (desk.drag((50, 28), (90, 28), (90, 58), (50, 58)), desk.page.keyboard.press("Shift+R")))
    inside = desk.selection
    assert (now[~inside] == before[~inside]).all()
    assert (now[inside] != before[inside]).any()
    assert [list(each) for each in desk.state("look.rerolls")] == [["box", "seed"]]
    np.testing.assert_array_equal(after(desk, lambda: desk.page.click("#photo .tag [title='As before']")), before)
    desk.page.keyboard.press("Escape")


def test_a_real_photo_is_edited_where_the_map_changed_and_nowhere_else(desk):
    rng = np.random.default_rng(1)
    real = rng.integers(0, 256, (64, 96, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(real).save(file, "PNG")
    desk.give_file(lambda: desk.menu("open", "Photo to edit"), "real.png", file.getvalue())
    desk.page.select_option("dialog select", "map")
    np.testing.assert_array_equal(after(desk, lambda: desk.page.click("dialog button:has-text('Edit')")), real)
    old = desk.labels
    desk.page.evaluate("studio.studio.setPen({ label: 6, instance: 0 })")
    desk.tool("ellipse")
    now = after(desk, lambda: desk.drag((20, 10), (60, 50)))
    changed = desk.labels != old
    assert (now[~changed] == real[~changed]).all()
    assert (now[changed] != real[changed]).any()
    assert "% of the photo" in desk.page.inner_text("#changed")
    whole = after(desk, lambda: desk.page.click("#photo button:has-text('Let go')"))
    assert (whole[~changed] != real[~changed]).any()


def test_a_photo_begins_from_the_label_map_that_the_segmenter_finds(desk):
    photo_file = io.BytesIO()
    Image.fromarray(photo(desk)).resize((128, 96)).save(photo_file, "PNG")
    desk.give_file(lambda: desk.menu("open", "Photo to edit"), "real.png", photo_file.getvalue())
    after(desk, lambda: desk.page.click("dialog button:has-text('Edit')"))
    assert desk.labels.shape == (96, 128)
    assert len(np.unique(desk.labels)) > 1
    assert desk.state("history.done.length") == 1


def test_another_model_tells_what_classes_become(desk):
    desk.page.select_option("#model", "spade-earth-128")
    desk.page.wait_for_selector("dialog.mapping table")
    rows = {row.query_selector("td").inner_text(): row for row in desk.page.query_selector_all("dialog tbody tr")}
    assert set(rows) == {"sky", "grass", "road"}
    rows["road"].query_selector("select").select_option(label="desert")
    after(desk, lambda: desk.page.click("dialog button:has-text('Switch')"))
    assert desk.state("model.name") == "spade-earth-128"
    assert desk.labels[50, 40] == 5
    after(desk, lambda: desk.page.click("#undo"))
    assert desk.state("model.name") == "spade-street-256"
    assert desk.labels[50, 40] == 1


@pytest.mark.parametrize("form", ["PNG", "WebP"])
def test_the_photo_is_saved(desk, form):
    with desk.page.expect_download() as download:
        desk.menu("save", f"Photo ({form})")
    saved = np.asarray(Image.open(download.value.path()).convert("RGB"))
    assert download.value.suggested_filename == f"Untitled.{form.lower()}"
    assert np.abs(saved.astype(int) - photo(desk)).mean() < (0.001 if form == "PNG" else 6)


def test_a_server_that_is_busy_is_asked_again(desk):
    asked = []

    def busy(route):
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "33 requests are in hand."})
        else:
            route.continue_()

    desk.page.route("**/v1/synthesise", busy)
    after(desk, lambda: desk.page.evaluate("studio.studio.dice()"))
    desk.page.unroute("**/v1/synthesise")
    assert len(asked) == 2
