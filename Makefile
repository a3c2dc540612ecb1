# Works with GNU make 3.81 and later. Each target sets up what it needs; `make help` lists them.
#
#   PYTHON=python3.12   the interpreter the environments are made from (3.11 or newer)
#   V=1                 show pip's output

PYTHON ?= python3
V ?=

# The folders that black and mypy look at, those of them that hold Python files.
CHECKED := $(strip $(foreach d,mlcore cli tests fixtures benchmarks interop,$(if $(wildcard $(d)/*.py),$(d))))

DEMO := build/demo
PIP_FLAGS := --disable-pip-version-check --no-input $(if $(filter 1,$(V)),,--quiet)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-python test-go check golden bench lock clean

help: ## list the targets
	@echo "usage: make TARGET [PYTHON=python3] [V=1]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile

# --- environments ---------------------------------------------------------------------------------

# $(call need_python,TEST,WORDS): stop with one line when Python's version does not pass TEST.
define need_python
@$(PYTHON) -c 'import sys; sys.exit(not ($(1)))' 2>/dev/null || { \
	echo "error: needs $(2), but $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing);" \
	     "name another one: make PYTHON=/path/to/python3" >&2; exit 1; }
endef

# $(call make_env,DIR,LOCK): bring the environment DIR to what LOCK names, then add mlcore itself.
define make_env
$(call need_python,sys.version_info >= (3$(comma) 11),Python 3.11 or newer)
@echo "setting up $(1) from $(2)"
@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
@$(1)/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r $(2)
@$(1)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
@touch $@
endef

comma := ,

.venv/.ready-test: locks/test.txt pyproject.toml
	$(call make_env,.venv,locks/test.txt)

# On top of the other: half a gigabyte that only the tests need.
.venv/.ready-spark: .venv/.ready-test locks/spark.txt
	@echo "adding Spark to .venv from locks/spark.txt"
	@.venv/bin/python -m pip install $(PIP_FLAGS) --no-build-isolation --require-hashes -r locks/spark.txt
	@touch $@

.venv-bench/.ready-bench: locks/bench.txt pyproject.toml
	$(call make_env,.venv-bench,locks/bench.txt)

setup: .venv/.ready-test ## make .venv with the locked packages and mlcore itself

# --- work -----------------------------------------------------------------------------------------

check: .venv/.ready-test ## check the formatting (black) and the types (mypy, strict)
	.venv/bin/black --check --quiet $(CHECKED) || .venv/bin/black --check --diff $(CHECKED)
	.venv/bin/mypy $(CHECKED)

test: test-python test-go ## check and test everything; a part whose language is missing is skipped, visibly

test-python: check .venv/.ready-spark
	.venv/bin/python -m pytest

test-go:
	@command -v go >/dev/null 2>&1 || echo "SKIP: go is not installed, interop/go is not tested"
	@if command -v go >/dev/null 2>&1; then interop/go/check.sh; fi

golden: .venv/.ready-test ## write the golden fixtures anew
	.venv/bin/python -m fixtures.golden
	.venv/bin/python -m fixtures.warehouse

bench: .venv-bench/.ready-bench ## run the benchmarks at 1 million interactions, in an environment of their own
	.venv-bench/bin/python -m benchmarks

demo: .venv/.ready-test ## go from made-up events to recommendations and their metrics
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	.venv/bin/python -m cli.generate --users 300 --items 200 --interactions 3000 --seed 2 --out $(DEMO)/events.csv --items-out $(DEMO)/items.csv
	.venv/bin/python -m cli.preprocess --interactions $(DEMO)/events.csv --out $(DEMO)/clean.csv --min-user-interactions 6 --min-item-interactions 9 --max-user-interactions 40
	.venv/bin/python -m cli.split --interactions $(DEMO)/clean.csv --strategy last-n --n 2 --train-out $(DEMO)/train.csv --test-out $(DEMO)/test.csv
	.venv/bin/python -m cli.train --interactions $(DEMO)/train.csv --config fixtures/small/cosine_tf_idf/config.json --out-dir $(DEMO)/model
	.venv/bin/python -m cli.predict --model-dir $(DEMO)/model --users $(DEMO)/test.csv --top-n 10 --out $(DEMO)/predictions.jsonl
	.venv/bin/python -m cli.evaluate --predictions $(DEMO)/predictions.jsonl --ground-truth $(DEMO)/test.csv --cutoffs 5,10 --model-dir $(DEMO)/model --out $(DEMO)/metrics.json
	cat $(DEMO)/metrics.json
	.venv/bin/python -m cli.show --predictions $(DEMO)/predictions.jsonl --items $(DEMO)/items.csv --histories $(DEMO)/train.csv
	diff -r $(DEMO)/model fixtures/small/cosine_tf_idf/model
	diff $(DEMO)/predictions.jsonl fixtures/small/cosine_tf_idf/predictions.jsonl
	@echo "model and predictions are, byte for byte, those in fixtures/small"

# --- lock files -----------------------------------------------------------------------------------

# Every lock takes the versions of the one before it, so the environments agree.
# `make lock` keeps the versions that are locked; `make lock UPGRADE=1` takes the newest.
LOCK_EACH := CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet --no-config \
	--generate-hashes --strip-extras --allow-unsafe --resolver=backtracking \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	$(if $(UPGRADE),--upgrade)

lock: ## resolve the lock files anew with Python 3.11 (UPGRADE=1: newest versions)
	$(call need_python,sys.version_info[:2] == (3$(comma) 11),Python 3.11 itself)
	@.venv-lock/bin/pip-compile --version >/dev/null 2>&1 || { \
		$(PYTHON) -m venv --clear .venv-lock && \
		.venv-lock/bin/python -m pip install $(PIP_FLAGS) 'pip-tools>=7.6'; }
	$(LOCK_EACH) -o locks/core.txt pyproject.toml
	$(LOCK_EACH) -o locks/test.txt -c locks/core.txt --extra test pyproject.toml locks/build.in
	$(LOCK_EACH) -o locks/spark.txt -c locks/test.txt --extra test --extra spark --extra bigquery pyproject.toml locks/build.in
	$(LOCK_EACH) -o locks/bench.txt -c locks/test.txt --extra test --extra bench pyproject.toml locks/build.in
	$(LOCK_EACH) -o locks/local.txt -c locks/core.txt --extra local pyproject.toml

clean: ## remove what was built and the caches (ALL=1: the environments too)
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .hypothesis
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
	$(if $(ALL),rm -rf .venv .venv-bench .venv-lock)
