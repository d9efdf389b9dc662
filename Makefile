# Tag Enforcer: `make` alone lists what can be done.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/pip --disable-pip-version-check
UV := $(BIN)/uv
# One lock for every platform and release of Python, with the hashes of all files of a release. Extras stay in it: pip 23
# takes "coverage[toml]" for unpinned where only "coverage" is, as soon as there is a newer release.
LOCK = $(UV) pip compile pyproject.toml --quiet --universal --generate-hashes --no-strip-extras \
	--custom-compile-command 'make lock' --extra embedded $(LOCK_OPTIONS)

# A file to one process, since its tests share what they start; four of them, since they wait more than they work. In the
# order of the files, which has the short ones at the end.
SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help dev lint test prove servers demo lock upgrade secrets clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: $(READY) ## Set up .venv with the locked dependencies and this project

lint: $(READY) ## Check style, types and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint servers ## Set up everything, check style and types, run all tests
	$(BIN)/pytest $(SIDE_BY_SIDE) --cov --cov-report=term $(PYTEST_OPTIONS)

# `make prove pipeline`: the words behind `prove` name files of tests/prove, and are nothing to be made.
ifeq (prove,$(firstword $(MAKECMDGOALS)))
PROVED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(PROVED)
$(PROVED): prove
	@:
endif

prove: $(READY) servers ## Run the long form of tests on all cores: make prove pipeline SEQUENCES=20000
	$(BIN)/pytest -n auto $(or $(PROVED:%=tests/prove/test_%.py),tests/prove)

servers:
	@tests/integration/install-servers

demo: $(READY) ## Set up everything and show what Tag Enforcer does
	@((EUID)) || tests/integration/install-servers docker-registry || true
	$(BIN)/enforcer demo

lock: $(UV) ## Lock what pyproject.toml asks for; what is locked keeps its version
	$(LOCK) --group build --output-file requirements.lock
	# Not constrained by the other: harbor-api-client, with which we test, wants older certifi and python-dateutil.
	$(LOCK) --group dev --output-file requirements-dev.lock

upgrade: LOCK_OPTIONS := --upgrade
upgrade: lock ## Lock the newest versions that pyproject.toml allows

secrets: ## Make the secrets that `docker compose up` needs, where there are none
	@deploy/make-secrets

clean: ## Remove what the other targets made; data, configuration and secrets stay
	rm -rf $(VENV) build dist *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find enforcer worker tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(UV): # the only thing that making a lock needs: one that cannot be installed must not keep us from a better one
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet 'uv>=0.13'

# Not compiled: what nobody imports need not be, which saves half the time.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo '$(PYTHON) is missing or older than 3.11; another one: make PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo '$(PYTHON) cannot make virtual environments: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-compile --require-hashes --requirement requirements-dev.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@
