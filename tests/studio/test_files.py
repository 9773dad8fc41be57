"""What goes out as a file comes back the same: maps, objects, projects; what is no good is refused in one line."""

import base64
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from intarsia.checkpoints.models import find_model
from intarsia.checkpoints.snapshot import load_card
from intarsia.data.label_files import read_label_map
from intarsia.editing.looks import Look
from intarsia.editing.project import Project

RNG = np.random.default_rng(0)


@pytest.fixture
def desk(shared_desk):
    return shared_desk.blank(40, 30)


def blocks(high, size=(30, 40)):
    """A map of blocks of random ids below `high`."""
    return np.kron(RNG.integers(0, high, (size[0] // 5, size[1] // 5)), np.ones((5, 5), int))


def saved(desk, entry):
    """The bytes of a file that the menu Save gives."""
    with desk.page.expect_download() as download:
        desk.menu("save", entry)
    return download.value.path().read_bytes()


def open_file(desk, name, content):
    """Choose a file, as a person does."""
    desk.give_file(lambda: desk.page.keyboard.press("Control+o"), name, content)


def png(array, **more):
    file = io.BytesIO()
    Image.fromarray(array, **more).save(file, "PNG")
    return file.getvalue()


def test_a_saved_label_map_opens_as_it_was(desk, tmp_path):
    labels = blocks(28)
    desk.put(labels)
    file = saved(desk, "Label map (index PNG)")
    desk.blank(20, 20)
    open_file(desk, "map.png", file)
    desk.wait("studio.studio.map.width === 40")
    np.testing.assert_array_equal(desk.labels, labels)
    desk.page.keyboard.press("Control+z")
    assert desk.labels.shape == (20, 20)


STREET = load_card(find_model("spade-street-128")).label_space


def test_a_saved_label_map_is_what_the_library_reads(desk, tmp_path):
    labels = blocks(28)
    desk.put(labels)
    (tmp_path / "map.png").write_bytes(saved(desk, "Label map (index PNG)"))
    np.testing.assert_array_equal(read_label_map(tmp_path / "map.png", STREET).labels, labels)
    with Image.open(tmp_path / "map.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), STREET.colourise(labels))


def test_a_map_in_colours_opens_as_it_was(desk):
    labels = blocks(28)
    desk.put(labels)
    file = saved(desk, "Label map in colours")
    with Image.open(io.BytesIO(file)) as image:
        assert image.mode == "RGB"
    desk.blank(20, 20)
    open_file(desk, "colours.png", file)
    desk.wait("studio.studio.map.width === 40")
    np.testing.assert_array_equal(desk.labels, labels)


def test_saved_objects_open_as_they_were(desk):
    instances = blocks(60000)
    desk.put(blocks(28), instances)
    file = saved(desk, "Objects (16-bit PNG)")
    with Image.open(io.BytesIO(file)) as image:
        np.testing.assert_array_equal(np.asarray(image), instances)
    desk.page.evaluate("studio.studio.map.instances.fill(0)")
    open_file(desk, "objects.png", file)
    desk.wait("studio.studio.map.hasInstances")
    np.testing.assert_array_equal(desk.instances, instances)


def test_a_project_keeps_all_that_was_made(desk):
    labels, instances = blocks(28), blocks(70)
    desk.put(labels, instances)
    desk.page.fill("#name", "My street")
    desk.page.keyboard.press("Tab")
    desk.page.evaluate("studio.studio.setLook({ seed: 41, locked: false, rerolls: [{ class: 'tree', seed: 7 }] })")
    file = saved(desk, "Project (ZIP)")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        about = json.loads(archive.read("project.json"))
        np.testing.assert_array_equal(Image.open(archive.open("labels.png")), labels)
        np.testing.assert_array_equal(Image.open(archive.open("instances.png")), instances)
    model = desk.state("model")
    assert (about["model"], about["hash"]) == (model["name"], model["hash"])
    assert (about["name"], about["look"]["seed"]) == ("My street", 41)

    desk.blank(20, 20)
    desk.page.evaluate("studio.studio.setLook({ seed: 0, locked: true, rerolls: [] })")
    open_file(desk, "My street.zip", file)
    desk.wait("studio.studio.map.width === 40 && studio.studio.look.seed === 41")
    np.testing.assert_array_equal(desk.labels, labels)
    np.testing.assert_array_equal(desk.instances, instances)
    assert desk.state("look.rerolls") == [{"class": "tree", "seed": 7}]
    assert desk.page.input_value("#name") == "My street"
    desk.page.evaluate("studio.studio.setLook({ seed: 0, locked: true, rerolls: [] })")


def test_the_library_opens_a_project_of_the_page_and_the_page_one_of_the_library(desk):
    labels, instances = blocks(28), blocks(70)
    desk.put(labels, instances)
    desk.page.evaluate("studio.studio.setLook({ seed: 12, rerolls: [{ class: 'tree', seed: 7 }] })")
    project = Project.unpacked(saved(desk, "Project (ZIP)"), STREET, "project")
    np.testing.assert_array_equal(project.document.maps, [labels, instances])
    assert (project.look.seed, project.look.rerolls[0].region, project.model) == (12, "tree", "spade-street-256")

    other = replace(project, look=Look(seed=13, style=np.full((16, 16, 3), 90, np.uint8)), name="By a program")
    desk.blank(20, 20)
    open_file(desk, "program.zip", other.packed())
    desk.wait("studio.studio.map.width === 40 && studio.studio.look.seed === 13")
    np.testing.assert_array_equal(desk.labels, labels)
    np.testing.assert_array_equal(desk.instances, instances)
    assert desk.page.input_value("#name") == "By a program"
    assert desk.page.evaluate("studio.styles.all[studio.studio.look.style.one].name") == "style"
    desk.page.evaluate("studio.studio.setLook({ seed: 0, style: { kind: 'seed' }, rerolls: [] })")


def test_a_project_is_kept_on_the_server(desk):
    labels = blocks(28)
    desk.put(labels)
    desk.menu("save", "Project on the server")
    desk.page.fill("dialog input", "Kept")
    desk.page.click("dialog button:has-text('Save')")
    desk.page.wait_for_selector("#said:has-text('saved on the server')")
    desk.blank(20, 20)
    desk.menu("open", "Projects on the server")
    desk.page.click("dialog tr:has-text('Kept') button:has-text('Open')")
    desk.wait("studio.studio.map.width === 40")
    np.testing.assert_array_equal(desk.labels, labels)


GIVE = """([event, name, content]) => {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    const given = event === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
        : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.body.dispatchEvent(given);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_file_is_dropped_or_pasted(desk, way):
    labels = blocks(28, (50, 25))
    desk.page.evaluate(GIVE, [way, "map.png", base64.b64encode(png(labels.astype(np.uint8))).decode()])
    desk.wait("studio.studio.map.height === 50")
    np.testing.assert_array_equal(desk.labels, labels)


def test_unknown_ids_are_asked_for(desk):
    labels = np.where(blocks(2) == 1, 300, 4).astype(np.uint16)
    open_file(desk, "map.png", png(labels))
    desk.page.select_option("dialog select[data-id='300']", "6")
    assert "map.png has ids that are no class of street" in desk.page.inner_text("dialog")
    desk.page.click("dialog button:has-text('Open')")
    desk.wait("studio.studio.map.labels.includes(6)")
    np.testing.assert_array_equal(desk.labels, np.where(labels == 300, 6, 4))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("map.png", png(np.zeros((30, 40), np.uint8))[:60], "map.png is no PNG that can be read: it ends early."),
        ("work.zip", b"PK\3\4 no more", "work.zip is no ZIP file. Choose a project that the studio saved."),
        ("note.txt", b"hello", "the file is no picture that the browser can read. Give a PNG, JPEG or WebP."),
    ],
)
def test_a_bad_file_is_refused_in_one_line_and_changes_nothing(desk, name, content, says):
    before = desk.labels
    open_file(desk, name, content)
    desk.page.wait_for_selector(f"#said:has-text('{says}')")
    np.testing.assert_array_equal(desk.labels, before)


def test_starter_scenes_open_with_their_objects(desk):
    desk.menu("open", "Starter scenes")
    desk.page.click("dialog .gallery button:has-text('Country road')")
    desk.wait("studio.studio.map.width === 256")
    assert desk.instances.any()
    assert desk.state("model.name") == "spade-street-256"
    desk.menu("open", "Starter scenes")
    desk.page.click("dialog .gallery button:has-text('Letters')")
    desk.wait("studio.studio.model.label_space === 'earth'")
    desk.page.click("#undo")
    assert desk.state("model.label_space") == "street"
    assert desk.instances.any()


def test_a_new_map_has_the_size_and_class_that_are_asked_for(desk):
    desk.menu("open", "New map")
    width, height = desk.page.query_selector_all("dialog input")
    width.fill("72")
    height.fill("36")
    desk.page.select_option("dialog select", "3")
    desk.page.click("dialog button:has-text('Make')")
    assert desk.labels.shape == (36, 72)
    assert (desk.labels == 3).all()


def test_the_photo_is_told_as_programs_that_run(desk, tmp_path, monkeypatch):
    desk.put(blocks(28))
    desk.page.evaluate("studio.studio.setLook({ seed: 5, rerolls: [{ box: [5, 10, 20, 15], seed: 8 }] })")
    (tmp_path / "labels.png").write_bytes(saved(desk, "Label map (index PNG)"))
    monkeypatch.chdir(tmp_path)
    desk.menu("save", "Copy as Python or curl")
    photos = []
    for title in ("Python", "Python, by this server"):
        desk.page.click(f"dialog .segments button:text-is('{title}')")
        exec(desk.page.inner_text("dialog pre"), {})
        photos.append(np.asarray(Image.open("photo.png")))
    np.testing.assert_array_equal(*photos)
    desk.page.click("dialog button:text-is('curl')")
    assert "/v1/synthesise" in desk.page.inner_text("dialog pre")
    desk.page.keyboard.press("Escape")
    desk.page.evaluate("studio.studio.setLook({ seed: 0, rerolls: [] })")
