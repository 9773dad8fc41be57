"""Intarsia: semantic image synthesis. A label map goes in, a photo comes out.

from intarsia import Synthesiser

photo = Synthesiser.from_pretrained("spade-earth-128")(label_map)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intarsia.data.label_files import read_photo
    from intarsia.editing.document import Document
    from intarsia.editing.editor import Editor
    from intarsia.editing.looks import Look
    from intarsia.editing.project import Project
    from intarsia.errors import IntarsiaError
    from intarsia.labels import LabelSpace
    from intarsia.segmentation.segmenter import Segmenter
    from intarsia.synthesis.object_styles import Cluster, Drawn, StyleBank
    from intarsia.synthesis.segment_bank import SegmentBank
    from intarsia.synthesis.synthesiser import Scene, Synthesiser

__all__ = [
    "Cluster",
    "Document",
    "Drawn",
    "Editor",
    "IntarsiaError",
    "LabelSpace",
    "Look",
    "Project",
    "Scene",
    "SegmentBank",
    "Segmenter",
    "StyleBank",
    "Synthesiser",
    "read_photo",
]

_HOMES = {
    "Cluster": "intarsia.synthesis.object_styles",
    "Document": "intarsia.editing.document",
    "Drawn": "intarsia.synthesis.object_styles",
    "Editor": "intarsia.editing.editor",
    "IntarsiaError": "intarsia.errors",
    "LabelSpace": "intarsia.labels",
    "Look": "intarsia.editing.looks",
    "Project": "intarsia.editing.project",
    "Scene": "intarsia.synthesis.synthesiser",
    "SegmentBank": "intarsia.synthesis.segment_bank",
    "Segmenter": "intarsia.segmentation.segmenter",
    "StyleBank": "intarsia.synthesis.object_styles",
    "Synthesiser": "intarsia.synthesis.synthesiser",
    "read_photo": "intarsia.data.label_files",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing the package stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(_HOMES[name]), name)
