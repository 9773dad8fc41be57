import pytest

from tests.training.scene import write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The small data set."""
    return write_data(tmp_path_factory.mktemp("data") / "rectangles")
