# `make test` and `make demo` set up all that they need, in .venv, and start from nothing. torch comes
# first and alone: asked for together with the rest, pip would look for the build with CUDA.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: test demo lint types fast rates generate docs oracle bench clean

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,launch]'
	touch $@

test: lint types
	$(BIN)/python -m pytest -n auto --dist loadfile

fast: $(VENV)/.ready
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready
	$(BIN)/mypy

demo: $(VENV)/.ready
	@sh tools/demo.sh $(BIN)/lora-lint

rates: $(VENV)/.ready
	$(BIN)/python tools/fire_rates.py ../shared/data/recipes --json docs/fire_rates.json

# What is generated: the index of the rules, the frameworks' tables, the pages. Needs no torch.
generate: $(BIN)/python
	$(BIN)/python tools/build_rule_index.py
	$(BIN)/python tools/build_frameworks.py
	$(BIN)/python tools/build_launch_types.py
	$(BIN)/python tools/build_docs.py
	$(BIN)/python tools/claims.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'

docs: $(VENV)/.ready
	$(BIN)/python tools/build_docs.py
	$(BIN)/python tools/claims.py
	$(BIN)/python -m mkdocs build --quiet --strict

oracle: $(VENV)/.ready
	$(BIN)/python tools/oracle.py --cases 500

bench: $(VENV)/.ready
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/hook.py

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
