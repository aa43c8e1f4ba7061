# Every target makes .venv and installs into it by itself; all they need is Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SEEDS ?= 20000

.PHONY: demo run test sim check lint types bench clean

demo: $(STAMP)  ## sandbox + gateway + traffic on free ports, a live table; Ctrl-C ends it
	@$(BIN)/botloft demo

run: $(STAMP)  ## the gateway with the settings of the environment
	@$(BIN)/botloft serve

test: $(STAMP)  ## every test
	$(BIN)/pytest -q

sim: $(STAMP)  ## the simulation of the fleet with many more seeds: make sim SEEDS=20000
	BOTLOFT_SIM_SEEDS=$(SEEDS) $(BIN)/pytest -q tests/simulation

check: lint types test  ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)  ## the numbers of docs/benchmarks.md, measured here and now
	@$(BIN)/python -m ops.bench

clean:
	rm -rf $(VENV) var build *.egg-info

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@
