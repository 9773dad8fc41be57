"""What the docs say can be done: links lead somewhere, commands exist, and the README's examples run."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from intarsia import cli
from intarsia.checkpoints.models import BUNDLED
from intarsia.server.catalogue import gathered
from tests.server.shop import listening, zipped

ROOT = Path(__file__).parents[1]
PAGES = [page for pattern in ("*.md", "docs/**/*.md", "tools/**/*.md") for page in sorted(ROOT.glob(pattern))]


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """The fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def commands(page):
    """The arguments of each intarsia command in the bash blocks of a page."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["intarsia"]:
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if list(commands(page))], ids=name)
def test_commands_take_the_arguments_that_pages_give(page):
    app = cli.application()
    for arguments in commands(page):
        app.parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_and_scripts_exist(page):
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"(?:^ {4}|`|^)make ([a-z-]+)(?=`|\s*$|\s+#)", text, re.M)
    assert set(named) <= targets
    assert [script for script in re.findall(r"\bscripts/\w+", text) if not (ROOT / script).is_file()] == []


@pytest.fixture
def after_the_demo(tmp_path, monkeypatch):
    """A folder with two of the label maps that `make demo` leaves."""
    labels = tmp_path / "out" / "demo" / "earth" / "labels"
    labels.mkdir(parents=True)
    for file in ("02-Italy.png", "11-Letters.png"):
        shutil.copy(BUNDLED / "maps" / "earth" / file, labels)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("after_the_demo")
def test_the_readmes_synth_commands_run(capsys):
    run = [arguments for arguments in commands(ROOT / "README.md") if arguments[0] == "synth"]
    for arguments in run:
        assert cli.run(arguments) == 0, capsys.readouterr().err
    assert len(run) == 2
    assert sorted(path.name for path in Path("out/photos").iterdir()) == ["02-Italy.png", "11-Letters.png"]


@pytest.mark.usefixtures("after_the_demo")
def test_the_readmes_python_runs():
    [example] = blocks(ROOT / "README.md", "python")
    names: dict[str, object] = {}
    exec(example, names)
    with Image.open("out/demo/earth/labels/02-Italy.png") as labels:
        assert names["photo"].shape == (labels.height, labels.width, 3)


def test_the_editing_pages_python_runs(tmp_path, monkeypatch):
    shutil.copy(BUNDLED / "maps" / "street" / "01-A-bus-turns.png", tmp_path / "map.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks(ROOT / "docs" / "editing.md", "python"):
        exec(example, names)
    assert len(names["others"]) == 3
    assert (names["edited"][~names["real"].changed()] == names["photo"][~names["real"].changed()]).all()
    assert (names["again"].render() == names["editor"].render()).all()


def test_the_editing_example_runs(tmp_path):
    runpy.run_path(str(ROOT / "examples" / "editing.py"))["main"](tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1-opened.png",
        "2-painted.png",
        "3-variant-1.png",
        "3-variant-2.png",
        "4-rerolled.png",
        "5-edited.png",
        "pond.zip",
    ]


def test_the_server_pages_python_runs(tmp_path, monkeypatch):
    shutil.copy(BUNDLED / "maps" / "street" / "01-A-bus-turns.png", tmp_path / "map.png")
    (tmp_path / "street.zip").write_bytes(zipped(a=b"1"))
    monkeypatch.chdir(tmp_path)
    [example] = blocks(ROOT / "docs" / "server.md", "python")
    with listening(gathered(), projects=tmp_path / "projects") as url:
        names: dict[str, object] = {}
        exec(example.replace("http://127.0.0.1:8000", url), names)
    assert names["photo"].shape == names["edited"].shape == (256, 256, 3)
    assert len(names["others"]) == 3
    assert [path.name for path in (tmp_path / "projects").iterdir()] == ["my street.zip"]


def test_the_synthesis_pages_python_runs(tmp_path, monkeypatch):
    shutil.copy(BUNDLED / "maps" / "earth" / "11-Letters.png", tmp_path / "map.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks(ROOT / "docs" / "synthesis.md", "python"):
        exec(example, names)
    assert names["photo"].shape == (256, 256, 3)
    assert names["island"].shape == (200, 300, 3)
