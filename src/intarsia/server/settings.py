"""What whoever starts a server decides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """Limits and doors of a server."""

    host: str = "127.0.0.1"
    projects: Path | None = None  # folder for them; None: none are kept
    token: str | None = None  # what requests must bring; None: nothing
    origins: tuple[str, ...] = ()  # other sites whose pages may call the API
    queue: int = 32  # requests in hand at a time, from the first byte of their body to the last of their answer
    batch: int = 4  # label maps rendered together, at most
    most_bytes: int = 32 * MIB  # of a request's body
    most_pixels: int = 2048 * 1024  # of a label map, instance map or photo
    most_variants: int = 16  # of one request
    body_seconds: float = 60.0  # for a body to arrive in

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine is to reach the server."""
        return self.host in LOOPBACK
