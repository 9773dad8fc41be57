"""The studio's operations without a browser: paint, watch, re-roll, edit a real photo, save, and open again.

    python examples/editing.py out/editing

Writes its pictures into the folder. docs/editing.md goes through it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from intarsia import Document, Editor, Look, Project, Segmenter, Synthesiser
from intarsia.checkpoints.models import BUNDLED
from intarsia.synthesis.photos import write_photo

MODEL = "spade-street-256"


def main(out: Path) -> None:
    """Do all of it, and write what comes out into a folder."""
    synthesiser = Synthesiser.from_pretrained(MODEL)

    # A label map is opened and painted on; points are (row, column).
    document = Document.open(BUNDLED / "maps" / "street" / "01-A-bus-turns.png", synthesiser.label_space)
    editor = Editor.from_pretrained(document, MODEL, look=Look(seed=7))
    write_photo(out / "1-opened.png", editor.render())
    document.stroke([(100, 10), (110, 60), (104, 120)], "water", width=14)
    document.ellipse((20, 70), (70, 100), "tree", instance=document.free_instance())
    document.protected = frozenset({"tree"})
    document.rectangle((0, 0), (30, 127), "snow")  # the tree stays
    write_photo(out / "2-painted.png", editor.render())

    # Undo and redo go operation by operation.
    document.undo()
    document.protected = frozenset()
    document.smooth(document.of_class("water"), 3)

    # Other seeds, and one region that looks as under another.
    for number, photo in enumerate(editor.variants([8, 9]), 1):
        write_photo(out / f"3-variant-{number}.png", photo)
    write_photo(out / "4-rerolled.png", editor.reroll("sky", seed=11))

    # All of it goes into one file, which the studio's page opens too.
    editor.project("a pond").save(out / "pond.zip")
    project = Project.load(out / "pond.zip", synthesiser.label_space)
    again = Editor.from_pretrained(project.document, MODEL, look=project.look)
    assert (again.render() == editor.render()).all()

    # A real photo: its label map is found, changed, and only what changed is made anew.
    photo = editor.render()  # stands in for a photo of yours: read_photo(Path("street.jpg"))
    segmenter = Segmenter.from_pretrained("unet-street")
    found = segmenter.label_space.decode(segmenter(photo))
    real = Document.of_photo(photo, synthesiser.label_space, found)
    real.rectangle((90, 30), (120, 90), "snow")
    edited = Editor.from_pretrained(real, MODEL).render()
    assert (edited[~real.changed()] == photo[~real.changed()]).all()
    write_photo(out / "5-edited.png", edited)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
