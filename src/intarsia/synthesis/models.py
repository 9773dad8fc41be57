"""Where models are found: bundled with the package, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from intarsia.checkpoints.snapshot import CARD, WEIGHTS
from intarsia.errors import CheckpointError

BUNDLED = Path(__file__).parents[1] / "bundled"
SNAPSHOT_FILES = (CARD, WEIGHTS)
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def bundled_models() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(folder.parent.name for folder in BUNDLED.glob(f"models/*/{CARD}")))


def find_model(name: str | Path) -> Path:
    """The snapshot folder of a model: bundled by that name, a folder, or a hub id `owner/model` (downloaded once).

    Raises:
        CheckpointError: it is none of them, or the hub cannot be reached and has not been asked before.
    """
    if str(name) in bundled_models():
        return BUNDLED / "models" / name
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name, str) and HUB_ID.fullmatch(name) and not Path(name).parent.is_dir():
        return _downloaded(name)
    near = difflib.get_close_matches(str(name), bundled_models(), 1) or bundled_models()
    raise CheckpointError(
        f"there is no model {name}. Give a folder with {' and '.join(SNAPSHOT_FILES)}, a hub id like owner/model, "
        f"or a bundled model: {', '.join(near) or 'none is bundled'}."
    )


def _downloaded(hub_id: str) -> Path:
    """The snapshot's files from the hub, or from its cache on this machine."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=list(SNAPSHOT_FILES)))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"model {hub_id} cannot be fetched from the Hugging Face hub ({type(error).__name__}). "
            "Check the name and the connection, or give a folder that holds the model."
        ) from None
    missing = [file for file in SNAPSHOT_FILES if not (folder / file).is_file()]
    if missing:
        raise CheckpointError(f"model {hub_id} has no {missing[0]} on the hub: it was not saved by Intarsia.")
    return folder
