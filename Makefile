# Every command works in .venv/, which is made on first use from the hashed lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NPM := tests/interop/npm
NPM_STAMP := $(NPM)/node_modules/.installed
# smart-fetch brings versions of its own, so it gets an environment of its own.
FETCH := tests/interop/smart_fetch
FETCH_STAMP := $(FETCH)/.venv/.installed
UV_VERSION := 0.13.9
ARGS ?=
# More than the cores: half of a test's time is waiting for the database, and for people's patience.
WORKERS ?= 3

# Images of Python often ask for no bytecode files. Without them each program compiles 1,800 modules
# at its start: 2.9 s of a core for the relay's imports instead of 1.2 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo up test lint types fmt lock clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(STAMP) ## Install everything into .venv/ from the lock file

$(VENV)/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here: install Python 3.11 or later, or say which with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed, $$($(PYTHON) -V) found: say which with PYTHON=python3.12, for example."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: install the package python3-venv."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMP): requirements.lock pyproject.toml | $(VENV)/bin/uv
	@echo "Installing the pinned packages into $(VENV)/ ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(NPM_STAMP): $(NPM)/package-lock.json
	@command -v npm >/dev/null && command -v node >/dev/null || { echo "The tests run JavaScript clients, and npm is not here: install the packages nodejs and npm."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "Node 18 or later is needed for the tests, $$(node --version) found."; exit 1; }
	@echo "Installing the pinned JavaScript clients into $(NPM)/node_modules/ ..."
	@cd $(NPM) && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(FETCH_STAMP): $(FETCH)/requirements.lock | $(VENV)/bin/uv
	@echo "Installing smart-fetch into $(FETCH)/.venv/ ..."
	@test -x $(FETCH)/.venv/bin/python || $(BIN)/python -m venv --without-pip $(FETCH)/.venv
	@VIRTUAL_ENV=$(CURDIR)/$(FETCH)/.venv $(BIN)/uv pip sync --quiet --require-hashes $(FETCH)/requirements.lock
	@touch $@

demo: $(STAMP) ## Play the sample consultation on embedded services (ARGS="--exit --speed 4")
	@$(BIN)/aimed demo $(ARGS)

up: $(STAMP) ## Start the whole stack on embedded services (ARGS="--port 8000")
	@$(BIN)/aimed up $(ARGS)

test: $(STAMP) $(NPM_STAMP) $(FETCH_STAMP) ## Run lint, types and the whole test suite (ARGS="-k name")
	@$(BIN)/python -m tests.browser
	@$(MAKE) --no-print-directory lint types
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP) ## Check style, formatting and the import ladder
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --cache-dir .import_linter_cache

types: $(STAMP) ## Check types (mypy strict)
	@$(BIN)/mypy

fmt: $(STAMP) ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(VENV)/bin/uv ## Resolve pyproject.toml anew into the lock files
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --all-extras pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --extra whisper --extra encryption --extra aws --extra llm pyproject.toml -o deploy/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" $(FETCH)/requirements.in -o $(FETCH)/requirements.lock

clean: ## Remove the environment, caches and ./var
	rm -rf $(VENV) $(NPM)/node_modules $(FETCH)/.venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
