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


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def depthwise(x: Array, taps: Array, out: Array) -> None:  # pragma: no cover
    """Each channel convolved with a 3x3 kernel of each pixel's own: out[p] = sum over t of taps[p, t] * x[p + t].

    x and out: B H W C; taps: B H W 9 C, the kernel's entries row by row.
    """
    batch, height, width, channels = x.shape
    for line in prange(batch * height):
        b, y = line // height, line % height
        for i in range(width):
            target = out[b, y, i]
            target[:] = 0
            for tap in range(9):
                v, u = y + tap // 3 - 1, i + tap % 3 - 1
                if 0 <= v < height and 0 <= u < width:
                    pixel, factor = x[b, v, u], taps[b, y, i, tap]
                    for c in range(channels):
                        target[c] += factor[c] * pixel[c]


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def depthwise_gradients(
    gradient: Array, x: Array, taps: Array, x_gradient: Array, taps_gradient: Array
) -> None:  # pragma: no cover
    """Gradients of `depthwise`: writes x_gradient (B H W C) and taps_gradient (B H W 9 C)."""
    batch, height, width, channels = x.shape
    for line in prange(batch * height):
        b, y = line // height, line % height
        for i in range(width):
            above, of_pixel = gradient[b, y, i], x_gradient[b, y, i]
            of_pixel[:] = 0
            for tap in range(9):
                down, across = tap // 3 - 1, tap % 3 - 1
                of_tap = taps_gradient[b, y, i, tap]
                if 0 <= y + down < height and 0 <= i + across < width:
                    pixel = x[b, y + down, i + across]
                    for c in range(channels):
                        of_tap[c] = above[c] * pixel[c]
                else:
                    of_tap[:] = 0
                if 0 <= y - down < height and 0 <= i - across < width:
                    other, factor = gradient[b, y - down, i - across], taps[b, y - down, i - across, tap]
                    for c in range(channels):
                        of_pixel[c] += other[c] * factor[c]


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def class_products(x: Array, owner: Array, weight: Array, out: Array) -> None:  # pragma: no cover
    """What each pixel gives through the kernel of its own class: out[p] = x[p] @ weight[owner[p]].

    x: N W; owner: N int32, the class of each pixel; weight: K W T; out: N T.
    """
    for p in prange(len(x)):
        target, kernel = out[p], weight[owner[p]]
        target[:] = 0
        for w in range(x.shape[1]):
            value, row = x[p, w], kernel[w]
            for t in range(len(target)):
                target[t] += value * row[t]


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def class_products_gradients(
    gradient: Array, x: Array, owner: Array, weight: Array, x_gradient: Array, sums: Array
) -> None:  # pragma: no cover
    """Gradients of `class_products`: writes x_gradient (N W), adds to sums (PARTS K W T) that of `weight` in parts.

    `weight` has the taps before the channels here, K T W, so that both loops run along memory.
    """
    parts, count = len(sums), len(x)
    for part in prange(parts):
        for p in range(part * count // parts, (part + 1) * count // parts):
            kernel, sink = weight[owner[p]], sums[part, owner[p]]
            above, of_pixel = gradient[p], x_gradient[p]
            of_pixel[:] = 0
            for t in range(len(above)):
                value, row = above[t], kernel[t]
                for w in range(x.shape[1]):
                    of_pixel[w] += value * row[w]
            for w in range(x.shape[1]):
                value, row = x[p, w], sink[w]
                for t in range(len(above)):
                    row[t] += value * above[t]


@njit(cache=CACHE, nogil=True, parallel=True, fastmath={"contract"})
def gather_taps(products: Array, owner: Array, kernel: int, out: Array) -> None:  # pragma: no cover
    """Adds up, for each place and class, what the pixels of that class in its window give: a convolution's last step.

    products: B H W T C, what a pixel gives at each of the `kernel` * `kernel` taps; owner: B H W int32, its class;
    out: B h w K C, added to, with h = H - kernel + 1 and w likewise.
    """
    batch, height, width = out.shape[:3]
    colours = out.shape[4]
    for line in prange(batch * height):
        b, y = line // height, line % height
        for i in range(kernel):
            for x in range(width):
                target = out[b, y, x]
                for j in range(kernel):
                    value, k = products[b, y + i, x + j, i * kernel + j], owner[b, y + i, x + j]
                    for c in range(colours):
                        target[k, c] += value[c]


@njit(cache=CACHE, nogil=True, parallel=True)
def gather_taps_gradients(gradient: Array, owner: Array, kernel: int, out: Array) -> None:  # pragma: no cover
    """Gradient of `gather_taps`: writes out (B H W T C) from gradient (B h w K C)."""
    batch, height, width = owner.shape
    low, narrow, colours = gradient.shape[1], gradient.shape[2], gradient.shape[4]
    for line in prange(batch * height):
        b, y = line // height, line % height
        for x in range(width):
            k = owner[b, y, x]
            for i in range(kernel):
                for j in range(kernel):
                    target = out[b, y, x, i * kernel + j]
                    if 0 <= y - i < low and 0 <= x - j < narrow:
                        source = gradient[b, y - i, x - j, k]
                        for c in range(colours):
                            target[c] = source[c]
                    else:
                        target[:] = 0


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


@njit(cache=CACHE, nogil=True)
def outer_contour(inside: Array) -> Array:  # pragma: no cover
    """Find the pixels of a mask whose left, right, upper or lower neighbour lies in the background around it.

    inside: H+2 W+2 bool, a mask with a margin of False. Returns places in the mask without it (N int32), row by row.
    Holes of the mask are no background around it.
    """
    height, width = inside.shape
    mask = inside.ravel()
    outside = np.zeros(height * width, np.bool_)
    waiting = np.empty(height * width, np.int32)
    waiting[0], filled = 0, 1
    outside[0] = True
    while filled:
        filled -= 1
        place = waiting[filled]
        y, x = place // width, place % width
        for step_y, step_x in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            b, a = y + step_y, x + step_x
            if 0 <= b < height and 0 <= a < width:
                beside = b * width + a
                if not outside[beside] and not mask[beside]:
                    outside[beside] = True
                    waiting[filled] = beside
                    filled += 1
    count = 0
    contour = np.empty(height * width, np.int32)
    for place in range(width, (height - 1) * width):
        if mask[place] and (
            outside[place - 1] or outside[place + 1] or outside[place - width] or outside[place + width]
        ):
            contour[count] = (place // width - 1) * (width - 2) + place % width - 1
            count += 1
    return contour[:count].copy()


@njit(cache=CACHE, nogil=True)
def widest(contour: Array, height: int, width: int) -> int:  # pragma: no cover
    """The largest squared distance between two pixels of a contour, places in an image of `height` x `width`."""
    # Of each row only the ends can be that far apart.
    first, last = np.full(height, width, np.int64), np.full(height, -1, np.int64)
    for place in contour:
        y, x = place // width, place % width
        first[y], last[y] = min(first[y], x), max(last[y], x)
    largest = 0
    for y in range(height):
        if last[y] < 0:
            continue
        for b in range(y, height):
            if last[b] >= 0:
                across = max(last[b] - first[y], last[y] - first[b])
                largest = max(largest, (b - y) * (b - y) + across * across)
    return largest


@njit(cache=CACHE, nogil=True)
def shape_context(
    number: Array, contour: Array, limits: Array, angles: Array, bins: int, upright: bool, counts: Array
) -> None:  # pragma: no cover
    """Count, for each pixel of an object, its contour's pixels by distance and direction.

    As a pixel moves along a line, a contour pixel changes its bin a few times only: what is counted is changes, and
    their running sum is the descriptor. So lines should run along the object's longer side.

    number: H W int32, the row of `counts` for each pixel of the object and -1 for others; contour: N int32 places in
    it; limits: R-1 int64, the largest squared distance of each ring but the outermost, falling; angles: 2S-1 2S-1 uint8
    sector by row and column difference (its middle is 0, 0), S at least H and W; bins: sectors; upright: whether lines
    are columns, so that `number` and `contour` come transposed; counts: P R*bins, ring 0 is the outermost.
    """
    height, width = number.shape
    middle, every = angles.shape[0] // 2, counts.shape[1]
    across = 2 * width - 1
    # The bin of each difference of places, and by line difference the places where it changes.
    lookup = np.empty((2 * height - 1, across), np.uint8)
    begins = np.empty((2 * height - 1, across), np.int32)
    runs = np.zeros(2 * height - 1, np.int32)
    for row in range(2 * height - 1):
        for column in range(across):
            down, right = row - height + 1, column - width + 1
            distance = down * down + right * right
            ring = 0
            for limit in limits:
                ring += distance <= limit
            sector = angles[middle + right, middle + down] if upright else angles[middle + down, middle + right]
            lookup[row, column] = ring * bins + sector
            if column == 0 or lookup[row, column] != lookup[row, column - 1]:
                begins[row, runs[row]] = column
                runs[row] += 1
    changes = np.zeros((width, every), np.int32)
    sums = np.empty(every, np.int32)
    for y in range(height):
        changes[:] = 0
        for place in contour:
            row = y - place // width + height - 1
            # Column x sees this contour pixel at column first + x of the table.
            first = width - 1 - place % width
            changes[0, lookup[row, first]] += 1
            low, high = 0, runs[row]
            while low < high:
                half = (low + high) // 2
                if begins[row, half] <= first:
                    low = half + 1
                else:
                    high = half
            for run in range(low, runs[row]):
                column = begins[row, run]
                if column - first >= width:
                    break
                changes[column - first, lookup[row, column]] += 1
                changes[column - first, lookup[row, column - 1]] -= 1
        sums[:] = 0
        for x in range(width):
            for entry in range(every):
                sums[entry] += changes[x, entry]
            pixel = number[y, x]
            if pixel >= 0:
                for entry in range(every):
                    counts[pixel, entry] = sums[entry]


@njit(cache=CACHE, nogil=True)
def shares(counts: Array, inside: Array, out: Array) -> None:  # pragma: no cover
    """Counts (P C) by their sum, into the places of out (N C) that are inside (N bool), in order; zeros elsewhere."""
    pixel = 0
    for place in range(len(inside)):
        total = np.float32(0)
        if inside[place]:
            for entry in range(counts.shape[1]):
                total += np.float32(counts[pixel, entry])
        for entry in range(counts.shape[1]):
            out[place, entry] = np.float32(counts[pixel, entry]) / total if total > 0 else np.float32(0)
        pixel += inside[place]
