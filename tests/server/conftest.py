import pytest

from tests.server import shop


@pytest.fixture(scope="package")
def catalogue(snapshot_of):
    """The tiny models: spade-tiny-style (the default), spade-tiny, oasis-tiny, sesame-tiny; then the bundled ones."""
    return shop.models(snapshot_of)


@pytest.fixture(scope="package")
def client(catalogue, tmp_path_factory):
    """A client of a server that keeps projects."""
    with shop.opened(catalogue, projects=tmp_path_factory.mktemp("kept") / "projects", most_pixels=256 * 256) as client:
        yield client


@pytest.fixture(scope="package")
def url(catalogue, tmp_path_factory):
    """Where a server of the tiny models listens, in a thread of this process."""
    with shop.listening(catalogue, projects=tmp_path_factory.mktemp("live")) as url:
        yield url
