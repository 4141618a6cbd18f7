# The two commands: `make run` and `make test`. Both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
.PHONY: help run test check setup setup-dev slow verify format lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup  ## set up and run RLM Lab: console, worker, embedded servers, demo
	@exec $(PY) manage.py up

test: setup-dev check  ## set up, check and run every test but the slow ones
	@scripts/test.sh

check: setup-dev  ## lint, types, layers, templates, migrations, lock files
	@scripts/check.sh

slow: setup-dev  ## the slow tests, in their CI size
	@$(PY) -m pytest -m slow

verify: setup-dev  ## the slow tests, in full size: a hundred kills and the like
	@SLOW_TESTS=full $(PY) -m pytest -m slow

setup:  ## set up .venv and the browser packages, put back what is missing
	@sh scripts/setup.sh run

setup-dev:
	@sh scripts/setup.sh dev

format: setup-dev  ## format Python and templates
	@.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format . && .venv/bin/djlint --quiet --reformat templates || true

lock: setup-dev  ## compile requirements/*.txt from pyproject.toml
	@sh scripts/lock.sh

clean:  ## remove the environment and caches (keeps data)
	rm -rf .venv node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .coverage*
