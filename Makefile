# Baton, on a machine with Python 3.11 or later and make. `make help` says what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test check bench races chaos exactness year screenshots clean-demo lock

PY := .venv/bin/python
PORT ?= 8000
export PORT
export PYTHONUNBUFFERED := 1
export PYTHONUTF8 := 1

# Some homes are missing or cannot be written to; then everything that wants one gets it under var/.
ifneq ($(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/var/home
endif

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

demo: .venv/demo-ready ## Run all of Baton on this machine, with a demo company. PORT=8001 chooses another port.
	@exec $(PY) -m config.home.demo --with-parent

test: .venv/dev-ready ## Run the whole test suite on servers of its own. ARGS="-k inbox" passes options to pytest.
	@exec $(PY) -m config.home.testing --with-parent $(ARGS)

check: .venv/dev-ready ## Check format, lint, types, import contracts and migrations. Runs no tests, needs no server.
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	env -u DATABASE_URL DJANGO_SETTINGS_MODULE=config.settings $(PY) -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run

bench: .venv/demo-ready ## Measure clocks, routing, the pages of the desk, intake, scoring. ONLY=desk (clocks, routing, rest) is one part, N=20000 the leads.
	@exec $(PY) -m config.home.bench --with-parent $(if $(ONLY),--only=$(ONLY)) $(if $(N),$(N))

races: .venv/dev-ready ## Race real processes for the same leads, 20,000 rounds and the rest in full. ROUNDS=2000 is a tenth, SEED=7 replays.
	@BATON_ROUNDS=$${ROUNDS:-20000} BATON_SEED=$$SEED \
	  exec $(PY) -m config.home.testing --with-parent --durable -n0 -p no:randomly -s -q tests/races $(ARGS)

year: .venv/dev-ready ## Play a sales floor's year, every invariant after every step. LEADS=20000 takes an hour, SEED=7 plays it again.
	@BATON_LEADS=$${LEADS:-200} BATON_REPS=$${REPS:-200} BATON_DAYS=$${DAYS:-365} BATON_SEED=$$SEED \
	  exec $(PY) -m config.home.testing --with-parent -n0 -s tests/year -k invariants

chaos: .venv/dev-ready ## Kill clock processes and servers while promises run, and see that they hold. SEED=7 replays, ARGS="--only mail".
	@SEED=$(SEED) exec $(PY) -m tests.chaos --with-parent $(ARGS)

exactness: .venv/dev-ready ## Prove working time: every change of offset against an oracle, a million deadlines back.
	@exec $(PY) -m tests.exactness

screenshots: .venv/dev-ready ## Take the pictures of docs/img and one of every page (var/pictures) from the demo that runs.
	@exec $(PY) tests/screenshots.py

clean-demo: ## Forget the demo: its data, mails, keys and logs.
	@if [ -x $(PY) ]; then exec $(PY) -m config.home.demo --forget; else rm -rf var; echo "The demo is forgotten."; fi

lock: .venv/dev-ready ## Write the requirements files anew from pyproject.toml (needs uv).
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade pyproject.toml -o requirements.txt
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --extra dev pyproject.toml -o requirements-dev.txt

# An environment that lost its Python is made anew, and then nothing in it is ready.
$(shell $(PY) -c 'import pip' >/dev/null 2>&1 || rm -f .venv/demo-ready .venv/dev-ready)

.venv/demo-ready: requirements.txt | python-found
	@$(PY) config/home/install.py requirements.txt
	@touch $@

.venv/dev-ready: requirements-dev.txt | python-found
	@$(PY) config/home/install.py requirements-dev.txt
	@touch $@

.PHONY: python-found
python-found:
	@if $(PY) -c 'import pip' >/dev/null 2>&1; then exit 0; fi; \
	too_bare=; for candidate in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    too_bare=$$candidate; \
	    if "$$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	      echo "Making .venv with $$("$$candidate" --version) ..."; \
	      exec "$$candidate" -m venv --clear .venv; \
	    fi; \
	  fi; \
	done; \
	if [ -n "$$too_bare" ]; then \
	  echo "$$too_bare cannot make virtual environments: its venv module is missing (on Debian: apt-get install python3-venv)."; \
	else \
	  echo "Baton needs Python 3.11 or later, and this machine has none. Install one, or name it: make demo PYTHON=/path/to/python3.11"; \
	fi; exit 1
