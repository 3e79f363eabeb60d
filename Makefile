# Two commands for a newcomer: `make up` and `make test`. The rest is for those who build here.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_FLAGS ?=
BENCH_FLAGS ?=

.PHONY: up test test-long bench lint clean install install-test install-lint machine

up: install  ## install and start the sandbox with practice data
	@$(BIN)/hocba up

test: install-test machine  ## everything the short suite needs, then the suite
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile $(PYTEST_FLAGS)

test-long: install-test machine  ## the rest, with its figures, kept in tests/long-results.md
	$(BIN)/python -m tests.long $(PYTEST_FLAGS)

bench: install-test machine  ## figures side by side in one run; BENCH_FLAGS=--quick for minutes
	$(BIN)/python -m loadtests.bench $(BENCH_FLAGS)

lint: install-lint  ## ruff, mypy, import contracts, licences
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/structure/licences.py

clean:  ## forget the installation and the practice data
	rm -rf $(VENV) data build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test
install-lint: $(VENV)/.installed-lint

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Cần Python 3.11 trở lên / Python 3.11 or newer is needed. Đặt / set PYTHON=python3.11"; exit 2; }
	@echo "· tạo môi trường Python / creating the Python environment"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "· cài đặt, khoảng một phút / installing, about a minute"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed-test
	@$(PIP) install -c constraints.txt -e '.[test,lint]'
	@touch $@

machine:
	@bash tests/machine.sh
