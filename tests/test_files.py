import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from intarsia.errors import IntarsiaError, StorageError
from intarsia.files import sweep, whole_file, whole_folder


def contents(folder):
    return {path.name: path.read_text() if path.is_file() else contents(path) for path in folder.iterdir()}


def unplugged(path):
    path.write_text("half")
    raise OSError("unplugged")


def test_a_file_appears_with_its_folders(tmp_path):
    with whole_file(tmp_path / "a" / "b" / "photo.png") as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".png"  # image writers choose the format by it
        assert not (tmp_path / "a" / "b" / "photo.png").exists()
    assert contents(tmp_path) == {"a": {"b": {"photo.png": "new"}}}


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "card.json").write_text("old")
    with pytest.raises(OSError, match="unplugged"), whole_file(tmp_path / "card.json") as temporary:
        unplugged(temporary)
    assert contents(tmp_path) == {"card.json": "old"}


def test_a_folder_replaces_an_older_one_whole(tmp_path):
    for text in ("old", "new"):
        with whole_folder(tmp_path / "snapshot") as temporary:
            (temporary / f"{text}.txt").write_text(text)
    assert contents(tmp_path) == {"snapshot": {"new.txt": "new"}}


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path):
    with whole_folder(tmp_path / "snapshot") as temporary:
        (temporary / "card.json").write_text("old")
    with pytest.raises(OSError, match="unplugged"), whole_folder(tmp_path / "snapshot") as temporary:
        unplugged(temporary / "card.json")
    assert contents(tmp_path) == {"snapshot": {"card.json": "old"}}


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full. Free some space or choose another folder."),
        (errno.EDQUOT, "the disk is full. Free some space or choose another folder."),
        (errno.EACCES, "permission denied. Choose a folder that you may write to."),
        (errno.EROFS, "permission denied. Choose a folder that you may write to."),
    ],
)
def test_the_systems_refusals_are_one_line(whole, number, message, tmp_path):
    target = tmp_path / "target.png"
    with pytest.raises(StorageError) as refused, whole(target):
        raise OSError(number, os.strerror(number))
    assert str(refused.value) == f"cannot write {target}: {message}"
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_a_file_where_a_folder_is_needed(whole, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError) as refused, whole(tmp_path / "file" / "target"):
        raise AssertionError("nothing must be written")
    assert str(refused.value).startswith(f"cannot write {tmp_path / 'file' / 'target'}: ")
    assert str(refused.value).endswith(". Choose another name.")
    assert contents(tmp_path) == {"file": "mine"}


def test_our_own_errors_pass_through(tmp_path):
    with pytest.raises(IntarsiaError, match=r"^mine$"), whole_file(tmp_path / "x"):
        raise IntarsiaError("mine")


def test_a_killed_process_leaves_the_old_file(tmp_path):
    target = tmp_path / "state.json"
    target.write_text("old")
    script = (
        "import sys, time, pathlib\n"
        "from intarsia.files import whole_file\n"
        "with whole_file(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "written\n"
        writer.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"


def test_what_a_killed_process_left_can_be_swept(tmp_path):
    script = (
        "import os, pathlib, sys\n"
        "from intarsia.files import whole_file, whole_folder\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "with whole_file(home / 'card.json') as file, whole_folder(home / 'snapshot') as folder:\n"
        "    file.write_text('half')\n"
        "    (folder / 'card.json').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    mine = {".vimrc.old": "mine", ".film.part": "mine", "card.json": "whole"}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(contents(tmp_path)) == len(mine) + 2
    sweep(tmp_path)
    assert contents(tmp_path) == mine


def test_a_folder_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").mkdir()
    with whole_folder(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_folder_that_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with whole_folder(Path()) as temporary:
        (temporary / "card.json").write_text("new")
    assert contents(tmp_path) == {"here": {"card.json": "new"}}
