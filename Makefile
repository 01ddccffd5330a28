# What people type. Whatever is longer than a line or two is Python: tools/ and `hfdeploy engine`.
#
#   make up                       specs/ brought live on an emulator of the service, on this machine
#   make up STACK=prod            the same on the real service: shows what it costs and asks (YES=1: agreed)
#   make down                     everything of the stack removed again
#   make test, make test-system   everything checked; the second one with other people's programs

STACK ?= local
EMULATOR_PORT ?=
YES ?=
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

BIN := .venv/bin
INSTALLED := .venv/.installed
RUN := $(BIN)/python -m tools.stack

.PHONY: up down test test-system faults engine

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
	$(BIN)/pytest --complete tests/faults -n 2 --dist worksteal

test-system: engine
	$(BIN)/pytest --complete tests/system

engine: $(INSTALLED)
	@$(BIN)/hfdeploy engine install >/dev/null

$(INSTALLED): pyproject.toml requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing hfdeploy and its pinned packages into .venv" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
