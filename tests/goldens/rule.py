"""The rule by which every golden's weights and inputs are made, so that no weights need to be stored.

A golden is one module of a published implementation, given the weights `weights_for(entries)` and the
inputs stored beside it, and the outputs it then computed (float32, CPU, eval mode unless it says otherwise).
"""

from __future__ import annotations

import math
import zlib

import numpy as np


def tensor(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of the state-dict entry `key`: a function of its name and shape alone."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    draw = rng.standard_normal(shape)
    if key.endswith("running_var"):
        return (1.0 + 0.5 * np.abs(draw)).astype(np.float32)
    if len(shape) <= 1:  # biases, norm affines, running means
        base = 1.0 if key.endswith("weight") and len(shape) == 1 else 0.0
        return (base + 0.1 * draw).astype(np.float32)
    fan_in = math.prod(shape[1:])
    return (draw / math.sqrt(fan_in)).astype(np.float32)


def top_singular(weight: np.ndarray, rounds: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """The dominant left and right singular vectors of `weight` seen as (shape[0], -1), by power iteration."""
    matrix = weight.reshape(weight.shape[0], -1).astype(np.float64)
    # The iteration u <- W (W' u), with the product W W' made once: much faster for large weights.
    square = matrix @ matrix.T
    u = np.ones(matrix.shape[0]) / math.sqrt(matrix.shape[0])
    for _ in range(rounds - 1):
        u = square @ u
        u /= np.linalg.norm(u)
    v = matrix.T @ u
    v /= np.linalg.norm(v)
    u = matrix @ v
    u /= np.linalg.norm(u)
    return u.astype(np.float32), v.astype(np.float32)


def weights_for(entries: list[tuple[str, tuple[int, ...]]]) -> dict[str, np.ndarray]:
    """All entries of a state dict. Spectral norm's `weight_u`/`weight_v` are the top singular vectors of
    their `weight_orig` (rows = output channels, as torch.nn.utils.spectral_norm has it for convolutions
    and linear layers; for a transposed convolution torch moves dim 1 first, and so does this)."""
    values = {key: tensor(key, tuple(shape)) for key, shape in entries}
    for key in list(values):
        if key.endswith("weight_u"):
            stem = key[: -len("weight_u")]
            weight = values[stem + "weight_orig"]
            u_len = values[key].shape[0]
            if weight.shape[0] != u_len:  # transposed convolution: spectral_norm(dim=1)
                weight = np.moveaxis(weight, 1, 0)
            u, v = top_singular(weight)
            values[key] = u
            if stem + "weight_v" in values:
                values[stem + "weight_v"] = v
    return values


def label_map(seed: int, classes: int, height: int, width: int, block: int = 8) -> np.ndarray:
    """A blocky map of class ids (uint8/int64-safe), height x width."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, classes, (math.ceil(height / block), math.ceil(width / block)))
    return np.kron(small, np.ones((block, block), small.dtype))[:height, :width].astype(np.int64)


def image(seed: int, channels: int, height: int, width: int) -> np.ndarray:
    """A smooth image in [-1, 1], channels x height x width."""
    rng = np.random.default_rng(seed)
    small = rng.standard_normal((channels, max(2, height // 16), max(2, width // 16)))
    big = np.kron(small, np.ones((1, math.ceil(height / small.shape[1]), math.ceil(width / small.shape[2]))))
    values: np.ndarray = np.tanh(big[:, :height, :width]).astype(np.float32)
    return values
