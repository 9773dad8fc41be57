"""What a run writes down."""

import errno
import json
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from intarsia import labels
from intarsia.records import Batch
from intarsia.training import journal
from intarsia.training.journal import Journal, sample_grid


def lines(out):
    return [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]


def test_a_tick_is_a_line_with_the_mean_of_every_term(tmp_path):
    with Journal(tmp_path, 0, 100, print) as told:
        told.note(4, 1.5, {"gan": 1.0, "real": 0.5}, {"generator_rate": 1e-4})
        told.note(8, 2.5, {"gan": 2.0, "real": 0.5}, {"generator_rate": 1e-5})
    (line,) = lines(tmp_path)
    speed, peak = line.pop("images_per_second"), line.pop("peak_mb")
    line.pop("cuda_peak_mb", None)
    assert line == {"images": 8, "seconds": 2.5, "gan": 1.5, "real": 0.5, "generator_rate": 1e-5}
    assert speed > 0
    assert 10 < peak < 10**6


def test_tensorboard_has_the_same_numbers(tmp_path):
    with Journal(tmp_path, 0, 100, print) as told:
        told.note(4, 1.5, {"gan": 1.25}, {})
        told.grid(np.zeros((4, 4, 3), np.uint8))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("gan")] == [(4, 1.25)]
    assert events.Tags()["images"] == ["samples"]


def test_going_on_drops_what_was_written_after_the_state_and_a_line_cut_short(tmp_path):
    (tmp_path / "stats.jsonl").write_text('{"images": 4}\n{"images": 8}\n{"images": 12}\n{"imag')
    with Journal(tmp_path, 8, 100, print):
        pass
    assert lines(tmp_path) == [{"images": 4}, {"images": 8}]


@pytest.mark.parametrize(
    ("goal", "line_said"),
    [
        (7264, "60 of 7264 images, 1.00 images/s, 2.0 h left, 512 MB"),
        (None, "60 images, 1.00 images/s, 512 MB"),
    ],
)
def test_ticks_come_by_time_and_without_a_terminal_a_line_a_minute_is_said(tmp_path, monkeypatch, goal, line_said):
    class Hand:
        now = 0.0

        def monotonic(self):
            return self.now

    hand, said = Hand(), []
    monkeypatch.setattr(journal, "time", hand)
    monkeypatch.setattr(journal, "peak_memory", lambda: {"peak_mb": 512.0})
    with Journal(tmp_path, 0, goal, said.append) as told:
        for number in range(1, 65):
            hand.now += 1
            told.note(number, float(number), {"gan": 1.0}, {})
    assert [line["images"] for line in lines(tmp_path)] == [10, 20, 30, 40, 50, 60, 64]
    assert {line["images_per_second"] for line in lines(tmp_path)} == {1.0}
    assert said == [line_said]


def test_a_grid_shows_labels_fake_and_photo_side_by_side(tmp_path):
    space = labels.numbered("two", 2)
    batch = Batch(("a", "b"), torch.ones(2, 3, 4, 4), torch.tensor([0, 1])[:, None, None].expand(2, 4, 4))
    fake = torch.full((2, 3, 4, 4), -1.0)
    with Journal(tmp_path, 0, 100, print) as told:
        told.note(12, 1.0, {}, {})
        told.grid(sample_grid(space, batch, fake))
    with Image.open(tmp_path / "grids/000000012.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (8, 12, 3)
    assert (pixels[:4, :4] == space.palette[0]).all()
    assert (pixels[4:, :4] == space.palette[1]).all()
    assert (pixels[:, 4:8] == 0).all()
    assert (pixels[:, 8:] == 255).all()


@pytest.mark.gpu
def test_memory_of_the_gpu_is_told():
    torch.zeros(1 << 20, device="cuda")
    assert journal.peak_memory()["cuda_peak_mb"] > 4


def test_a_full_disk_is_told_without_the_traceback_of_the_thread_that_met_it(tmp_path, capfd):
    with Journal(tmp_path, 0, 10, print):
        for error in (OSError(errno.ENOSPC, "No space left on device"), ValueError("a bug")):
            thread = threading.Thread(target=failing, args=(error,))
            thread.start()
            thread.join()
    shown = capfd.readouterr().err
    assert "No space left" not in shown
    assert "a bug" in shown
    assert threading.excepthook is threading.__excepthook__


def failing(error):
    raise error
