# `make` alone lists the targets.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: help run test setup check prove demo lint bench format lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: setup  ## everything up on embedded defaults; Ctrl-C stops all
	@$(BIN)/cassou run

test: setup lint  ## everything proven: formatter, linter, types, import contracts, all tests
	@$(BIN)/pytest

setup: $(STAMP)  ## build .venv, with the `cassou` command in it

check: setup lint  ## before every commit, under a minute: formatter, linter, types, contracts, fast tests
	@$(BIN)/pytest -m "not world"

prove: setup  ## the long proofs: a storm of 100,000 callbacks, 60,000 requests that are none
	@$(BIN)/pytest -m prove -s

demo: setup  ## buy 10 kWh from the dial to the meter, on free ports, then stop
	@$(BIN)/cassou demo

lint: setup  ## formatter, linter, strict types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup  ## what a dialog costs, as ratios against a hand-written reference
	@$(BIN)/python -m benchmarks

format: setup  ## lay the code out
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup  ## compile the pinned requirements anew from the hand-kept lists
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

clean:  ## remove .venv and caches; data in ./var is kept
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@echo "building .venv, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
