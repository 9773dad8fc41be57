"""The application: doors, errors, and what runs while it is open.

A request for a photo goes: gate (`gate.py`), fields to arrays (`forms.py`, in a thread of the pool), the engine's queue
(`engine.py`), the workshop with the model (`workshop.py`), and the photo as a file (`pictures.py`, in a thread again).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from intarsia.errors import CheckpointError, IntarsiaError, StorageError
from intarsia.server import model_routes, photo_routes, project_routes
from intarsia.server.catalogue import Catalogue, UnknownNameError
from intarsia.server.engine import Engine, Job, SupersededError
from intarsia.server.gate import Gate
from intarsia.server.metrics import Metrics
from intarsia.server.projects import Projects
from intarsia.server.schemas import problem
from intarsia.server.settings import Settings
from intarsia.server.shop import Shop
from intarsia.server.workshop import Workshop

STATIC = Path(__file__).parent / "static"
STATUS: Mapping[type[IntarsiaError], int] = {
    UnknownNameError: 404,
    SupersededError: 409,
    CheckpointError: 503,
    StorageError: 507,
    IntarsiaError: 422,
}
"""Kind of error -> status, the first that fits."""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: problem(text)
    for status, text in {
        400: "The body is no form.",
        401: "The bearer token is missing or wrong.",
        403: "The origin may not call this server.",
        404: "There is nothing of that name.",
        408: "The body took too long to arrive.",
        413: "The body is too large.",
        421: "The host is not this machine.",
        422: "A field is wrong; the detail names it.",
        503: "The model cannot be read.",
    }.items()
}
log = logging.getLogger("intarsia.server")


def create_app(
    catalogue: Catalogue, settings: Settings | None = None, *, device: str = "cpu", warm: bool = False
) -> FastAPI:
    """The API and the page, for any ASGI server; the engine runs while the application's lifespan does.

    Args:
        catalogue: the models on offer.
        settings: limits and doors.
        device: to compute on.
        warm: read the default model and render once when the application starts, before anybody asks.
    """
    settings = settings or Settings()
    metrics = Metrics()
    workshop = Workshop(device, loaded=lambda name: metrics.loads.labels(name).inc())
    engine = Engine(workshop.render_together, settings.batch, metrics.job_done)
    projects = None if settings.projects is None else Projects(settings.projects)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine.start()
        if warm:
            engine.submit(Job(lambda: workshop.warm(catalogue.models[0])))
        try:
            yield
        finally:
            engine.close()

    app = FastAPI(
        title="Intarsia",
        summary="A label map goes in, a photo comes out.",
        version=version("intarsia"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,  # its page would be fetched from elsewhere
        redoc_url=None,
        responses=PROBLEMS,
    )
    app.state.shop = Shop(catalogue, settings, metrics, workshop, engine, projects)
    for kind in (IntarsiaError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _told)
    for routes in (model_routes, photo_routes, project_routes):
        app.include_router(routes.router)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST", "PUT", "DELETE"),
            allow_headers=("authorization", "content-type"),
            expose_headers=("x-seed", "x-milliseconds", "x-seeds", "retry-after"),
        )
    app.add_middleware(Gate, settings=settings, metrics=metrics, wait=lambda: engine.seconds * (1 + engine.waiting))
    if STATIC.is_dir():
        app.mount("/", StaticFiles(directory=STATIC, html=True))
    return app


async def _told(request: Request, error: Exception) -> Response:
    """Any error as a status and one line of JSON."""
    if isinstance(error, HTTPException):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    if isinstance(error, RequestValidationError):
        return JSONResponse({"detail": _first(error)}, 422)
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return JSONResponse({"detail": str(error)}, status)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": "the server failed. Its log says why."}, 500)


def _first(error: RequestValidationError) -> str:
    """The first thing that is wrong with a request, in one line."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    return f"{place}: {first['msg'].rstrip('.')}. Correct it."
