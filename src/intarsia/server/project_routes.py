"""Projects: ZIP files, kept whole in the folder that the server was started with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath

from intarsia.server.catalogue import UnknownNameError
from intarsia.server.projects import NAME, Projects
from intarsia.server.schemas import ProjectEntry, problem
from intarsia.server.shop import InShop, Shop, aside

router = APIRouter(prefix="/v1/projects", tags=["projects"])
ProjectName = Annotated[str, InPath(description=f"Up to 80 characters: {NAME}", examples=["my street"])]
ZIP = "application/zip"
ZIP_CONTENT = {ZIP: {"schema": {"type": "string", "format": "binary"}}}


@router.get("")
async def projects(shop: InShop) -> list[ProjectEntry]:
    """The projects that are kept, by name."""
    kept = _kept(shop)
    return [ProjectEntry(name=each.name, bytes=each.bytes, modified=each.modified) for each in await aside(kept.list)]


@router.get("/{name}", response_class=Response, responses={200: {"content": ZIP_CONTENT}})
async def project(shop: InShop, name: ProjectName) -> Response:
    """A project's bytes, as they were saved."""
    return Response(await aside(_kept(shop).read, name), media_type=ZIP)


@router.put(
    "/{name}",
    status_code=204,
    responses={
        201: {"description": "Saved; there was none of that name."},
        204: {"description": "Replaced."},
        429: problem("As many requests are in hand as fit."),
        507: problem("The disk is full."),
    },
    openapi_extra={"requestBody": {"required": True, "content": ZIP_CONTENT}},
)
async def save(shop: InShop, name: ProjectName, request: Request) -> Response:
    """Save a project, whole or not at all; one of the same name is replaced."""
    new = await aside(_kept(shop).write, name, await request.body())
    return Response(status_code=201 if new else 204)


@router.delete("/{name}", status_code=204)
async def delete(shop: InShop, name: ProjectName) -> None:
    """Remove a project."""
    await aside(_kept(shop).delete, name)


def _kept(shop: Shop) -> Projects:
    if shop.projects is None:
        raise UnknownNameError("this server keeps no projects. Start it with --projects FOLDER.")
    return shop.projects
