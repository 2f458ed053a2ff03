# OneCall. `make help` says what each target does. Settings: environment variables, see README.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
TEST_PROCESSES ?= 3  # pytest's: most tests wait for Asterisk, a browser or a server, so two cores carry three

.PHONY: help run demo test lint types arrows unit servers web e2e bench-handoff bench-connect bench-cancel bench-pop bench-engine \
        bench-staffing bench-cpu bench-reports lock clean

help:  ## Show this help
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}'

.venv/.ready: requirements/test.txt
	@for base in python3 python3.11 python3.12 python3.13 none; do \
	  $$base -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	test $$base != none || \
	  { echo "OneCall needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv"; exit 1; }; \
	echo "Python environment: installing the locked packages into .venv (about a minute, once) ..."; \
	test -x .venv/bin/pip || $$base -m venv --clear .venv || \
	  { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }; \
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt && \
	touch $@ && echo "Python environment: ready ($$SECONDS s)"

run: .venv/.ready  ## Set up what is missing and start OneCall; prints the address and the demo accounts
	@exec $(PYTHON) -m onecall run

demo: .venv/.ready  ## As run, with callers that call by themselves and robot agents
	@exec $(PYTHON) -m onecall demo

test: .venv/.ready  ## Set up what tests need, then run every check and every test
	@$(PYTHON) -m onecall provision test
	@$(MAKE) --no-print-directory lint types arrows
	@cd web && npm run --silent check && npm test --silent
	@$(PYTHON) -m pytest tests -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

lint: .venv/.ready  ## Formats and lint
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .

types: .venv/.ready  ## Strict types
	@.venv/bin/mypy

arrows: .venv/.ready  ## Who may import whom
	@.venv/bin/lint-imports

unit: .venv/.ready  ## The quick tests: no server needed
	@$(PYTHON) -m pytest -q tests/unit tests/property

servers: .venv/.ready  ## Tests against real PostgreSQL, Redis, MQTT broker and sockets
	@$(PYTHON) -m pytest -q tests/integration

e2e: .venv/.ready  ## Tests with real Asterisk, SIP callers and a browser
	@$(PYTHON) -m onecall provision test
	@$(PYTHON) -m pytest tests/e2e

bench-engine: .venv/.ready  ## Routing decisions a second, 10,000 agents (SHORT=1: under 50 s)
	@$(PYTHON) -m bench.engine $(if $(SHORT),--short)

bench-staffing: .venv/.ready  ## Fewest agents for the reference day, against app_queue and the pooled bound (SHORT=1)
	@$(PYTHON) -m bench.staffing $(if $(SHORT),--short)

bench-handoff: .venv/.ready  ## Agent free -> INVITE at the phone, against app_queue, on the wire (SHORT=1)
	@$(PYTHON) -m onecall provision bench
	@$(PYTHON) -m bench.handoff $(if $(SHORT),--short)

bench-connect: .venv/.ready  ## Caller queued -> INVITE at a free agent, against app_queue, on the wire (SHORT=1)
	@$(PYTHON) -m onecall provision bench
	@$(PYTHON) -m bench.connect $(if $(SHORT),--short)

bench-cancel: .venv/.ready  ## Caller hangs up while a phone rings -> CANCEL at the phone, against app_queue, on the wire (SHORT=1)
	@$(PYTHON) -m onecall provision bench
	@$(PYTHON) -m bench.cancel $(if $(SHORT),--short)

bench-pop: .venv/.ready  ## Offer -> pop in the browser, and pop before ring (SHORT=1)
	@$(PYTHON) -m onecall provision test
	@$(PYTHON) -m bench.pop $(if $(SHORT),--short)

bench-cpu: .venv/.ready  ## Processor time a call, ours beside Asterisk's (SHORT=1)
	@$(PYTHON) -m onecall provision bench
	@$(PYTHON) -m bench.cpu $(if $(SHORT),--short)

bench-reports: .venv/.ready  ## FCR and recall reports over 90 days of 10,000 calls (SHORT=1)
	@$(PYTHON) -m bench.reports $(if $(SHORT),--short)

lock: .venv/.ready  ## Lock the Python packages again, with hashes
	@command -v uv >/dev/null || { echo "Locking needs uv: pip install uv"; exit 1; }
	@uv pip compile -q --generate-hashes --no-emit-index-url requirements/test.in -o requirements/test.txt
	@uv pip compile -q --generate-hashes --no-emit-index-url -c requirements/test.txt requirements/run.in -o requirements/run.txt

clean:  ## Remove what was built (not the state folder)
	@rm -rf .venv web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
