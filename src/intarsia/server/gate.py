"""What a request meets before anything looks into it: who may enter, how many, and how much they may bring.

Hosts and origins: a page of another site can make a browser send requests to a server on the same machine. It cannot
fake the headers Host and Origin, so those are looked at: the first must be a name of this machine (while the server is
bound to it alone), the second the server itself or a site that was allowed.
"""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia.server.metrics import Metrics
from intarsia.server.settings import LOOPBACK, Settings

OPEN = ("/v1/health", "/openapi.json")  # to everybody; so is the page, which cannot bring a token when it is opened
GUARDED = ("/v1/", "/metrics")
DRAINED = 2**20  # bytes of a body that is refused
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
        "connect-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


@dataclass(eq=False)
class Gate:
    """ASGI middleware around the whole application."""

    app: ASGIApp
    settings: Settings
    metrics: Metrics
    wait: Callable[[], float]  # seconds until a place is likely to be free
    in_hand: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it with what is wrong."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        try:
            await self._admit(scope, receive, marked)
        finally:
            # Paths that lead nowhere are counted as one, or anybody could fill the memory with names.
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - began)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope, Headers(scope=scope))
        if refused is not None:
            await _drained(receive)
            await refused(scope, receive, send)
        elif scope["method"] not in ("POST", "PUT"):
            await self.app(scope, receive, send)
        elif self.in_hand >= self.settings.queue:
            seconds = max(1, math.ceil(self.wait()))
            full = _problem(429, f"{self.in_hand} requests are in hand, as many as fit. Try again in {seconds} s.")
            full.headers["retry-after"] = str(seconds)
            await _drained(receive)
            await full(scope, receive, send)
        else:
            self.in_hand += 1
            self.metrics.in_hand.set(self.in_hand)
            try:
                await self.app(scope, self._measured(receive), send)
            finally:
                self.in_hand -= 1
                self.metrics.in_hand.set(self.in_hand)

    def _refused(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        settings, host, origin = self.settings, headers.get("host", ""), headers.get("origin")
        if settings.on_loopback and _host_name(host) not in LOOPBACK:
            return _problem(
                421, f"host {host[:80]} is not this machine. Ask for {settings.host}, or start with --host."
            )
        if origin is not None and origin not in settings.origins and origin.partition("://")[2] != host:
            return _problem(403, f"pages of {origin[:80]} may not call this server. Allow them with --cors.")
        asking = scope["method"] == "OPTIONS"  # browsers ask whether they may before they bring the token
        if not asking and not self._known(scope["path"], headers.get("authorization", "")):
            wrong = _problem(401, "the bearer token is missing or wrong. Send the header Authorization: Bearer TOKEN.")
            wrong.headers["www-authenticate"] = "Bearer"
            return wrong
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > settings.most_bytes:
            return _problem(413, _too_much(settings.most_bytes))
        return None

    def _known(self, path: str, authorization: str) -> bool:
        if self.settings.token is None or path in OPEN or not path.startswith(GUARDED):
            return True
        kind, _, token = authorization.partition(" ")
        same = hmac.compare_digest(token.strip().encode(), self.settings.token.encode())
        return kind.lower() == "bearer" and same

    def _measured(self, receive: Receive) -> Receive:
        """The body, as much as is allowed of it and as long as it may take."""
        came, deadline, whole = 0, time.monotonic() + self.settings.body_seconds, False

        async def measured() -> Message:
            nonlocal came, whole
            try:
                # After the body, what comes is the news that whoever asked has gone: that may take its time.
                async with asyncio.timeout(None if whole else max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body took too long to arrive. Send it again.") from None
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > self.settings.most_bytes:
                raise HTTPException(413, _too_much(self.settings.most_bytes))
            return message

        return measured


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # half an IPv6 address
        return None


async def _drained(receive: Receive) -> None:
    """Read a small body and forget it: a connection that is closed over unread bytes takes the answer with it."""
    came, more = 0, True
    while more and came < DRAINED:
        message = await receive()
        came += len(message.get("body", b""))
        more = message.get("more_body", False)


def _problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)


def _too_much(most: int) -> str:
    return f"the body is larger than {most} bytes. Send less, or start the server with a larger --most-bytes."
