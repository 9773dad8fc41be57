"""The inner loops of coded maps on the CPU, compiled by Numba on first use and cached beside this file.

Arrays are C-contiguous; images are channels-last (B H W C). An index of -1 means "outside the image" and counts as
zeros. Every sum has a fixed order that does not depend on the number of threads, so results are repeatable bit for bit.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import njit, prange
from numba.np.ufunc import parallel

Array = npt.NDArray[Any]
Scalar = np.floating[Any]


def _can_cache() -> bool:
    """Whether Numba finds a folder for what it compiles: beside this file or in the user's home."""
    try:
        njit(cache=True)(_can_cache)
    except RuntimeError:
        return False
    return True


CACHE = _can_cache()

# Partial sums of `affine_gradients`: enough for small machines, few enough to be cheap in memory.
PARTS = 4


_pool: list[int] = []


def use_threads(count: int) -> None:
    """Let the loops use `count` threads, at most as many as at the first call."""
    if not _pool:
        # The pool opens with the first loop. Threads that it has in excess would wait busily at the end of each loop.
        # Numba reads its setting at import, so the number that it opens the pool with is set as well.
        settings: Any = numba.config
        _pool.append(min(count, settings.NUMBA_NUM_THREADS))
        settings.NUMBA_NUM_THREADS = parallel.NUM_THREADS = _pool[0]
    numba.set_num_threads(min(count, _pool[0]))


@njit(cache=CACHE, nogil=True)
def _same(codes: Array, b: int, top: int, left: int, kernel: int, member: Array) -> bool:  # pragma: no cover
    height, width = codes.shape[1], codes.shape[2]
    for i in range(kernel):
        y = top + i
        for j in range(kernel):
            x = left + j
            inside = 0 <= y < height and 0 <= x < width
            if (codes[b, y, x] if inside else -1) != member[i * kernel + j]:
                return False
    return True


@njit(cache=CACHE, nogil=True)
def distinct_windows(codes: Array, kernel: int, stride: int, padding: int) -> tuple[Array, Array]:  # pragma: no cover
    """Number the distinct windows of a code map (B H W int32) in order of first appearance.

    Returns the windows (U kernel*kernel int32, -1 outside the image) and which of them each place has (B h w int32).
    """
    batch, height, width = codes.shape
    out_h = (height + 2 * padding - kernel) // stride + 1
    out_w = (width + 2 * padding - kernel) // stride + 1
    index = np.empty((batch, out_h, out_w), np.int32)
    places = batch * out_h * out_w
    bits = 4
    while (1 << bits) < 2 * places:
        bits += 1
    mask = (1 << bits) - 1
    slots = np.full(1 << bits, -1, np.int32)
    capacity = 1024
    members = np.empty((capacity, kernel * kernel), np.int32)
    count = 0
    for b in range(batch):
        for oy in range(out_h):
            previous = -1
            for ox in range(out_w):
                top, left = oy * stride - padding, ox * stride - padding
                if previous >= 0 and _same(codes, b, top, left, kernel, members[previous]):
                    index[b, oy, ox] = previous
                    continue
                key = np.uint64(14695981039346656037)
                for i in range(kernel):
                    y = top + i
                    for j in range(kernel):
                        x = left + j
                        inside = 0 <= y < height and 0 <= x < width
                        code = codes[b, y, x] if inside else -1
                        key = (key ^ np.uint64(code + 1)) * np.uint64(1099511628211)
                        key ^= key >> np.uint64(29)
                slot = np.int64(key & np.uint64(mask))
                while slots[slot] >= 0 and not _same(codes, b, top, left, kernel, members[slots[slot]]):
                    slot = (slot + 1) & mask
                if slots[slot] < 0:
                    if count == capacity:
                        grown = np.empty((2 * capacity, kernel * kernel), np.int32)
                        grown[:capacity] = members
                        members, capacity = grown, 2 * capacity
                    for i in range(kernel):
                        y = top + i
                        for j in range(kernel):
                            x = left + j
                            inside = 0 <= y < height and 0 <= x < width
                            members[count, i * kernel + j] = codes[b, y, x] if inside else -1
                    slots[slot] = count
                    count += 1
                previous = slots[slot]
                index[b, oy, ox] = previous
    return members[:count].copy(), index


@njit(cache=CACHE, nogil=True)
def connected_regions(labels: Array, out: Array, corners: bool) -> None:  # pragma: no cover
    """Number the regions of equal labels (H W) that hang together, from 0 in order of their first pixel.

    Pixels hang together by their sides, with `corners` also by these.
    """
    height, width = labels.shape
    out[:] = -1
    waiting = np.empty(height * width, np.int64)
    count = 0
    for start in range(height * width):
        if out[start // width, start % width] >= 0:
            continue
        out[start // width, start % width] = count
        waiting[0], filled = start, 1
        while filled:
            filled -= 1
            y, x = waiting[filled] // width, waiting[filled] % width
            for neighbour in range(9):
                step_y, step_x = neighbour // 3 - 1, neighbour % 3 - 1
                if step_y != 0 and step_x != 0 and not corners:
                    continue
                b, a = y + step_y, x + step_x
                if 0 <= b < height and 0 <= a < width and out[b, a] < 0 and labels[b, a] == labels[y, x]:
                    out[b, a] = count
                    waiting[filled] = b * width + a
                    filled += 1
        count += 1


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def affine(x: Array, index: Array, rows: Array, slope: Scalar, out: Array) -> None:  # pragma: no cover
    """out = leaky(x[nearest] * scale[index] + shift[index]).

    x: B h w C; index: B H W with H, W multiples of h, w (nearest upsampling); rows: U 2C, scale and then shift;
    out: B H W C. `slope` is a scalar of the arrays' type, or the loop would run in double precision.
    """
    batch, height, width = index.shape
    up_y, up_x = height // x.shape[1], width // x.shape[2]
    channels = x.shape[3]
    for line in prange(batch * height):
        b, y = line // height, line % height
        for i in range(width):
            u = index[b, y, i]
            pixel = x[b, y // up_y, i // up_x]
            target = out[b, y, i]
            for c in range(channels):
                value = pixel[c] * rows[u, c] + rows[u, channels + c]
                target[c] = value if value > 0 else slope * value


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def affine_gradients(
    gradient: Array, x: Array, index: Array, rows: Array, slope: Scalar, x_gradient: Array, sums: Array
) -> None:  # pragma: no cover
    """Gradients of `affine`: adds to x_gradient (B h w C), and to sums (PARTS U 2C), partial sums of that of `rows`."""
    batch, height, width = index.shape
    low_h = x.shape[1]
    up_y, up_x = height // low_h, width // x.shape[2]
    channels = x.shape[3]
    parts = sums.shape[0]
    lines = batch * low_h
    for part in prange(parts):
        for line in range(part * lines // parts, (part + 1) * lines // parts):
            b, low_y = line // low_h, line % low_h
            for sub in range(up_y):
                y = low_y * up_y + sub
                for i in range(width):
                    u = index[b, y, i]
                    pixel, of_pixel = x[b, low_y, i // up_x], x_gradient[b, low_y, i // up_x]
                    above = gradient[b, y, i]
                    sink = sums[part, u]
                    for c in range(channels):
                        value = pixel[c] * rows[u, c] + rows[u, channels + c]
                        inner = above[c] if value > 0 else slope * above[c]
                        of_pixel[c] += inner * rows[u, c]
                        sink[c] += inner * pixel[c]
                        sink[channels + c] += inner


# Channels transformed at a time by the two loops below: the tile being worked on stays in the first-level cache.
BLOCK = 128


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def tiles_in(padded: Array, matrix: Array, step: int, start: int, out: Array) -> None:  # pragma: no cover
    """out = matrix d matrix' for tiles d of a x a pixels, `step` apart, from the `start`-th row of tiles on.

    padded: B H W C; matrix: a a; out: a*a T C with the tiles of all images row by row, some whole rows of them.
    """
    size, channels = matrix.shape[0], padded.shape[3]
    down, across = (padded.shape[1] - size) // step + 1, (padded.shape[2] - size) // step + 1
    for line in prange(out.shape[1] // across):
        b, top = (start + line) // down, (start + line) % down * step
        half = np.empty((size, size, BLOCK), padded.dtype)
        for tile in range(across):
            left = tile * step
            for first in range(0, channels, BLOCK):
                count = min(BLOCK, channels - first)
                half[:] = 0
                for i in range(size):
                    for k in range(size):
                        if matrix[i, k] != 0:
                            for j in range(size):
                                for c in range(count):
                                    half[i, j, c] += matrix[i, k] * padded[b, top + k, left + j, first + c]
                for i in range(size):
                    for j in range(size):
                        target = out[i * size + j, line * across + tile, first : first + count]
                        target[:] = 0
                        for k in range(size):
                            if matrix[j, k] != 0:
                                for c in range(count):
                                    target[c] += matrix[j, k] * half[i, k, c]


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def tiles_out(products: Array, matrix: Array, bias: Array, start: int, out: Array) -> None:  # pragma: no cover
    """Tiles of m x m pixels of out = matrix p matrix' + bias, from the `start`-th row of tiles on.

    products: a*a T C, some whole rows of tiles; matrix: m a; bias: C; out: B H W C with H, W multiples of m.
    """
    step, size = matrix.shape
    channels = products.shape[2]
    down, across = out.shape[1] // step, out.shape[2] // step
    for line in prange(products.shape[1] // across):
        b, top = (start + line) // down, (start + line) % down * step
        half = np.empty((step, size, BLOCK), products.dtype)
        for tile in range(across):
            for first in range(0, channels, BLOCK):
                count = min(BLOCK, channels - first)
                half[:] = 0
                for i in range(step):
                    for k in range(size):
                        if matrix[i, k] != 0:
                            for j in range(size):
                                for c in range(count):
                                    half[i, j, c] += (
                                        matrix[i, k] * products[k * size + j, line * across + tile, first + c]
                                    )
                for i in range(step):
                    for j in range(step):
                        target = out[b, top + i, tile * step + j, first : first + count]
                        target[:] = bias[first : first + count]
                        for k in range(size):
                            if matrix[j, k] != 0:
                                for c in range(count):
                                    target[c] += matrix[j, k] * half[i, k, c]


@njit(cache=CACHE, nogil=True)
def crc32c(data: Array, table: Array) -> Any:  # pragma: no cover
    """The CRC-32C checksum of bytes (uint8); `table` (256 uint32) holds what each byte does to it."""
    checksum = np.uint32(0xFFFFFFFF)
    for byte in data:
        checksum = table[(checksum ^ byte) & np.uint32(0xFF)] ^ (checksum >> np.uint32(8))
    return checksum ^ np.uint32(0xFFFFFFFF)
