"""What the routes of an application share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from intarsia.server.catalogue import Catalogue
from intarsia.server.engine import Engine, Job
from intarsia.server.metrics import Metrics
from intarsia.server.projects import Projects
from intarsia.server.settings import Settings
from intarsia.server.workshop import Workshop

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Shop:
    """The parts of a server."""

    catalogue: Catalogue
    settings: Settings
    metrics: Metrics
    workshop: Workshop  # for the engine's thread only
    engine: Engine
    projects: Projects | None

    async def done(self, job: Job) -> Any:
        """Hand a job to the engine and wait for its result; what it raises comes through."""
        return await asyncio.wrap_future(self.engine.submit(job))

    async def compute(self, work: Callable[[Workshop], Result]) -> Result:
        """A result of the workshop, in its turn."""
        result: Result = await self.done(Job(lambda: work(self.workshop)))
        return result


def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


InShop = Annotated[Shop, Depends(_shop)]
aside = run_in_threadpool
"""Work that is not the model's: reading and writing pictures and files."""
