"""A server over untrained small models, and what tests send it."""

import io
import json
import threading
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np
import uvicorn
from PIL import Image
from starlette.testclient import TestClient

from intarsia.server.app import create_app
from intarsia.server.catalogue import gathered
from intarsia.server.running import bound, url_of
from intarsia.server.settings import Settings


def png(array, mode=None):
    file = io.BytesIO()
    Image.fromarray(np.asarray(array), mode).save(file, "PNG")
    return file.getvalue()


def labels(height=32, width=64, seed=0):
    """A label map of the tiny models: blocks of classes 0..5."""
    ids = np.random.default_rng(seed).integers(0, 6, (-(-height // 8), -(-width // 8)))
    return ids.repeat(8, 0).repeat(8, 1)[:height, :width].astype(np.uint8)


def photo(height=32, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def pixels(answer):
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def bomb(height=40000, width=40000):
    """A PNG of a few kB that unpacks to gigabytes of zeros."""
    rows = zlib.compress(bytes(10**6), 9)

    def chunk(kind, content):
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def models(snapshot_of):
    return gathered(
        [f"{name}={snapshot_of(name)}" for name in ("spade-tiny-style", "spade-tiny", "oasis-tiny", "sesame-tiny")]
    )


@contextmanager
def opened(catalogue, **settings):
    """A client of a server in this process."""
    app = create_app(catalogue, Settings(**settings))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@contextmanager
def listening(catalogue, **settings):
    """The address of a server in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(create_app(catalogue, Settings(**settings)), log_level="warning"))
    with bound("127.0.0.1", 0) as socket:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            yield url_of(socket)
        finally:
            server.should_exit = True
            thread.join(60)


def send(client, path="/v1/synthesise", /, *, files=None, headers=None, **options):
    files = {"labels": png(labels())} if files is None else files
    return client.post(path, files=files, data={"options": json.dumps(options)}, headers=headers)


def problem(answer):
    return answer.status_code, answer.json()["detail"]
