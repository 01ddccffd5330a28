# What people type. Whatever is longer than a line or two is Python: tools/ and `hfdeploy engine`.
#
#   make up                       specs/ brought live on an emulator of the service, on this machine
#   make up STACK=prod            the same on the real service: shows what it costs and asks (YES=1: agreed)
#   make down                     everything of the stack removed again
#   make test, make test-system   everything checked; the second one with other people's programs
#   make faults                   each fault of tests/faults/catalogue.yaml, kills included; 60 minutes on two cores
#   make bench-plan               1,000 specs planned, as a ratio to reading the same files with a plain loader
#   make plan-truth               what 500 random changes announce, preview and send; PLAN_TRUTH_SEED=7 for others
#   make fuzz                     the loader and the stream reader under noise (FUZZ_SECONDS=120 each); Python 3.11 only

STACK ?= local
EMULATOR_PORT ?=
YES ?=
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

BIN := .venv/bin
INSTALLED := .venv/.installed
RUN := $(BIN)/python -m tools.stack

FUZZ_SECONDS ?= 120
FUZZ := .fuzz/bin/python

.PHONY: up down test test-system faults plan-truth bench-plan fuzz engine

up: engine
	@$(RUN) up --stack "$(STACK)" $(if $(EMULATOR_PORT),--port "$(EMULATOR_PORT)") $(if $(YES),--yes)

down: engine
	@$(RUN) down --stack "$(STACK)" $(if $(YES),--yes)

test: engine
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest --complete --ignore tests/system --ignore tests/faults -n 4 --dist worksteal

faults: engine
	PYTHONPATH=tests $(BIN)/pytest --complete -p fault_report -m fault --ignore tests/system -n 4 --dist worksteal

plan-truth: engine
	PLAN_TRUTH=500 $(BIN)/pytest --complete -s tests/test_plan_truth.py

test-system: engine
	$(BIN)/pytest --complete tests/system

bench-plan: $(INSTALLED)
	@$(BIN)/python -m benchmarks.plan

fuzz: .fuzz/.installed
	$(FUZZ) tests/fuzz/run.py loader $(FUZZ_SECONDS)
	$(FUZZ) tests/fuzz/run.py stream $(FUZZ_SECONDS)

.fuzz/.installed: requirements/dev.txt requirements/fuzz.txt $(INSTALLED)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "make fuzz needs Python 3.11, the only one that the fuzzer atheris 3.0.0 has wheels for: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing the fuzzer into .fuzz" >&2
	@$(BIN)/python -m venv .fuzz
	@$(FUZZ) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt --requirement requirements/fuzz.txt
	@$(FUZZ) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

engine: $(INSTALLED)
	@$(BIN)/hfdeploy engine install >/dev/null

$(INSTALLED): pyproject.toml requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing hfdeploy and its pinned packages into .venv" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
