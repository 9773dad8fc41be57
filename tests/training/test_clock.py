"""When a run stops and saves, by a clock that the tests turn."""

import pytest

from intarsia.training import clock
from intarsia.training.clock import Clock, Interval


class Hand:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def hand(monkeypatch):
    made = Hand()
    monkeypatch.setattr(clock, "time", made)
    return made


def laps(running, hand, seconds):
    """Iterations until it is late."""
    count = 0
    while not running.is_late():
        hand.now += seconds
        count += 1
    return count


def test_the_last_iteration_and_saving_are_in_time(hand):
    running = Clock(0, minutes=1, state_minutes=10, grid_minutes=(1, 5), saving_laps=4)
    assert not running.is_late()
    hand.now += 5  # The first iteration also loads kernels: it is no measure of the others.
    assert laps(running, hand, 1) == 60 - 5 - 4 - 1
    assert running.seconds() == 55


def test_measured_saving_takes_the_place_of_the_estimate_and_is_no_part_of_an_iteration(hand):
    running = Clock(0, minutes=1, state_minutes=10, grid_minutes=(1, 5), saving_laps=4)
    assert not running.is_late()
    hand.now += 1
    with running.saving():
        hand.now += 10
    assert laps(running, hand, 1) == 60 - 11 - 10 - 1


def test_seconds_go_on_from_the_last_call(hand):
    running = Clock(500, minutes=1, state_minutes=10, grid_minutes=(1, 5), saving_laps=4)
    hand.now += 2
    assert running.seconds() == 502


def test_an_interval_is_due_once(hand):
    interval = Interval(60)
    hand.now += 59
    assert not interval.is_due()
    hand.now += 1
    assert interval.is_due()
    assert not interval.is_due()


def test_sample_grids_come_after_the_first_minute_and_then_every_five_of_the_whole_run(hand):
    def due_minutes(running, minutes):
        found = []
        for _ in range(minutes):
            hand.now += 60
            if running.grid_is_due():
                found.append(round(running.seconds() / 60))
        return found

    assert due_minutes(Clock(0, minutes=60, state_minutes=10, grid_minutes=(1, 5), saving_laps=4), 16) == [1, 5, 10, 15]
    assert due_minutes(Clock(7 * 60, minutes=60, state_minutes=10, grid_minutes=(1, 5), saving_laps=4), 6) == [10]
