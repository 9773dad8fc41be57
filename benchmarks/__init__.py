"""Measurements behind docs/performance.md; `python -m benchmarks.report` makes them all and rewrites the page."""
