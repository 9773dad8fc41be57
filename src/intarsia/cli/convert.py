"""`intarsia convert`: official weights in, a snapshot out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App

from intarsia.errors import ConfigError

app = App(name="convert", help="Turn official weights into a snapshot.")


@app.command
def spade(
    file: Path, /, *, preset: str, out: Path, encoder: Path | None = None, label_space: Path | None = None
) -> None:
    """Weights of the SPADE release (`latest_net_G.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: spade-ade20k, spade-coco, spade-cityscapes, spade-facades, or one of them with -style.
    out
        Folder for the snapshot; an older one is replaced.
    encoder
        The image encoder (`latest_net_E.pth`), for presets with a style.
    label_space
        JSON file with the names and colours of the classes; else they are numbered.
    """
    from intarsia.checkpoints.convert import spade as release

    _convert("spade", release, (file, encoder), preset, out, label_space)


@app.command
def pix2pixhd(
    file: Path, /, *, preset: str, out: Path, encoder: Path | None = None, label_space: Path | None = None
) -> None:
    """Weights of the pix2pixHD release (`latest_net_G.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: pix2pixhd-cityscapes-512p or -1024p, or one of them with -feat.
    out
        Folder for the snapshot; an older one is replaced.
    encoder
        The image encoder (`latest_net_E.pth`), for presets with features.
    label_space
        JSON file with the names and colours of the classes; else they are numbered.
    """
    from intarsia.checkpoints.convert import pix2pixhd as release

    _convert("pix2pixhd", release, (file, encoder), preset, out, label_space)


@app.command
def oasis(file: Path, /, *, preset: str, out: Path, label_space: Path | None = None) -> None:
    """Weights of the OASIS release (`best_EMA.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator, averaged (..._EMA) or not (..._G): .pth or .safetensors.
    preset
        What it was trained as: oasis-ade20k, oasis-coco or oasis-cityscapes.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes, the unknown class as don't-care; else they are numbered.
    """
    from intarsia.checkpoints.convert import oasis as release

    _convert("oasis", release, (file,), preset, out, label_space)


@app.command
def crn(file: Path, /, *, preset: str, out: Path, label_space: Path | None = None) -> None:
    """Weights of the CRN release (a TensorFlow checkpoint) as a snapshot that `intarsia synth --model` takes.

    TensorFlow is not needed. What only training goes on with (the optimiser's moments) is left out.

    Parameters
    ----------
    file
        The beginning that the checkpoint's files share, such as result_256p/model.ckpt.
    preset
        What it was trained as: crn-cityscapes-256p, -512p or -1024p, or crn-gta-256p.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes, unlabelled as don't-care; else they are numbered.
    """
    from intarsia.checkpoints.convert import crn as release

    _convert("crn", release, (file,), preset, out, label_space)


@app.command
def sims(
    file: Path, /, *, placing: Path, ordering: Path, preset: str, out: Path, label_space: Path | None = None
) -> None:
    """Weights of the SIMS release (three TensorFlow checkpoints) as a snapshot that `intarsia synth --model` takes.

    TensorFlow is not needed. What only training goes on with (the optimiser's moments) is left out.

    Parameters
    ----------
    file
        The synthesis network: the beginning that the checkpoint's files share, such as synthesis_512/0100/model.ckpt.
    placing
        The transformation network, likewise.
    ordering
        The ordering network, likewise.
    preset
        What it was trained as: sims-cityscapes-256p, -512p or -1024p.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes, unlabelled as don't-care; else they are numbered.
    """
    from intarsia.checkpoints.convert import sims as release

    _convert("sims", release, (file, placing, ordering), preset, out, label_space)


@app.command
def sesame(file: Path, /, *, preset: str, out: Path, label_space: Path | None = None) -> None:
    """Weights of an editor of the SESAME release (`latest_net_G.pth`) as a snapshot for `intarsia edit --model`.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error. The
    released weights that make photos from labels alone are those of SPADE's generator: intarsia convert spade.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: sesame-cityscapes, sesame-ade20k or sesame-landscapes.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes; else they are numbered.
    """
    from intarsia.checkpoints.convert import sesame as release

    _convert("sesame", release, (file,), preset, out, label_space)


@app.command
def safm(file: Path, /, *, preset: str, out: Path, label_space: Path | None = None) -> None:
    """Weights of the SAFM release (`best_net_G.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: safm-ade20k, safm-coco or safm-cityscapes.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes, the unknown class as don't-care; else they are numbered.
    """
    from intarsia.checkpoints.convert import safm as release

    _convert("safm", release, (file,), preset, out, label_space)


@app.command
def ccfpse(
    file: Path, /, *, preset: str, out: Path, encoder: Path | None = None, label_space: Path | None = None
) -> None:
    """Weights of the CC-FPSE release (`latest_net_G.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: ccfpse-ade20k, ccfpse-coco, ccfpse-cityscapes, or one of them with -no-style.
    out
        Folder for the snapshot; an older one is replaced.
    encoder
        The image encoder (`latest_net_E.pth`), for presets with a style.
    label_space
        JSON file with the names and colours of the classes; else they are numbered.
    """
    from intarsia.checkpoints.convert import ccfpse as release

    _convert("ccfpse", release, (file, encoder), preset, out, label_space)


@app.command
def lggan(file: Path, /, *, preset: str, out: Path, label_space: Path | None = None) -> None:
    """Weights of the LGGAN release (`latest_net_G.pth`) as a snapshot that `intarsia synth --model` takes.

    Nothing in the file is run: it must hold tensors only. A key that the preset does not explain is an error.

    Parameters
    ----------
    file
        The generator: .pth or .safetensors.
    preset
        What it was trained as: lggan-ade20k or lggan-cityscapes.
    out
        Folder for the snapshot; an older one is replaced.
    label_space
        JSON file with the names and colours of the classes, for ADE20K the unknown class as don't-care; else they are
        numbered.
    """
    from intarsia.checkpoints.convert import lggan as release

    _convert("lggan", release, (file,), preset, out, label_space)


def _convert(
    system: str, release: Any, files: tuple[Path | None, ...], preset: str, out: Path, label_space: Path | None
) -> None:
    """Write the snapshot; `release` is the system's module in `checkpoints/convert/`, `files` are what it reads."""
    from dataclasses import asdict

    from intarsia.checkpoints.snapshot import Card, check_replaceable, save_snapshot
    from intarsia.labels import LabelSpace

    check_replaceable(out)
    space = release.label_space_of(preset) if label_space is None else LabelSpace.load(label_space)
    config, tensors = release.generator_weights(preset, *files)
    if space.channels != config.labels:
        raise ConfigError(
            f"label space {label_space} has {space.channels} channels; preset {preset} has {config.labels}. "
            "Choose the label space that the weights were trained on."
        )
    card = Card(system=system, preset=preset, config=asdict(config), label_space=space, licence=release.LICENCE)
    save_snapshot(out, card, tensors)
    print(f"wrote {out}: {preset}, {sum(tensor.numel() for tensor in tensors.values()):,} numbers")
