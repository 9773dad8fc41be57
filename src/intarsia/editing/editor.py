"""A document and a model: what a person with a brush does, without a browser.

editor = Editor.from_pretrained(document, "spade-street-256")
photo = editor.render()
document.stroke([(90, 10), (90, 60)], "water", width=20)
photo = editor.render()                      # follows; of unchanged labels, another seed is quick
photo = editor.reroll("water", seed=9)
editor.project("pond").save(Path("pond.zip"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intarsia.checkpoints.models import find_model
from intarsia.checkpoints.snapshot import WEIGHTS
from intarsia.data.label_files import Photo
from intarsia.editing.composite import FEATHER, Mask, composite
from intarsia.editing.document import Document
from intarsia.editing.looks import Look, Scenes
from intarsia.editing.project import Project
from intarsia.errors import ConfigError
from intarsia.files import sha256
from intarsia.labels import Ids
from intarsia.synthesis import DEFAULT_MODEL, edit
from intarsia.synthesis.regions import Region
from intarsia.synthesis.synthesiser import Synthesiser

PLAIN = Look()


@dataclass(eq=False)
class Editor:
    """A document, a model, and how the document's photo is to look.

    Raises:
        ConfigError: document and model speak different label spaces.
    """

    document: Document
    synthesiser: Synthesiser
    look: Look = PLAIN
    model: str | None = None  # its name, for projects
    hash: str | None = None  # SHA-256 of its weights, for projects

    def __post_init__(self) -> None:
        mine, its = self.document.space, self.synthesiser.label_space
        if (mine.classes, mine.dont_care_ids) != (its.classes, its.dont_care_ids):
            raise ConfigError(
                f"the document speaks the label space {mine.name} and the model {its.name}. "
                "Translate it with Document.translated."
            )
        self._scenes = Scenes(self.synthesiser)

    @classmethod
    def from_pretrained(
        cls, document: Document, model: str | Path = DEFAULT_MODEL, *, look: Look | None = None, device: str = "cpu"
    ) -> Editor:
        """An editor with a bundled model, a snapshot folder, or a model of the Hugging Face hub.

        Raises:
            CheckpointError: there is no such model.
            ConfigError: the document speaks another label space.
        """
        digest = sha256(find_model(model) / WEIGHTS)
        return cls(document, Synthesiser.from_pretrained(model, device), look or PLAIN, str(model), digest)

    def render(self) -> Photo:
        """The photo of the document, H W 3 uint8; for a document of a photo, that photo with what changed made anew."""
        document, (labels, instances) = self.document, (self.document.train, self.document.complete_instances())
        if document.source is None:
            return self.look.render(self._scenes.of(labels, instances))
        look, changed = self._look_of_source(), document.changed()
        return edited(self._scenes, labels, instances, look, document.source, changed)

    def variants(self, seeds: Sequence[int]) -> list[Photo]:
        """The photo under each of some seeds; the document's look stays as it is."""
        kept = self.look
        try:
            return [self._under(replace(kept, seed=seed)) for seed in seeds]
        finally:
            self.look = kept

    def reroll(self, region: Region, seed: int) -> Photo:
        """Let a region look as under another seed from now on; the photo.

        Args:
            region: the name of a class, a mask H W bool, or an object number.
            seed: of the region.

        Raises:
            IntarsiaError: as `Look.render`; the look stays as it was.
        """
        return self._under(self.look.rerolled(region, seed))

    def project(self, name: str = "Untitled") -> Project:
        """All of it as a project: maps, look, photo, and the model's name and hash."""
        return Project(self.document, self.look, name, self.model, self.hash, self.render())

    def _under(self, look: Look) -> Photo:
        kept, self.look = self.look, look
        try:
            return self.render()
        except BaseException:
            self.look = kept
            raise

    def _look_of_source(self) -> Look:
        """The look; what is made in a photo takes over that photo's, where the model has a style and none is given."""
        if not self.synthesiser.has_style or self.look.style is not None or self.look.z is not None:
            return self.look
        return replace(self.look, style=self.document.source)


def edited(
    scenes: Scenes, labels: Ids, instances: Ids | None, look: Look, photo: Photo, changed: Mask, feather: int = FEATHER
) -> Photo:
    """A photo with what changed made anew; outside it is the photo to the bit.

    A model that fills holes sees the photo around what changed and fills that; of any other, the photo of the new label
    map is faded in there.

    Args:
        scenes: of the model.
        labels: H W train ids, the label map as it is to be.
        instances: H W, any numbering, its objects.
        look: of what is made.
        photo: H W 3 uint8, as it was.
        changed: H W bool, what is to be made anew.
        feather: pixels over which the new fades in, where no hole is filled.

    Raises:
        IntarsiaError: as `Look.render`, `composite` and `synthesis.edit.edited`.
    """
    if not changed.any():
        return photo.copy()
    synthesiser = scenes.synthesiser
    if synthesiser.edits:
        return edit.edited(synthesiser, photo, synthesiser.label_space.decode(labels), changed)
    return composite(photo, look.render(scenes.of(labels, instances)), changed, feather)
