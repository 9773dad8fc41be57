"""Labels and hole in one coded map."""

import torch

from intarsia.conditioning.holes import holed_labels
from tests import maps

CHANNELS = 5


def planes(everywhere):
    labels, hole = maps.regions(1, CHANNELS, 12, 16, batch=2), maps.regions(2, 2, 12, 16, batch=2) > 0
    one_hot = torch.nn.functional.one_hot(labels, CHANNELS).permute(0, 3, 1, 2).float()
    return holed_labels(labels, hole, CHANNELS, everywhere=everywhere).dense(), one_hot, hole[:, None].float()


def test_labels_everywhere_stand_beside_the_hole():
    found, one_hot, hole = planes(everywhere=True)
    assert torch.equal(found, torch.cat([one_hot, hole], 1))


def test_labels_in_the_hole_alone_are_zero_outside():
    found, one_hot, hole = planes(everywhere=False)
    assert torch.equal(found, torch.cat([one_hot * hole, hole], 1))
