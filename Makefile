# The environment makes itself: `make demo` and `make test` are all a newcomer needs.
#
#   ARGS="…"         options for demo and bench      PYTEST_ARGS="…"  options for pytest
#   PYTHON=python3.13 VENV=.venv-3.13                another interpreter, another environment

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
INSTALLED := $(VENV)/.installed
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url

.PHONY: help demo test browser-test check openapi clients bench lock environment clean

help:
	@echo "make demo     a kabupaten with its civil service, on http://127.0.0.1:8000"
	@echo "make test     every test (browser-test: the documentation page in Chromium)"
	@echo "make check    format, lint, types, layers, migrations, openapi.json"
	@echo "make clients  TypeScript clients from openapi.json, compiled and tried (Node 20)"
	@echo "make bench    the measurements, beside bare ASGI and asyncpg"
	@echo "make openapi  write openapi.json        make lock   resolve the dependencies again"
	@echo "make clean    remove all that make has made; the demo's data stay"

# exec: Ctrl-C and SIGTERM reach Kemuning itself, which stops PostgreSQL too
demo: environment
	@exec $(BIN)/kemuning demo $(ARGS)

test: environment
	@exec $(BIN)/pytest $(PYTEST_ARGS)

browser-test: environment
	@exec $(BIN)/python -m pytest -o addopts=--strict-markers tests/browser $(PYTEST_ARGS)

check: environment
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kemuning migrate --check
	$(BIN)/kemuning openapi | diff -u openapi.json - || { echo "Run: make openapi" >&2; exit 1; }

openapi: environment
	$(BIN)/kemuning openapi > openapi.json.new
	mv openapi.json.new openapi.json

clients: environment
	cd clients && npm ci && PATH="$(abspath $(BIN)):$$PATH" npm test

bench: environment
	@exec $(BIN)/python -m bench $(ARGS)

lock:
	$(COMPILE) --group dev --output-file requirements.lock
	$(COMPILE) --group build --constraint requirements.lock --no-annotate \
		--output-file requirements-runtime.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf clients/node_modules
	find app bench migrations tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

environment: $(INSTALLED)

# uv where it is present, else venv and pip; both install exactly the lock, by its hashes
$(INSTALLED): requirements.lock pyproject.toml
	@echo "Making the environment in $(VENV) (a minute or two, once)"
	@set -eu; \
	for python in $(PYTHONS); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
		then break; else python=; fi; \
	done; \
	if command -v uv >/dev/null; then \
		uv venv --quiet --allow-existing --python "$${python:->=3.11}" "$(VENV)"; \
		uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock; \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
		exit; \
	fi; \
	if [ -z "$$python" ]; then \
		echo "Kemuning needs Python 3.11 or newer; none of these is: $(PYTHONS)" >&2; exit 1; \
	elif "$$python" -c 'import ensurepip, venv' 2>/dev/null; then "$$python" -m venv "$(VENV)"; \
	elif command -v virtualenv >/dev/null; then virtualenv --quiet -p "$$python" "$(VENV)"; \
	else \
		echo "$$python lacks venv. Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	pip="$(BIN)/python -m pip --quiet --disable-pip-version-check install"; \
	$$pip --require-hashes -r requirements.lock; \
	$$pip --no-deps --no-build-isolation -e .
	@touch $@
