# One command each; `make help` lists them. `make run` and `make test` do all the set-up that they need by themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test setup bench browser sheets faults lint ci clean

BIN := .venv/bin
# With three test processes two cores are never idle. WORKERS=0 runs all tests in one, for a debugger.
WORKERS ?= 3
# What follows `make test ARGS=...`, for example ARGS="tests/rules -k schedule".
ARGS ?=
PORTAL_DEMO ?= 1
export PORTAL_DEMO
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
# Each start of a process would compile all of the portal again.
unexport PYTHONDONTWRITEBYTECODE

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Start the portal with a demo lender; PORT and DATABASE_URL are honoured
	@tools/set_up.sh run
	@exec $(BIN)/flask --app wsgi start

test: ## Run every test, on SQLite and on PostgreSQL
	@tools/set_up.sh test
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

setup: ## Set up everything for running and testing, and start nothing
	@tools/set_up.sh test

browser: ## Look at every page in all 24 views and make all walks; the tests do a sample
	@tools/set_up.sh test
	@BROWSER=all exec $(BIN)/python -m pytest -n $(WORKERS) --dist load tests/browser $(ARGS)

sheets: ## Photograph every page into var/sheets, for a person to look through
	@tools/set_up.sh test
	@exec $(BIN)/python tools/contact_sheets.py $(ARGS)

bench: ## Measure against the bare floor and other kits, side by side in one run
	@tools/set_up.sh bench
	@exec $(BIN)/python -m benchmarks $(ARGS)

faults: ## Run all histories of kills, replays, races and migrations; the tests run a sample
	@tools/set_up.sh test
	@FAULTS=all exec $(BIN)/python -m pytest tests/faults tests/guards/test_migrations.py $(ARGS)

lint: ## Check imports, style and types; the tests do it too
	@tools/set_up.sh test
	@$(BIN)/lint-imports
	@$(BIN)/ruff check .
	@$(BIN)/mypy

ci: ## Do what continuous integration does
	@.ci/run

clean: ## Remove what was set up; databases and settings in var/ stay
	@rm -rf .venv static/build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find translations -name '*.mo' -delete
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
