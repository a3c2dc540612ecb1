# Works with GNU make 3.81 and later. Each target sets up what it needs; `make help` lists them.
#
## PYTHON=python3.12   the interpreter that environments are made from, 3.11 or newer
## ALL=1               test: Spark, BigQuery, GoogleSQL, Postgres and all readers too, none may be missing; clean: environments too;
##                     bench: 20m and the growth too, more than two hours
## MINUTES=10          attack: how long
## FAST_MARKS=EXPR     what test-fast selects, as in pytest -m
## UPGRADE=1           lock: take the newest versions
## V=1                 show pip's output

PYTHON ?= python3
FAST_MARKS ?= not slow and not medium
MINUTES ?= 10

# The folders that black and mypy look at, those of them that hold Python files.
CHECKED := conftest.py setup.py $(strip $(foreach d,mlcore cli tests fixtures benchmarks interop docs examples,$(if $(wildcard $(d)/*.py),$(d))))

DEMO := build/demo
GOLDEN := fixtures/small/cosine_tf_idf
# --no-compile: Python compiles what it imports, a sixth of the files, and must be free to keep it.
export PYTHONDONTWRITEBYTECODE :=
PIP_FLAGS := --disable-pip-version-check --no-input --no-compile $(if $(filter 1,$(V)),,--quiet)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PRECIOUS: .venv/.ready-%
.PHONY: help setup demo test test-python test-go test-rust test-java test-typescript test-explorer test-fast test-pythons attack check golden golden-check bench docs lock clean

help: ## list the targets and variables
	@echo "usage: make TARGET [VARIABLE=VALUE ...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile
	@sed -n 's/^## /  /p' Makefile

# --- environments ---------------------------------------------------------------------------------

define need_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "error: needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing);" \
	     "name another one: make PYTHON=/path/to/python3" >&2; exit 1; }
endef

# $(call install,DIR,LOCK): install what LOCK names, and nothing else, into the environment DIR.
# By pip because it comes with Python; --no-deps because pip would resolve a locked file anew.
define install
@echo "$(1): installing locks/$(2).txt"
@$(1)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --require-hashes -r locks/$(2).txt
endef

# $(call make_env,DIR): make the environment DIR, unless an earlier call has got as far as pip.
define make_env
$(need_python)
@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
endef

# $(call set_up,DIR,LOCK): the build tools, then LOCK. The bytecode of the tools, a dozen MB, has served.
# The stamp comes last, so the next call resumes an interrupted set-up.
define set_up
$(call make_env,$(1))
$(call install,$(1),build)
$(call install,$(1),$(2))
@find $(1)/lib/python*/site-packages/pip $(1)/lib/python*/site-packages/setuptools -name __pycache__ -prune -exec rm -rf {} +
@touch $@
endef

# $(call install_mlcore,DIR): mlcore itself, with its kernels compiled where they lie.
define install_mlcore
@$(1)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
@$(1)/bin/python -m pip check
@touch $@
endef

# One .venv that grows: each of these locks is part of the next, and the largest one set up stays.
have = $(patsubst .venv/.ready-%,%,$(wildcard .venv/.ready-$(1)))
LOCAL := .venv/.mlcore-$(lastword local $(call have,test) $(call have,all))
TEST := .venv/.mlcore-$(if $(filter 1,$(ALL)),all,$(lastword test $(call have,all)))
SOURCES := pyproject.toml setup.py $(wildcard mlcore/native/*.?pp)

.venv/.ready-%: locks/build.txt locks/%.txt
	$(call set_up,.venv,$*)

.venv/.mlcore-%: .venv/.ready-% $(SOURCES)
	$(call install_mlcore,.venv)

.venv-bench/.ready-bench: locks/build.txt locks/bench.txt
	$(call set_up,.venv-bench,bench)

.venv-bench/.mlcore: .venv-bench/.ready-bench $(SOURCES)
	$(call install_mlcore,.venv-bench)

.venv-docs/.ready-docs: locks/build.txt locks/docs.txt
	$(call set_up,.venv-docs,docs)

.venv-docs/.mlcore: .venv-docs/.ready-docs $(SOURCES)
	$(call install_mlcore,.venv-docs)

.venv-lock/.ready-uv: locks/uv.txt
	$(call make_env,.venv-lock)
	$(call install,.venv-lock,uv)
	@touch $@

setup: $(TEST) ## make .venv with the locked packages and mlcore itself

# --- work -----------------------------------------------------------------------------------------

demo: $(LOCAL) ## go from synthetic events to recommendations and their metrics
	rm -rf $(DEMO)
	.venv/bin/mlcore demo --out-dir $(DEMO)
	diff -r -x provenance.json $(DEMO)/model $(GOLDEN)/model
	diff $(DEMO)/predictions.jsonl $(GOLDEN)/predictions.jsonl
	@echo "model and predictions are, byte for byte, those in $(GOLDEN)"
	@echo "for mlcore in this shell: . .venv/bin/activate"

# The readers before Python's tests, which run those that are built on the same requests and damaged models.
test: check $(if $(filter 1,$(ALL)),test-go test-rust test-java test-typescript test-explorer test-python) ## check and test everything; a part whose tool is missing is skipped, visibly
ifneq ($(ALL),1)
	@$(MAKE) --no-print-directory -j2 test-go test-python
	@echo "SKIP: interop/rust, java, typescript and explorer take minutes: make test ALL=1, or test-rust and so on"
endif

test-python: $(TEST)
	.venv/bin/python -m pytest

# $(call test_reader,LANGUAGE,TOOL,HINT)
define test_reader
@if command -v $(2) >/dev/null 2>&1; then interop/$(1)/check.sh; \
elif [ "$(ALL)" = 1 ]; then echo "FAIL: $(2) is not installed" >&2; exit 1; \
else echo "SKIP: interop/$(1): $(2) is not installed; $(3)"; fi
endef

test-go:
	$(call test_reader,go,go,get Go 1.24 or newer from go.dev/dl)

test-rust: ## test the reader in Rust; test-go, test-java and test-typescript likewise
	$(call test_reader,rust,cargo,get Rust from rustup.rs)

test-java:
	$(call test_reader,java,mvn,get Maven and Java 17 or newer: Debian's packages maven and openjdk-17-jdk)

test-typescript:
	$(call test_reader,typescript,npm,get Node.js 20 or newer from nodejs.org)

test-explorer:
	$(call test_reader,explorer,npm,get Node.js 20 or newer from nodejs.org)

test-fast: $(TEST) ## run while editing: about a minute
	.venv/bin/python -m pytest -q -m "$(FAST_MARKS)"

test-pythons: $(TEST) .venv-lock/.ready-uv ## run the fast tests on each Python found, with the lowest and newest packages
	.venv/bin/python -m tests.setup.interpreters --marks "$(FAST_MARKS)"

attack: $(TEST) ## fail system calls, kill, fuzz the readers in Python and Go; names the seed of what it finds
	.venv/bin/python -m tests.attacks --minutes $(MINUTES)

check: $(TEST) ## check the formatting (black, clang-format) and the types (mypy, strict)
	.venv/bin/black --check --quiet $(CHECKED) || .venv/bin/black --check --diff $(CHECKED)
	.venv/bin/clang-format --dry-run --Werror mlcore/native/*.?pp
	.venv/bin/mypy $(CHECKED)

golden: $(TEST) ## write the golden fixtures and the schema of configurations anew
	.venv/bin/python -m fixtures.golden
	.venv/bin/python -m fixtures.warehouse
	.venv/bin/python -m cli.config --schema > interop/schema/config.schema.json
	cp interop/schema/config.schema.json mlcore/

golden-check: $(TEST) ## say in seconds where what the code makes differs from the fixtures, and what follows
	.venv/bin/python -m fixtures.golden --check

bench: .venv-bench/.mlcore ## measure beside other libraries what has no figures yet, and make docs/performance.md anew
	.venv-bench/bin/python -m benchmarks $(if $(filter 1,$(ALL)),--all) --into docs/performance.md

docs: .venv-docs/.mlcore ## build the site of docs/ into build/docs, and check each link in it
	rm -rf build/docs build/doctrees
	.venv-docs/bin/python -m sphinx --quiet --fail-on-warning --keep-going -d build/doctrees -c docs . build/docs
	.venv-docs/bin/python -m docs.check build/docs

# --- lock files -----------------------------------------------------------------------------------

# Each lock takes the versions of the one before it, so the environments agree. Markers make one lock
# right for every Python and system, since installing resolves nothing.
COMPILE := .venv-lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" $(if $(filter 1,$(UPGRADE)),--upgrade)
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

lock: .venv-lock/.ready-uv ## resolve the lock files anew, keeping the versions that are locked
	echo uv | $(COMPILE) -o locks/uv.txt -
	.venv-lock/bin/python -c '$(BUILD_REQUIRES)' | $(COMPILE) -o locks/build.txt -
	$(COMPILE) -o locks/core.txt pyproject.toml
	$(COMPILE) -o locks/local.txt -c locks/core.txt --extra local pyproject.toml
	$(COMPILE) -o locks/test.txt -c locks/local.txt --extra test pyproject.toml
	$(COMPILE) -o locks/all.txt -c locks/test.txt --extra test-all pyproject.toml
	$(COMPILE) -o locks/bench.txt -c locks/test.txt --extra bench pyproject.toml
	$(COMPILE) -o locks/docs.txt -c locks/test.txt --extra docs pyproject.toml

clean: ## remove what was built and the caches
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .hypothesis
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f mlcore/native/*.so
	$(if $(filter 1,$(ALL)),rm -rf .venv .venv-bench .venv-docs .venv-lock)
