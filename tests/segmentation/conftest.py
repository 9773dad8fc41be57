import pytest

from tests.segmentation.scene import run_mini
from tests.training.scene import write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Photos in the colours of their labels."""
    return write_data(tmp_path_factory.mktemp("data") / "rectangles", size=64)


@pytest.fixture(scope="session")
def run(data, tmp_path_factory):
    """A run that nobody disturbed: 16 images, a state after every iteration."""
    out = tmp_path_factory.mktemp("straight")
    run_mini(data, out, images=16)
    return out
