"""`intarsia segment`: photos in, label maps out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.paths import files_of, named_after
from intarsia.cli.say import progress


def segment(
    photos: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    out: Path,
    model: str,
    device: str = "auto",
) -> None:
    """Make label maps from photos: palette PNGs that `intarsia synth` reads. Those that exist are replaced.

    Parameters
    ----------
    photos
        Photos, or folders of them. Any size.
    out
        Folder for the label maps; each is named after its photo.
    model
        A bundled segmenter (unet-street, unet-earth), a folder with a snapshot, or a Hugging Face hub id (owner/name).
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """
    from intarsia.data.folder import PHOTO_SUFFIXES
    from intarsia.data.label_files import read_photo, write_label_map
    from intarsia.segmentation.segmenter import Segmenter

    paths = files_of(photos, PHOTO_SUFFIXES, f"has no photo. Put {', '.join(PHOTO_SUFFIXES)} files there.")
    targets = named_after(paths, out, "label map")
    segmenter = Segmenter.from_pretrained(model, pick_device(device))
    for path, target in progress(zip(paths, targets, strict=True), "segmenting", len(paths)):
        write_label_map(target, segmenter(read_photo(path)), segmenter.label_space)
    print(f"wrote {len(paths)} label map{'s' * (len(paths) > 1)} to {out}")
