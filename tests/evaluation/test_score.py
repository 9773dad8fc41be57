"""KID-lite0 of a generator in training."""

import numpy as np
import pytest
import torch
from torch import nn

from intarsia.data.sources import open_source
from intarsia.data.transforms import photo_array
from intarsia.errors import ConfigError
from intarsia.evaluation.kid import kid
from intarsia.evaluation.lite0 import Lite0
from intarsia.evaluation.score import kid_lite0_score
from intarsia.records import Synthesis, stack
from intarsia.training.loop import views
from tests.training.scene import mini_system, write_data


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    return open_source(str(write_data(tmp_path_factory.mktemp("score") / "rectangles")), "val")


class Fixed(nn.Module):
    """Shows one colour, whatever is asked."""

    def forward(self, condition):
        return Synthesis(torch.full((len(condition.noise), 3, 16, 16), 0.25))


def test_the_score_is_kid_lite0_against_the_photos(watched):
    score = kid_lite0_score(mini_system(), watched, 6, seed=0, device=torch.device("cpu"))
    lite0 = Lite0.installed()
    photos = photo_array(stack(views(mini_system(), watched, 6)).image)
    made = np.full((6, 16, 16, 3), photo_array(torch.full((1, 3, 1, 1), 0.25))[0, 0, 0], np.uint8)
    assert score.name == "kid_lite0"
    expected = kid(lite0.features(list(made)), lite0.features(list(photos))).value
    assert score.of(Fixed()) == pytest.approx(expected, rel=1e-5)


def test_a_seed_gives_one_score(watched):
    system = mini_system()
    score = kid_lite0_score(system, watched, 6, seed=0, device=torch.device("cpu"))
    generator = system.generator.eval()
    assert score.of(generator) == score.of(generator)
    other = kid_lite0_score(system, watched, 6, seed=1, device=torch.device("cpu"))
    assert score.of(generator) != other.of(generator)


def test_too_few_photos_tell_no_best(watched):
    with pytest.raises(ConfigError) as told:
        kid_lite0_score(mini_system(), watched, 3, seed=0, device=torch.device("cpu"))
    assert str(told.value) == "a best snapshot cannot be told by 3 held-out photos. Keep it by 4 or more."
