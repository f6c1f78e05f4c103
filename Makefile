# Two commands: `make demo` runs the main job on real text, `make test` checks the project. Each sets up .venv first.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.10
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt

# What is compiled at its first import is kept: each process of a demo or a test would compile a gigabyte of libraries again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test docs dist test-oldest test-newest clean

demo: .venv/.demo
	$(BIN)/lightning-scaling demo $(DEMO)

test: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile $(TEST)

# The documentation as a site in build/site; a warning is an error.
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Wheel and source archive in dist/, checked as an index would.
dist: .venv/.docs
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/twine check --strict dist/*

# The versions at both ends of what setup.cfg claims, each in an environment of its own (minutes: gigabytes of torch).
test-oldest:
	PYTHON=$(OLDEST_PYTHON) tests/environments/run.sh oldest-core tests/run tests/forecasting tests/test_numbers.py
	tests/environments/run.sh oldest tests/store tests/run
	tests/environments/run.sh oldest-page tests/server/test_server_mlflow.py

test-newest:
	tests/environments/run.sh newest tests/store tests/run tests/server/test_server_mlflow.py

.venv/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10) and 'lightning-scaling needs Python 3.10 or newer: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python constraints.txt setup.cfg pyproject.toml
	@echo "Installing into .venv (a few minutes the first time)"
	$(PIP) --editable ".[all]"
	@touch $@

.venv/.test: .venv/bin/python constraints.txt setup.cfg pyproject.toml
	@echo "Installing into .venv with the tools of the tests (a few minutes the first time)"
	$(PIP) --editable ".[dev]"
	@touch $@

# What builds the site and a release.
.venv/.docs: .venv/bin/python constraints.txt setup.cfg pyproject.toml
	$(PIP) --editable ".[docs,release]" "setuptools>=77"
	@touch $@

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache build dist demo
