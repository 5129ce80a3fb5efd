# Everything a person or a machine does with this project. Needs Python >= 3.11 and make; no root, no compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .tidegate-demo
# Numeric loops are compiled once for all tests, not once for each run of them.
export KERNELS_FOR_TESTS ?= $(CURDIR)/.tidegate-kernels

.DEFAULT_GOAL := help
.PHONY: help setup run clean-demo test test-http test-rest test-browser test-quick lint types architecture docs site screenshots tutorial-pictures check crash crash-short mutations fuzz fuzz-short

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev,docs]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pdqhash 2>/dev/null \
	  || echo "pdqhash could not be installed (it needs a compiler); its oracle tests will be skipped."
	@touch $@

setup: $(VENV)/.ready ## Prepare the environment in .venv, and nothing else.

run: setup ## Play the demonstration and keep serving until Ctrl-C.
	$(BIN)/tidegate demo --data $(DEMO)

clean-demo: ## Forget the demonstration.
	@if test -x $(BIN)/tidegate; then $(BIN)/tidegate demo --data $(DEMO) --forget; else rm -rf $(DEMO); fi

test: setup ## Run all tests on an embedded PostgreSQL.
	$(BIN)/python -m pytest

# The tests in three parts, which can run side by side: in a browser, over HTTP, and all others.
OVER_HTTP := tests/console tests/floor tests/bad_input
test-browser: setup
	$(BIN)/python -m pytest -m browser

test-http: setup
	$(BIN)/python -m pytest -m "not browser" $(OVER_HTTP)

test-rest: setup
	$(BIN)/python -m pytest -m "not browser" $(OVER_HTTP:%=--ignore=%)

test-quick: setup ## Run the tests that take seconds.
	$(BIN)/python -m pytest -m "not slow"

lint: setup ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check types.
	$(BIN)/mypy

architecture: setup ## Check that nothing imports downwards.
	$(BIN)/lint-imports

docs: setup ## Write the generated pages of docs/ anew, and build the site into .tidegate-docs.
	$(BIN)/python docs/generate.py
	$(MAKE) site

site: setup
	$(BIN)/python -m sphinx -q -W --keep-going -E -b html docs .tidegate-docs
	@echo "Open .tidegate-docs/index.html"

screenshots: setup ## Write a picture of every page, light, dark, on a phone and in Chinese, to look through.
	$(BIN)/python docs/screenshots.py

tutorial-pictures: setup ## Walk through the tutorial in a browser and write its pictures anew.
	$(BIN)/python docs/screenshots.py --tutorial

mutations: setup ## Delete each safeguard in turn and see its test fail.
	$(BIN)/python tests/mutations.py

crash: setup ## Kill a random process at 50 random moments of the demonstration.
	$(BIN)/python tests/crash.py --kills 50

crash-short: setup
	$(BIN)/python tests/crash.py --kills 8

# The shorter campaign: the bombs, and enough mutants to see that nothing of it rots.
fuzz: setup ## Show the jail 20,000 broken files.
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --files 20000

fuzz-short: setup
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --files 2000 --seed 1 --cache $(KERNELS_FOR_TESTS)

# What takes longest comes first, so that no processor is left without work at the end.
check: lint architecture test-rest test-http mutations test-browser crash-short fuzz-short types site ## All that has to hold before a change lands.
