"""Where snapshots are found: bundled with the package, in its repository, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from intarsia.checkpoints.snapshot import CARD, WEIGHTS
from intarsia.errors import CheckpointError

BUNDLED = Path(__file__).parents[1] / "bundled"
REPOSITORY = Path(__file__).parents[3]  # of a checkout; an installed package has no models there
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Kind:
    """A kind of snapshot: what errors call it, where bundled ones lie, and the file of its weights."""

    what: str
    folder: str  # below `BUNDLED`
    weights: str

    @property
    def files(self) -> tuple[str, str]:
        """The files of a snapshot of this kind."""
        return CARD, self.weights


MODELS = Kind("model", "models", WEIGHTS)


def bundled_models(kind: Kind = MODELS) -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(folder.parent.name for folder in BUNDLED.glob(f"{kind.folder}/*/{CARD}")))


def repository_models() -> tuple[str, ...]:
    """Names of the models that lie in the repository and not in the package, where this is a checkout of it."""
    if not (REPOSITORY / "pyproject.toml").is_file():
        return ()
    return tuple(sorted(card.parent.name for card in REPOSITORY.glob(f"{MODELS.folder}/*/{CARD}")))


def find_model(name: str | Path, kind: Kind = MODELS) -> Path:
    """The snapshot folder of a model: bundled by that name or in the repository, a folder, or a hub id `owner/model`.

    What the hub has is downloaded once.

    Raises:
        CheckpointError: it is none of them, or the hub cannot be reached and has not been asked before.
    """
    bundled = bundled_models(kind)
    if str(name) in bundled:
        return BUNDLED / kind.folder / name
    if kind is MODELS and str(name) in repository_models():
        return REPOSITORY / kind.folder / name
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name, str) and HUB_ID.fullmatch(name) and not Path(name).parent.is_dir():
        return _downloaded(name, kind)
    near = difflib.get_close_matches(str(name), bundled, 1) or bundled
    raise CheckpointError(
        f"there is no {kind.what} {name}. Give a folder with {' and '.join(kind.files)}, a hub id like "
        f"owner/{kind.what}, or a bundled {kind.what}: {', '.join(near) or 'none is bundled'}."
    )


def _downloaded(hub_id: str, kind: Kind) -> Path:
    """The snapshot's files from the hub, or from its cache on this machine."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=list(kind.files)))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{kind.what} {hub_id} cannot be fetched from the Hugging Face hub ({type(error).__name__}). "
            f"Check the name and the connection, or give a folder that holds the {kind.what}."
        ) from None
    missing = [file for file in kind.files if not (folder / file).is_file()]
    if missing:
        raise CheckpointError(f"{kind.what} {hub_id} has no {missing[0]} on the hub: it was not saved by Intarsia.")
    return folder
