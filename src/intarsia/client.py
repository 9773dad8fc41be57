"""A client of `intarsia serve`, for programs; it needs httpx, and neither torch nor a model.

    with Client("http://127.0.0.1:8000") as client:
        photo = client.synthesise("map.png", seed=7)           # H W 3 uint8
        client.save_project("my street", Path("street.zip").read_bytes())

Label maps, instance maps and photos are given as paths or as arrays: H W integers (raw ids, as in
files) and H W 3 uint8.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import numpy as np
import numpy.typing as npt
from PIL import Image

from intarsia.data.label_files import Photo
from intarsia.editing.pictures import png
from intarsia.errors import ConfigError, IntarsiaError
from intarsia.labels import Ids

LabelsGiven: TypeAlias = str | Path | Ids
PhotoGiven: TypeAlias = str | Path | Photo


class ServerError(IntarsiaError):
    """The server refused a request; `status` is that of HTTP."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"the server refused ({status}): {detail}")
        self.status = status


@dataclass(frozen=True)
class Variant:
    """One of several photos of a label map."""

    seed: int
    photo: Photo  # H W 3 uint8


class Client:
    """A connection to a server. What requests take as options, `GET /openapi.json` says: model, seed, noise, ..."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        timeout: float = 60.0,
        patience: float = 60.0,
    ) -> None:
        """Take where the server is.

        Args:
            url: of the server.
            token: what it asks for, if it does.
            timeout: seconds for one answer.
            patience: seconds in which requests that a full server sends back (429) are sent again.
        """
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.patience = patience
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def models(self) -> list[dict[str, Any]]:
        """The models on offer: name, classes, what they take."""
        models: list[dict[str, Any]] = self._sent("GET", "/v1/models").json()
        return models

    def mapping(self, model: str, of: str) -> dict[str, Any]:
        """How the classes of the model `of` map to those of `model`, by name."""
        report: dict[str, Any] = self._sent("GET", f"/v1/models/{model}/mapping", params={"of": of}).json()
        return report

    def synthesise(
        self,
        labels: LabelsGiven,
        instances: LabelsGiven | None = None,
        style: PhotoGiven | None = None,
        style2: PhotoGiven | None = None,
        **options: Any,
    ) -> Photo:
        """A photo of a label map, H W 3 uint8.

        Raises:
            ServerError: the server refused.
        """
        return self._photo("/v1/synthesise", _scene(labels, instances, style, style2), options)

    def variants(
        self,
        labels: LabelsGiven,
        instances: LabelsGiven | None = None,
        style: PhotoGiven | None = None,
        style2: PhotoGiven | None = None,
        **options: Any,
    ) -> list[Variant]:
        """Several photos of a label map: `n` of them, by `seeds` or counted up from `seed`.

        Raises:
            ServerError: the server refused.
        """
        answer = self._posted("/v1/variants", _scene(labels, instances, style, style2), options)
        seeds = [int(seed) for seed in answer.headers["x-seeds"].split(",")]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            photos = [_decoded(archive.read(name)) for name in archive.namelist()]
        return [Variant(seed, photo) for seed, photo in zip(seeds, photos, strict=True)]

    def reroll(
        self,
        labels: LabelsGiven,
        region: Mapping[str, Any],
        instances: LabelsGiven | None = None,
        style: PhotoGiven | None = None,
        style2: PhotoGiven | None = None,
        **options: Any,
    ) -> Photo:
        """A photo in which one region looks as under another seed: `region={"class": "tree", "seed": 9}`.

        Raises:
            ServerError: the server refused.
        """
        files = _scene(labels, instances, style, style2)
        return self._photo("/v1/reroll", files, {**options, "region": dict(region)})

    def edit(
        self,
        photo: PhotoGiven,
        labels: LabelsGiven,
        *,
        old_labels: LabelsGiven | None = None,
        hole: LabelsGiven | None = None,
        instances: LabelsGiven | None = None,
        style: PhotoGiven | None = None,
        style2: PhotoGiven | None = None,
        **options: Any,
    ) -> Photo:
        """A photo with what changed made anew: where `labels` differ from `old_labels`, or where `hole` is not zero.

        Raises:
            ServerError: the server refused.
        """
        files = _scene(labels, instances, style, style2) | _files(photo=photo, old_labels=old_labels, hole=hole)
        return self._photo("/v1/edit", files, options)

    def segment(self, photo: PhotoGiven, **options: Any) -> npt.NDArray[np.int64]:
        """The label map of a photo, H W raw ids, by `segmenter` or by one that speaks the classes of `model`.

        Raises:
            ServerError: the server refused.
        """
        with Image.open(io.BytesIO(self._posted("/v1/segment", _files(photo=photo), options).content)) as image:
            return np.asarray(image).astype(np.int64)

    def projects(self) -> list[dict[str, Any]]:
        """The projects that the server keeps: name, bytes, modified."""
        projects: list[dict[str, Any]] = self._sent("GET", "/v1/projects").json()
        return projects

    def load_project(self, name: str) -> bytes:
        """A project's ZIP, as it was saved.

        Raises:
            ServerError: there is none of that name.
        """
        return self._sent("GET", f"/v1/projects/{_quoted(name)}").content

    def save_project(self, name: str, content: bytes) -> None:
        """Save a project's ZIP; one of the same name is replaced.

        Raises:
            ServerError: the server refused.
        """
        self._sent("PUT", f"/v1/projects/{_quoted(name)}", content=content, headers={"Content-Type": "application/zip"})

    def delete_project(self, name: str) -> None:
        """Remove a project.

        Raises:
            ServerError: there is none of that name.
        """
        self._sent("DELETE", f"/v1/projects/{_quoted(name)}")

    def _photo(self, path: str, files: dict[str, bytes], options: Mapping[str, Any]) -> Photo:
        return _decoded(self._posted(path, files, options).content)

    def _posted(self, path: str, files: dict[str, bytes], options: Mapping[str, Any]) -> httpx.Response:
        return self._sent("POST", path, files=files, data={"options": json.dumps(options)})

    def _sent(self, method: str, path: str, **given: Any) -> httpx.Response:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                answer = self._http.request(method, path, **given)
            except httpx.TransportError as error:
                raise ConfigError(
                    f"no answer from {self._http.base_url} ({type(error).__name__}). Start it with: intarsia serve"
                ) from None
            if answer.is_success:
                return answer
            pause = float(answer.headers.get("retry-after", 1))
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() + pause > deadline:
                raise ServerError(answer.status_code, _detail(answer))
            time.sleep(pause)


def _scene(
    labels: LabelsGiven, instances: LabelsGiven | None, style: PhotoGiven | None, style2: PhotoGiven | None
) -> dict[str, bytes]:
    return _files(labels=labels, instances=instances, style=style, style2=style2)


def _files(**given: LabelsGiven | PhotoGiven | None) -> dict[str, bytes]:
    return {name: _file(value) for name, value in given.items() if value is not None}


def _file(given: LabelsGiven | PhotoGiven) -> bytes:
    """A file's bytes, or an array as a PNG: 16 bit for integers H W, 8 bit for photos and masks."""
    if isinstance(given, str | Path):
        return Path(given).read_bytes()
    wide = given.ndim == 2 and given.dtype != np.bool_
    return png(Image.fromarray(given.astype(np.uint16 if wide else np.uint8)))


def _decoded(file: bytes) -> Photo:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase


def _quoted(name: str) -> str:
    return quote(name, safe="")
