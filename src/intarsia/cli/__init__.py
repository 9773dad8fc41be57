"""The command line: `intarsia COMMAND ...`.

Each command is a function (or, with commands of its own, a cyclopts `App` of that name) in a module beside this one,
imported only when it is called, so that `intarsia --help` does not wait for torch.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from intarsia.errors import ConfigError, IntarsiaError

UNREAD, BAD_INPUT, INTERRUPTED = 1, 2, 130

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("intarsia.cli.demo:demo", "Render the bundled label maps with the bundled model."),
    "synth": ("intarsia.cli.synth:synth", "Make photos from label maps."),
    "edit": ("intarsia.cli.edit:edit", "Change what stands in a part of a photo."),
    "data": ("intarsia.cli.data:app", "Build data sets and check them."),
    "studio": ("intarsia.cli.serve:studio", "Paint label maps in the browser and watch the photo."),
    "serve": ("intarsia.cli.serve:serve", "Serve the HTTP API."),
    "train": ("intarsia.cli.train:train", "Train a system."),
    "segment": ("intarsia.cli.segment:segment", "Make label maps from photos."),
    "segmenter": ("intarsia.cli.segmenter:app", "Train segmenters and score them."),
    "evaluate": ("intarsia.cli.evaluate:evaluate", "Measure a model, or a folder of made photos."),
    "leaderboard": ("intarsia.cli.leaderboard:leaderboard", "Published figures beside what was measured here."),
    "systems": ("intarsia.cli.systems:systems", "List the systems and their presets."),
    "convert": ("intarsia.cli.convert:app", "Turn official weights into a snapshot."),
    "style": ("intarsia.cli.style:app", "Collect styles of objects."),
    "bank": ("intarsia.cli.bank:app", "Collect segments of photos."),
    "bench": ("intarsia.cli.bench:bench", "Measure coded maps against dense planes."),
}
"""Command name -> (where it lives, as module:attribute, and its line in the help)."""


def application() -> App:
    """The command line as a cyclopts application; commands are not imported yet."""
    app = App(
        name="intarsia",
        help="A label map goes in, a photo comes out.",
        version=lambda: version("intarsia"),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for position, (name, (place, line)) in enumerate(COMMANDS.items()):
        app.command(place, name=name, help=line, sort_key=position)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and say how it went, as an exit status.

    Returns:
        0; 1 if nobody read the output to its end; 2 after bad input or bad arguments (one line on stderr);
        130 after Ctrl-C; else what the command returned.
    """
    try:
        _known(arguments)
        status = application()(list(arguments))
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except IntarsiaError as error:
        return _refuse(str(error))
    except CycloptsError as error:
        return _refuse(f"{error} See: intarsia {arguments[0]} --help")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left; what Python flushes on its way out must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:  # the file system's refusals that no room has words for
        place = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{place}{error.strerror or error}. Check the path and the disk.")


def main() -> None:
    """Run `intarsia` with the process's arguments."""
    raise SystemExit(run(sys.argv[1:]))


def _known(arguments: Sequence[str]) -> None:
    """Refuse a command that does not exist (cyclopts would import every command to say so)."""
    name = arguments[0] if arguments else "--help"
    if not name.startswith("-") and name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1) or list(COMMANDS)
        raise ConfigError(f"there is no command {name}. Did you mean {', '.join(near)}?")


def _refuse(message: str) -> int:
    print(f"error: {' '.join(line.strip() for line in message.splitlines())}", file=sys.stderr)
    return BAD_INPUT
