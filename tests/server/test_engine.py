import threading

import pytest

from intarsia.server.engine import Engine, Job, SupersededError
from tests.server.shop import labels, opened, png, problem, send


class Blocked:
    """A job that holds the engine until it is let go."""

    def __init__(self, engine):
        self.go, begun = threading.Event(), threading.Event()

        def work():
            begun.set()
            assert self.go.wait(30)
            return "first"

        self.future = engine.submit(Job(work))
        assert begun.wait(30)


@pytest.fixture
def engine():
    done = []
    engine = Engine(
        lambda given: [f"{one} of {len(given)}" for one in given], 3, lambda jobs, seconds: done.append(jobs)
    )
    engine.done = done
    engine.start()
    yield engine
    engine.close()


def test_of_a_clients_jobs_that_wait_only_the_latest_is_done(engine):
    blocked = Blocked(engine)
    jobs = [engine.submit(Job(lambda n=n: n, "me", n)) for n in (1, 2, 5, 3)]
    other = engine.submit(Job(lambda: "other", "you", 1))
    for job, number in [(jobs[0], 1), (jobs[1], 2), (jobs[3], 3)]:
        with pytest.raises(SupersededError):
            job.result(30)
        assert number  # each was told at once, while the engine was still held
    blocked.go.set()
    assert (jobs[2].result(30), other.result(30)) == (5, "other")


def test_what_has_begun_is_finished(engine):
    go, begun = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert go.wait(30)
        return "old"

    old = engine.submit(Job(work, "me", 1))
    assert begun.wait(30)
    new = engine.submit(Job(lambda: "new", "me", 2))
    go.set()
    assert (old.result(30), new.result(30)) == ("old", "new")


def test_a_job_that_comes_late_is_told_by_which_it_was_overtaken(engine):
    assert engine.submit(Job(lambda: 1, "me", 7)).result(30) == 1
    with pytest.raises(SupersededError) as refused:
        engine.submit(Job(lambda: 1, "me", 6)).result(30)
    assert str(refused.value) == "request 6 of client me was superseded by its request 7. Wait for that one."
    assert engine.submit(Job(lambda: 2, "me", 7)).result(30) == 2  # the same one sent again


def test_jobs_of_one_kind_are_done_together(engine):
    blocked = Blocked(engine)
    jobs = [engine.submit(Job(lambda: "alone", kind=kind, given=n)) for n, kind in enumerate("abaaaa")]
    blocked.go.set()
    assert [job.result(30) for job in jobs] == ["0 of 3", "alone", "2 of 3", "3 of 3", "4 of 2", "5 of 2"]
    engine.close()
    assert engine.done == [1, 3, 1, 2]


def test_where_a_batch_fails_each_job_gets_what_it_gets_alone():
    def fail(given):
        raise ValueError

    engine = Engine(fail, 4)
    engine.start()
    blocked = Blocked(engine)
    jobs = [engine.submit(Job(work, kind="k", given=0)) for work in (lambda: 1, lambda: 1 / 0, lambda: 3)]
    blocked.go.set()
    assert (jobs[0].result(30), jobs[2].result(30)) == (1, 3)
    with pytest.raises(ZeroDivisionError):
        jobs[1].result(30)
    engine.close()


def test_a_job_whose_asker_has_gone_is_not_done(engine):
    blocked = Blocked(engine)
    gone, stays = engine.submit(Job(lambda: 1)), engine.submit(Job(lambda: 2))
    assert gone.cancel()
    blocked.go.set()
    assert stays.result(30) == 2
    engine.close()
    assert engine.done == [1, 1]


def test_closing_finishes_what_was_taken_in():
    engine = Engine(lambda given: given, 2)
    engine.start()
    blocked = Blocked(engine)
    jobs = [engine.submit(Job(lambda n=n: n)) for n in range(5)]
    closing = threading.Thread(target=engine.close)
    closing.start()
    blocked.go.set()
    closing.join(30)
    assert [job.result(0) for job in jobs] == [0, 1, 2, 3, 4]


def test_clients_that_are_long_gone_are_forgotten(engine, monkeypatch):
    monkeypatch.setattr("intarsia.server.engine.MOST_CLIENTS", 3)
    for number in range(10):
        engine.submit(Job(lambda: 1, f"client {number}", 5)).result(30)
    assert len(engine._latest) == 3


def test_over_http_a_superseded_request_gets_409(catalogue, monkeypatch):
    with opened(catalogue) as client:
        shop = client.app.state.shop
        blocked = Blocked(shop.engine)
        answers = {}

        def ask(number):
            answers[number] = send(client, files={"labels": png(labels(seed=number))}, client="page", sequence=number)

        threads = []
        for number in (1, 2, 3):
            threads.append(threading.Thread(target=ask, args=(number,)))
            threads[-1].start()
            while shop.engine._latest.get("page", 0) < number:
                threading.Event().wait(0.005)
        blocked.go.set()
        for thread in threads:
            thread.join()
        assert problem(answers[1]) == (
            409,
            "request 1 of client page was superseded by its request 2. Wait for that one.",
        )
        assert [answers[number].status_code for number in (2, 3)] == [409, 200]
