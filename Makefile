# `make run` starts Classifr, `make test` checks everything.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint bench lock collect-messages messages

run: .venv/runtime
	@exec $(BIN)/python manage.py run

test: .venv/dev lint
	@$(BIN)/python -m pytest

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

lock: .venv/dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --no-header --annotation-style line requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --annotation-style line requirements-dev.in -c requirements.txt -o requirements-dev.txt

.venv/runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Classifr runs on…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@echo "Installing what the tests need…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

collect-messages: .venv/dev
	@$(BIN)/python manage.py makemessages --locale fr --no-location --no-wrap --ignore var --ignore .venv --ignore tests

messages: collect-messages
	@$(BIN)/python manage.py compilemessages --locale fr --verbosity 0
