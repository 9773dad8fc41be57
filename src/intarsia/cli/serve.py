"""`intarsia serve` and `intarsia studio`: the HTTP API, and the page that paints with it."""

from __future__ import annotations

import importlib.util
import os
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from cyclopts import Parameter

from intarsia.cli.device import pick_device
from intarsia.cli.options import at_least
from intarsia.cli.say import notice
from intarsia.errors import ConfigError

if TYPE_CHECKING:
    from intarsia.server.settings import Settings

TOKEN = "INTARSIA_TOKEN"
HOME_PROJECTS = Path("~/.intarsia/projects")


@Parameter(name="*")
@dataclass(frozen=True)
class Server:
    """What both commands are told.

    Attributes
    ----------
    model
        A model to offer beside the bundled ones: NAME=FOLDER, a folder, or a Hugging Face hub id; may be given several
        times. The first is the default.
    segmenter
        A segmenter to offer beside the bundled ones, likewise.
    bank
        NAME=FILE: the style bank of a model (intarsia style build); may be given several times.
    host
        Address to listen at. The default lets only this machine in.
    port
        Port to listen at; 0 takes a free one.
    cors
        Site whose pages may call the API, such as https://example.org; may be given several times.
    queue
        Requests in hand at a time; more are told to come back (429).
    batch
        Label maps rendered together, at most.
    most_bytes
        Of a request's body.
    most_pixels
        Of a label map or photo.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1, ...
    """

    model: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    segmenter: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    bank: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    cors: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    queue: int = 32
    batch: int = 4
    most_bytes: int = 32 * 2**20
    most_pixels: int = 2048 * 1024
    device: str = "auto"

    def settings(self, projects: Path | None) -> Settings:
        """The server's settings.

        Raises:
            ConfigError: a limit is too small.
        """
        _need_server()
        from intarsia.server.settings import Settings

        at_least(1, queue=self.queue, batch=self.batch, most_bytes=self.most_bytes, most_pixels=self.most_pixels)
        token = os.environ.get(TOKEN) or None
        settings = Settings(
            host=self.host,
            projects=projects,
            token=token,
            origins=self.cors,
            queue=self.queue,
            batch=self.batch,
            most_bytes=self.most_bytes,
            most_pixels=self.most_pixels,
        )
        if not settings.on_loopback and token is None:
            notice(f"others can reach {self.host} and need no token: set {TOKEN} to ask for one.")
        return settings


DEFAULTS = Server()


def serve(*, projects: Path | None = None, server: Server = DEFAULTS) -> None:
    """Serve the HTTP API and the studio's page until Ctrl-C. docs/server.md describes it.

    With the environment variable INTARSIA_TOKEN set, requests need it as their bearer token.

    Parameters
    ----------
    projects
        Folder to keep projects in; without it none are kept.
    server
        What both commands are told.
    """
    _run(server, server.settings(projects), open_page=False)


def studio(*, projects: Path = HOME_PROJECTS, server: Server = DEFAULTS) -> None:
    """Paint label maps in the browser and watch the photo: serve, and open the page.

    Parameters
    ----------
    projects
        Folder to keep projects in.
    server
        What both commands are told.
    """
    _run(server, server.settings(projects.expanduser()), open_page=True)


def _run(server: Server, settings: Settings, *, open_page: bool) -> None:
    from intarsia.server.app import create_app
    from intarsia.server.catalogue import gathered
    from intarsia.server.running import bound, serve_forever, url_of

    catalogue = gathered(server.model, server.segmenter, server.bank)
    app = create_app(catalogue, settings, device=pick_device(server.device), warm=True)
    listening = bound(server.host, server.port)
    url = url_of(listening)
    print(f"serving {catalogue.models[0].name} at {url} (Ctrl-C stops)", flush=True)
    # The token goes after the #, which browsers keep to themselves.
    page = url if settings.token is None else f"{url}/#token={quote(settings.token)}"
    if open_page:
        webbrowser.open(page)  # the socket listens already: the page waits for the server, not the other way round
    serve_forever(app, listening)


def _need_server() -> None:
    for package in ("fastapi", "uvicorn", "prometheus_client", "python_multipart"):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"the server needs {package}, which is not installed: pip install 'intarsia[studio]'")
