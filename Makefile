# Two commands need nothing but Python 3.11 or newer: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARCHIVED := $(VENV)/.archived
ZIP := dist/w2v_spark.zip

.DEFAULT_GOAL := help
.PHONY: help venv demo test check lint format generated bench faults fuzz dist clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

venv: $(STAMP) $(ARCHIVED) ## install the project and its tools into .venv (done by the others when needed)

# Current while the dependencies are the same and the Python it was made from is still there.
ifneq ($(shell $(BIN)/python -c 'print("works")' 2>/dev/null),works)
.PHONY: $(STAMP)
endif
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "'$(PYTHON)' is missing or older than Python 3.11: install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	    exit 2; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { \
	    echo "'$(PYTHON) -m venv' failed: on Debian and Ubuntu, apt install python3-venv" >&2; \
	    exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[spark,java,dev]'
	@touch $@

# Spark's classes as an archive, with which the Javas of tests start in half the time.
$(ARCHIVED): $(STAMP)
	$(BIN)/python -m tests.java_start
	@touch $@

demo: $(STAMP) ## train on the documentation of the installed Python, or on your text: make demo INPUT=path
	$(BIN)/python -m w2v_spark demo $(if $(INPUT),--input "$(INPUT)")

# Files in the order of pyproject.toml's testpaths, quick ones first.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(STAMP) $(ARCHIVED) ## run the quick tests, some minutes; a part of them: make test ARGS=tests/unit
	$(PYTEST) -m "not slow" $(ARGS)

check: $(STAMP) $(ARCHIVED) lint ## check style, types and all tests; what .ci/run runs
	$(PYTEST) $(ARGS)

lint: $(STAMP) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: $(STAMP) ## write what is made from the table of settings: and of commands: tables of docs/, types of Params
	$(BIN)/python -m tools.generated
	$(BIN)/python -m tools.command_tables

bench: $(STAMP) ## measure the whole job against gensim (minutes; see benchmarks/)
	$(BIN)/python -m benchmarks.bench_end_to_end $(ARGS)

faults: $(STAMP) ## kill a process of a small job at a random moment, N times: make faults N=200 SEED=1
	$(BIN)/python -m tests.faults.random_kills --number $(or $(N),200) --seed $(or $(SEED),1) $(ARGS)

SECONDS ?= 60
fuzz: $(STAMP) ## look for bytes that end in a traceback or worse: make fuzz SECONDS=3600 ARGS="own-table tokenizer"
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' \
	    || echo "atheris cannot be installed here: going on with mutations that know nothing of what is covered" >&2
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

dist: $(STAMP) ## pack the package into dist/: a zip for spark-submit --py-files, and a wheel
	$(BIN)/python -m w2v_spark path --zip $(ZIP)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@rm -rf build

clean: ## remove everything that can be made again, .venv included
	rm -rf $(VENV) .fuzz dist build *.egg-info w2v-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis spark-warehouse
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
