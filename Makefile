# Every target makes .venv and installs into it by itself; all they need is Python 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SEEDS ?= 20000
FIRST ?= $(shell date +%s)
EXAMPLES ?= 50

.PHONY: demo run test test-processes test-more-processes test-rest sim fuzz check lint types audit bench clean

demo: $(STAMP)  ## sandbox + gateway + traffic on free ports, a live table; Ctrl-C ends it
	@$(BIN)/botloft demo

run: $(STAMP)  ## the gateway with the settings of the environment
	@$(BIN)/botloft serve

# Those of real processes wait a lot: three lanes of about the same length.
test: $(STAMP)  ## every test
	@# Hundreds of processes are started: where Python may write no bytecode, each would compile all of it anew.
	@$(BIN)/python -m compileall -q actors domain gateway ops projections
	@$(MAKE) --no-print-directory -j3 --output-sync=target test-processes test-more-processes test-rest

test-processes: $(STAMP)
	$(BIN)/pytest -q tests/acceptance/test_[a-ft]*.py

test-more-processes: $(STAMP)
	$(BIN)/pytest -q tests/acceptance/test_[g-sv]*.py

test-rest: $(STAMP)
	$(BIN)/pytest -q --ignore-glob='tests/acceptance/test_[a-tv]*.py'

sim: $(STAMP)  ## the simulation of the fleet under many new seeds: make sim SEEDS=20000 FIRST=1
	BOTLOFT_SIM_FIRST=$(FIRST) BOTLOFT_SIM_SEEDS=$(SEEDS) $(BIN)/pytest -q -x tests/simulation -k whatever

fuzz: $(STAMP)  ## many requests made out of /openapi.json, new ones each time: make fuzz EXAMPLES=100 FIRST=1
	BOTLOFT_FUZZ_SEED=$(FIRST) BOTLOFT_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q -x tests/acceptance/test_fuzz.py

check: lint types test audit  ## what CI runs, and an audit of what is pinned where PyPI can be asked

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

audit: $(STAMP)  ## known vulnerabilities of what is pinned, if PyPI can be asked
	@$(BIN)/pip check --disable-pip-version-check
	-@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[audit]"
	@$(BIN)/python -m ops.audit

bench: $(STAMP)  ## the numbers of docs/benchmarks.md, measured here and now
	@$(BIN)/python -m ops.bench

clean:
	rm -rf $(VENV) var build *.egg-info

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@
