import numpy as np
import pytest

from intarsia.editing.document import Document
from intarsia.editing.editor import Editor
from intarsia.editing.looks import Look, Scenes
from intarsia.editing.project import Project
from intarsia.errors import ConfigError, DataError
from intarsia.synthesis import edit
from intarsia.synthesis.synthesiser import Synthesiser
from tests.editing.scene import blank


@pytest.fixture(scope="module")
def plain(snapshot_of):
    """Labels alone decide."""
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny"))


@pytest.fixture(scope="module")
def styled(snapshot_of):
    """The look comes from one vector."""
    return Synthesiser.from_pretrained(snapshot_of("spade-tiny-style"))


@pytest.fixture(scope="module")
def noisy(snapshot_of):
    """Noise is part of the map."""
    return Synthesiser.from_pretrained(snapshot_of("oasis-tiny"))


def drawn(synthesiser, height=32, width=64):
    names = [each.name for each in synthesiser.label_space.classes]
    document = Document.blank(synthesiser.label_space, (height, width), names[0])
    document.rectangle((8, 8), (23, 31), names[1])
    document.ellipse((4, 40), (27, 59), names[2], instance=7)
    return document


def test_the_photo_follows_the_document(styled):
    document = drawn(styled)
    editor = Editor(document, styled, Look(seed=3))
    first = editor.render()
    assert np.array_equal(first, styled.scene(document.labels, document.complete_instances()).render(seed=3))
    document.fill((0, 0), styled.label_space.classes[3].name)
    assert not np.array_equal(editor.render(), first)
    document.undo()
    assert np.array_equal(editor.render(), first)


def test_labels_that_come_again_are_not_set_again(styled):
    document, scenes = drawn(styled), Scenes(styled, most_pixels=2 * 32 * 64)
    first = scenes.of(document.train)
    assert scenes.of(document.train.copy()) is first
    assert scenes.of(document.train, document.instances) is not first
    document.undo()
    scenes.of(document.train)  # a third one: the oldest goes
    assert scenes.holds(document.train)
    document.redo()
    assert not scenes.holds(document.train)


def test_the_last_scene_is_kept_however_large_it_is(styled):
    document, scenes = drawn(styled), Scenes(styled, most_pixels=1)
    assert scenes.of(document.train) is scenes.of(document.train)


def test_variants_are_photos_of_other_seeds(styled):
    editor = Editor(drawn(styled), styled, Look(seed=1))
    one, two = editor.variants([1, 2])
    assert np.array_equal(one, editor.render())
    assert not np.array_equal(one, two)


def test_a_reroll_cuts_the_region_from_the_other_seeds_photo(styled):
    document = drawn(styled)
    editor = Editor(document, styled, Look(seed=1))
    before, other = editor.variants([1, 2])
    name = styled.label_space.classes[1].name
    after, region = editor.reroll(name, 2), document.of_class(name)
    assert np.array_equal(after[~region], before[~region])
    assert np.array_equal(after[14:17, 14:25], other[14:17, 14:25])  # deeper than the new one fades in
    assert np.array_equal(editor.render(), after)


def test_a_reroll_takes_other_noise_where_noise_is_part_of_the_map(noisy):
    document = drawn(noisy)
    editor, name = Editor(document, noisy, Look(seed=1)), noisy.label_space.classes[1].name
    scene = noisy.scene(document.labels, document.complete_instances())
    assert np.array_equal(editor.reroll(name, 2), scene.reroll(name, seed=2).render(seed=1))
    assert np.array_equal(editor.reroll(7, 5), scene.reroll(name, seed=2).reroll(7, seed=5).render(seed=1))


def test_a_reroll_is_refused_where_labels_alone_decide(plain):
    editor = Editor(drawn(plain), plain)
    with pytest.raises(ConfigError) as refused:
        editor.reroll(plain.label_space.classes[1].name, 2)
    assert str(refused.value) == (
        "no region can be re-rolled: model spade-tiny has no noise in its map. Use one that has, such as OASIS."
    )
    assert editor.look.rerolls == ()


def test_a_photo_is_made_anew_only_where_its_map_changed(styled):
    photo = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    labels = np.full((32, 64), styled.label_space.classes[0].id)
    document = Document.of_photo(photo, styled.label_space, labels)
    editor = Editor(document, styled)
    assert np.array_equal(editor.render(), photo)
    document.rectangle((8, 8), (23, 39), styled.label_space.classes[1].name)
    made, changed = editor.render(), document.changed()
    assert np.array_equal(made[~changed], photo[~changed])
    # Its look is the photo's where nobody chose one.
    fresh = styled.scene(document.labels).render(style=photo)
    assert np.array_equal(made[14:18, 14:34], fresh[14:18, 14:34])


def test_a_model_that_fills_holes_fills_what_changed(snapshot_of):
    filler = Synthesiser.from_pretrained(snapshot_of("sesame-tiny"))
    photo = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    document = Document.of_photo(photo, filler.label_space, np.zeros((32, 64), int))
    document.rectangle((8, 8), (23, 39), filler.label_space.classes[1].name)
    expected = edit.edited(filler, photo, document.labels, document.changed())
    assert np.array_equal(Editor(document, filler).render(), expected)


def test_a_style_is_a_vector_once_seen(styled):
    photo = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    scene = styled.scene(drawn(styled).labels)
    assert np.array_equal(scene.render(style=photo), scene.render(z=styled.style_of(photo)))


def test_a_document_of_another_label_space_is_refused_until_it_is_translated(plain):
    document = blank(32, 32)
    with pytest.raises(ConfigError) as refused:
        Editor(document, plain)
    assert str(refused.value) == (
        "the document speaks the label space plots and the model spade-tiny. Translate it with Document.translated."
    )
    translated = document.translated(plain.label_space)
    assert Editor(translated, plain).render().shape == (32, 32, 3)


def test_a_project_goes_out_and_comes_back_the_same(styled, tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    document = Document.of_photo(photo, styled.label_space, np.full((32, 64), styled.label_space.classes[0].id))
    document.ellipse((4, 40), (27, 59), styled.label_space.classes[2].name, instance=700)
    look = Look(seed=2**60, style=photo[:16])
    editor = Editor(document, styled, look, "street", "ab" * 32)
    editor.reroll(styled.label_space.classes[2].name, 4)
    editor.reroll(700, 5)
    editor.reroll(document.changed(), 6)
    editor.project("pond").save(tmp_path / "pond.zip")
    project = Project.load(tmp_path / "pond.zip", styled.label_space)
    assert np.array_equal(project.document.maps, document.maps)
    assert np.array_equal(project.document.changed(), document.changed())
    assert (project.name, project.model, project.hash) == ("pond", "street", "ab" * 32)
    assert np.array_equal(project.photo, editor.render())
    assert np.array_equal(Editor(project.document, styled, project.look).render(), editor.render())
    assert project.packed() == editor.project("pond").packed()


def test_a_file_that_is_no_project_is_refused(styled, tmp_path):
    path = tmp_path / "x.zip"
    with pytest.raises(DataError) as refused:
        Project.load(path, styled.label_space)
    assert str(refused.value) == f"project {path} does not exist. Give a ZIP file that Intarsia saved."
    path.write_bytes(b"PK nothing")
    with pytest.raises(DataError) as refused:
        Project.load(path, styled.label_space)
    assert str(refused.value) == f"{path} is no ZIP file. Export it again."


def test_what_a_project_cannot_hold_is_refused(styled):
    project = Project(drawn(styled), Look(z=np.zeros(16, np.float32)))
    with pytest.raises(ConfigError) as refused:
        project.packed()
    assert str(refused.value) == (
        "a project holds a seed, a style photo, a layout of noise and re-rolls. Leave vectors and arrays out."
    )
