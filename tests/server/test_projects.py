import errno
import os
import time

import pytest

from intarsia.server.projects import Projects
from tests.server.shop import opened, problem, zipped


def test_projects_are_kept_byte_for_byte(client):
    one, two = zipped(a=b"one"), zipped(a=b"two", b=b"x")
    assert client.put("/v1/projects/My street 2", content=one).status_code == 201
    assert client.get("/v1/projects/My%20street%202").content == one
    assert client.put("/v1/projects/My street 2", content=two).status_code == 204
    answer = client.get("/v1/projects/My street 2")
    assert (answer.content, answer.headers["content-type"]) == (two, "application/zip")
    [entry] = client.get("/v1/projects").json()
    assert (entry["name"], entry["bytes"]) == ("My street 2", len(two))
    assert abs(entry["modified"] - time.time()) < 60
    assert client.delete("/v1/projects/My street 2").status_code == 204
    assert client.get("/v1/projects").json() == []
    gone = (404, "there is no project My street 2. List them with GET /v1/projects.")
    assert problem(client.get("/v1/projects/My street 2")) == gone
    assert problem(client.delete("/v1/projects/My street 2")) == gone


def test_a_server_without_a_folder_keeps_none(catalogue):
    with opened(catalogue) as client:
        assert problem(client.put("/v1/projects/x", content=zipped(a=b"1"))) == (
            404,
            "this server keeps no projects. Start it with --projects FOLDER.",
        )


def test_a_full_disk_is_told_and_the_old_project_stays(tmp_path, catalogue, monkeypatch):
    with opened(catalogue, projects=tmp_path) as client:
        old = zipped(a=b"1")
        client.put("/v1/projects/x", content=old)

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        answer = client.put("/v1/projects/x", content=zipped(a=b"2"))
        monkeypatch.undo()
        assert problem(answer) == (
            507,
            f"cannot write {tmp_path / 'x.zip'}: the disk is full. Free some space or choose another folder.",
        )
        assert client.get("/v1/projects/x").content == old
        assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_what_a_killed_server_left_half_written_is_swept(tmp_path):
    Projects(tmp_path).write("kept", zipped(a=b"1"))
    (tmp_path / ".kept.123.intarsia.part.zip").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    projects = Projects(tmp_path)
    assert [project.name for project in projects.list()] == ["kept"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.zip", "notes.txt"]


@pytest.mark.parametrize("times", [8])
def test_saving_one_name_from_many_threads_leaves_one_of_them(tmp_path, times):
    from concurrent.futures import ThreadPoolExecutor

    projects, contents = Projects(tmp_path), [zipped(a=str(number).encode()) for number in range(times)]
    with ThreadPoolExecutor(times) as pool:
        list(pool.map(lambda content: projects.write("x", content), contents))
    assert projects.read("x") in contents
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
