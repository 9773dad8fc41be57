"""The benchmark of shape descriptors times all ways on the maps asked for."""

import numpy as np
import pytest

from benchmarks.shape_descriptors import instances, measured
from intarsia.data.sources import open_source
from intarsia.errors import DataError
from tests.training.scene import write_data


def test_each_way_is_timed_and_maps_come_again_mirrored(tmp_path):
    source = open_source(str(write_data(tmp_path / "data", pairs=2, size=24, instances=True)), "train")
    found = measured(source, 3, (16, 16), threads=2)
    assert (found["maps"], found["size"], found["threads"]) == (3, [16, 16], 2)
    assert found["seconds"].keys() == found["processor_seconds"].keys() == {"computed", "computed and kept", "read"}
    assert all(seconds >= 0 for seconds in found["seconds"].values())
    assert found["kept_megabytes"] >= 0
    first, again = (instances(source, number, (16, 16)) for number in (0, 2))
    assert np.array_equal(first[:, ::-1], again)


def test_instance_maps_are_asked_for(tmp_path):
    source = open_source(str(write_data(tmp_path / "data", pairs=1)), "train")
    with pytest.raises(DataError) as caught:
        instances(source, 0, (16, 16))
    assert str(caught.value) == f"{source.spec} has no instance maps. Give data with them."
