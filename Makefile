# Every target sets up what it needs: a machine with Python 3.11 or newer and a package index is enough.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python -m
UV     := $(VENV)/bin/uv
LOCK   := $(UV) pip compile pyproject.toml --universal --generate-hashes --no-header -q

.DEFAULT_GOAL := help
.PHONY: bench-events components stack stack-down help run demo test test-fast lint types imports format lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[1m%-22s\033[0m %s\n", $$1, $$2}'

$(VENV)/.synced: requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check uv
	$(UV) pip sync -q --python $(VENV)/bin/python requirements-dev.lock
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps -e .
	@touch $@

run: $(VENV)/.synced ## Start the whole system in one process on http://127.0.0.1:8000
	$(VENV)/bin/citewatch up

demo: $(VENV)/.synced ## A small web that rots while you watch
	$(VENV)/bin/citewatch demo

test: $(VENV)/.synced lint types imports components ## All checks and tests
	$(RUN) pytest

test-fast: $(VENV)/.synced ## Unit and property tests only
	$(RUN) pytest tests/unit tests/property tests/contract

lint: $(VENV)/.synced ## Style
	$(RUN) ruff check . && $(RUN) ruff format --check .

format: $(VENV)/.synced ## Put the style right
	$(RUN) ruff check --fix . ; $(RUN) ruff format .

types: $(VENV)/.synced ## mypy, strict
	$(RUN) mypy

imports: $(VENV)/.synced ## The layers of the house
	$(VENV)/bin/lint-imports

components: $(VENV)/.synced ## Fetch what the tests run against: Kafka's jars, an S3 server, Prometheus
	$(RUN) deploy.local.stack fetch || test -z "$$CITEWATCH_REQUIRE_REAL"

stack: $(VENV)/.synced ## Real Kafka, PostgreSQL, S3, Prometheus and Alertmanager on loopback, without containers
	$(RUN) deploy.local.stack up

stack-down: $(VENV)/.synced ## Stop them; the data stay in .stack/
	$(RUN) deploy.local.stack down

bench-events: $(VENV)/.synced components ## How fast events and submissions go through, both forms
	$(RUN) tests.bench.bench_events

lock: ## Renew the locked dependencies
	@test -x $(UV) || { $(PYTHON) -m venv $(VENV); $(VENV)/bin/python -m pip install -q uv; }
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --extra fuzz -c requirements.lock -o requirements-fuzz.lock
	printf 'pywb\nsetuptools<81\n' | $(UV) pip compile - --universal --generate-hashes --no-header -q -o requirements-pywb.lock

clean: ## Remove what was made here
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
