"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import (
    PLATFORM_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What is counted and timed; each server has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(PLATFORM_COLLECTOR)
        self.requests = Counter(
            "intarsia_requests_total", "Requests answered.", ("path", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "intarsia_request_seconds", "From a request's head to its answer.", ("path",), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.in_hand = Gauge("intarsia_requests_in_hand", "Requests that hold a place.", registry=self.registry)
        self.waiting = Gauge("intarsia_jobs_waiting", "Jobs whose turn has not come.", registry=self.registry)
        self.jobs = Counter("intarsia_jobs_total", "Jobs done.", registry=self.registry)
        self.job_seconds = Histogram(
            "intarsia_batch_seconds", "Time that a batch of jobs took.", buckets=BUCKETS, registry=self.registry
        )
        self.batch = Histogram(
            "intarsia_batch_jobs", "Jobs done together.", buckets=(1, 2, 4, 8, 16), registry=self.registry
        )
        self.loads = Counter("intarsia_model_loads_total", "Models read.", ("model",), registry=self.registry)

    def job_done(self, jobs: int, seconds: float) -> None:
        """A batch of jobs was done."""
        self.jobs.inc(jobs)
        self.batch.observe(jobs)
        self.job_seconds.observe(seconds)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)
