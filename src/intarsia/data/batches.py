"""Batches in an order that depends on the seed alone: any step can be had at any time, on any number of processes."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from intarsia.data.pairs import Pair
from intarsia.data.sources import Source
from intarsia.errors import ConfigError
from intarsia.records import Batch, Sample, stack


@dataclass(frozen=True, eq=False)
class Batches:
    """An endless row of batches; the one at step k is a function of `seed` and k alone.

    An epoch is a seeded permutation of the source's photos (each `listing.visits` times); what does not fill a
    batch is dropped. With `world` processes, the batches of all ranks at step k are, in the order of ranks, the one
    batch of `batch * world` that a single process would have. So resuming is `starting(step)`, and nothing is saved.

    Raises:
        ConfigError: an epoch has fewer samples than the batch of all processes.
    """

    source: Source
    draw: Callable[[Pair, random.Random], Sample]  # a random cut of a photo: a function of its arguments
    batch: int  # of this process
    seed: int
    rank: int = 0
    world: int = 1
    workers: int = 0  # threads that read ahead; 0 reads when asked

    def __post_init__(self) -> None:
        if self.batches_per_epoch < 1:
            raise ConfigError(
                f"an epoch of {self.source.spec} has {self._visits} samples, fewer than one batch of "
                f"{self.batch * self.world}. Set a smaller batch."
            )

    @property
    def batches_per_epoch(self) -> int:
        """Steps in an epoch."""
        return self._visits // (self.batch * self.world)

    def at(self, step: int) -> Batch:
        """The batch of this process at `step` (0, 1, ...).

        Raises:
            DataError: a file is missing or damaged, sizes differ, or a photo is smaller than the crop.
            LabelError: a label is not in the label space.
        """
        first = (step % self.batches_per_epoch) * self.batch * self.world + self.rank * self.batch
        epoch = step // self.batches_per_epoch
        return stack([self._sample(epoch, place) for place in range(first, first + self.batch)])

    def starting(self, step: int) -> Iterator[Batch]:
        """The batches from `step` on, without end; `workers` threads read ahead, two batches each."""
        if not self.workers:
            while True:
                yield self.at(step)
                step += 1
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="batches")
        try:
            ahead: deque[Future[Batch]] = deque()
            while True:
                while len(ahead) < 2 * self.workers:
                    ahead.append(pool.submit(self.at, step))
                    step += 1
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    @property
    def _visits(self) -> int:
        return len(self.source) * self.source.listing.visits

    def _sample(self, epoch: int, place: int) -> Sample:
        pair = self.source.pair(_order(self._visits, self.seed, epoch)[place] % len(self.source))
        return self.draw(pair, random.Random(f"{self.seed}/{epoch}/{place}"))


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    """The epoch's permutation of 0 .. count - 1."""
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return tuple(order)
