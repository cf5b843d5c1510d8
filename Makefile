# `make run` starts Classifr, `make test` checks everything.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test clients lint bench lock audit collect-messages messages

run: .venv/runtime
	@exec $(BIN)/python manage.py run

test: .venv/dev lint
	@$(BIN)/python -m pytest -n logical --dist loadgroup --no-loadscope-reorder

# Other official clients of Custom Vision, each in a folder of its own; tests that find none are skipped.
CLIENTS := tests/customvision/clients
clients: var/clients/sdk-3.0.0 var/clients/node_modules

var/clients/sdk-3.0.0: $(CLIENTS)/requirements.txt .venv/dev
	@rm -rf $@
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $@ -r $<
	@touch $@

var/clients/node_modules: $(CLIENTS)/package-lock.json
	@mkdir -p $(@D) && cp $(CLIENTS)/package*.json $(@D)
	@npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund
	@touch $@

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') CLASSIFR_HTTPS=true CLASSIFR_PROXIES=1 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: .venv/dev
	@for script in bench/*.py; do $(BIN)/python $$script; done

# Hashes of all files of a version: the same pins install on each Python from 3.11 on, on each system.
LOCK = $(BIN)/uv pip compile --quiet --no-header --annotation-style line --universal --python-version 3.11 --generate-hashes

lock: .venv/dev
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

# Asks PyPI for known weaknesses of what a server runs on; needs the network, and so is no part of `make test`.
audit: .venv/audit
	.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

.venv/audit:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check pip-audit || { rm -r $@; exit 1; }

.venv/runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Classifr runs on…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@echo "Installing what the tests need…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

collect-messages: .venv/dev
	@$(BIN)/python manage.py makemessages --locale fr --no-location --no-wrap --ignore var --ignore .venv --ignore tests

messages: collect-messages
	@$(BIN)/python manage.py compilemessages --locale fr --verbosity 0
