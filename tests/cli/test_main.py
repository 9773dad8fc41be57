import errno
import os
import subprocess
import sys

import pytest

from intarsia import cli
from intarsia.errors import DataError


def with_command(monkeypatch, function):
    """Make `intarsia probe` call a function."""
    monkeypatch.setattr(sys.modules[__name__], "probe", function, raising=False)
    monkeypatch.setitem(cli.COMMANDS, "probe", (f"{__name__}:probe", "A command for this test."))


def test_help_names_every_command_and_does_not_import_torch():
    script = "import sys; from intarsia import cli; cli.run(['--help']); print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for name, (_, line) in cli.COMMANDS.items():
        assert name in said
        assert line in said
    assert said.splitlines()[-1] == "False"


def test_version_is_the_packages():
    from importlib.metadata import version

    command = [sys.executable, "-m", "intarsia", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"{version('intarsia')}\n"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name, capsys):
    assert cli.run([name, "--help"]) == 0
    assert f"Usage: intarsia {name}" in capsys.readouterr().out


def test_an_unknown_command_proposes_the_nearest(capsys):
    assert cli.run(["sinth", "map.png"]) == 2
    assert capsys.readouterr().err == "error: there is no command sinth. Did you mean synth?\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synth"], 'Command "synth" parameter LABELS requires an argument. See: intarsia synth --help'),
        (["synth", "a.png"], 'Command "synth" parameter --out requires an argument. See: intarsia synth --help'),
        (
            ["synth", "a.png", "--out", "x", "--seed", "many"],
            'Invalid value for --seed: unable to convert "many" into int. See: intarsia synth --help',
        ),
        (["synth", "a.png", "--ouz", "x"], "Unknown option: --ouz. Did you mean --out? See: intarsia synth --help"),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, capsys):
    assert cli.run(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_an_error_is_one_line_without_a_traceback(monkeypatch, capsys):
    def probe():
        raise DataError("photo a.png is damaged\n  (truncated). Copy it again.")

    with_command(monkeypatch, probe)
    assert cli.run(["probe"]) == 2
    assert capsys.readouterr() == ("", "error: photo a.png is damaged (truncated). Copy it again.\n")


def test_what_the_file_system_refuses_is_one_line(monkeypatch, capsys):
    def probe():
        raise OSError(errno.EIO, "Input/output error", "/media/disk/map.png")

    with_command(monkeypatch, probe)
    assert cli.run(["probe"]) == 2
    assert capsys.readouterr().err == "error: /media/disk/map.png: Input/output error. Check the path and the disk.\n"


def test_a_bug_is_not_hidden(monkeypatch):
    def probe():
        raise ZeroDivisionError

    with_command(monkeypatch, probe)
    with pytest.raises(ZeroDivisionError):
        cli.run(["probe"])


def test_interruption_is_quiet(monkeypatch, capsys):
    def probe():
        raise KeyboardInterrupt

    with_command(monkeypatch, probe)
    assert cli.run(["probe"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("before", ["", "cli._known = lambda _: print('text')"], ids=["rich", "print"])
def test_a_reader_that_leaves_ends_it_quietly(before):
    """`intarsia --help | head -0`, through rich and through print."""
    script = f"from intarsia import cli\n{before}\nraise SystemExit(cli.run(['--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as broken:
        ended = subprocess.run([sys.executable, "-c", script], stdout=broken, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")
