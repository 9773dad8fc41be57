"""A server that runs until it is told to stop, and then finishes what it took in."""

from __future__ import annotations

import errno
import signal
import socket

import uvicorn
from fastapi import FastAPI

from intarsia.errors import ConfigError

BACKLOG = 2048
LAST_PORT = 65535
KEEP_ALIVE = 30  # seconds that an idle connection stays open


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; from now on connections wait to be answered.

    Args:
        host: name or address.
        port: 0 takes a free one.

    Raises:
        ConfigError: the port is taken or not allowed, or the host is none of this machine.
    """
    if not 0 <= port <= LAST_PORT:
        raise ConfigError(f"there is no port {port}. Choose 0..{LAST_PORT}.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Not `create_server` with dual stacks: whoever says 127.0.0.1 means that alone.
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} of {host} is taken. Choose another --port, or 0 for a free one.") from None
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error.strerror}). Choose another --host or --port."
        ) from None


def url_of(listening: socket.socket) -> str:
    """Where a browser finds a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_forever(app: FastAPI, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; what was taken in by then is answered first."""
    config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=KEEP_ALIVE, server_header=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        # The server catches these while it runs, and passes them on when it has finished: nothing is left to do then.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])
