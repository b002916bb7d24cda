# The tests of the whole project. `make test` is what CI runs: from a fresh clone, on any Debian-like machine.
# The test runners print their own summaries; the first target that fails ends the run.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
PYTHON := $(VENV)/bin/python
PAGES := crates/web/src/pages
# TypeScript is installed in a scratch folder: nothing that is shipped needs npm.
TYPESCRIPT := target/typescript
# How many end-to-end tests run at a time.
WORKERS ?= 4

.PHONY: test tools packages lint lint-rust lint-pages lint-tests licences build test-rust test-loom test-e2e wheel eval

# One after the other: parallel cargo commands would wait for each other's lock, and browsers for the processor.
test:
	@$(MAKE) --no-print-directory tools
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-rust
	@$(MAKE) --no-print-directory test-loom
	@$(MAKE) --no-print-directory test-e2e
	@echo "make test: all passed"

# ---- tools for the tests ----

tools: packages $(VENV)/.ready

packages:
	@bash tests/tools/packages.sh

$(VENV)/.ready: tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

# ---- static checks ----

lint: lint-rust lint-pages lint-tests licences

lint-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

lint-pages: $(TYPESCRIPT)/.ready
	PATH="$$(bash tests/tools/node_path.sh):$$PATH" $(TYPESCRIPT)/node_modules/.bin/tsc --noEmit -p $(PAGES)
	@echo "tsc: the pages' types agree"

lint-tests: $(VENV)/.ready
	$(VENV)/bin/ruff check --no-cache tests python examples models
	$(VENV)/bin/ruff format --no-cache --check tests python examples models

$(TYPESCRIPT)/.ready: $(PAGES)/package-lock.json $(VENV)/.ready
	mkdir -p $(TYPESCRIPT)
	cp $(PAGES)/package.json $(PAGES)/package-lock.json $(TYPESCRIPT)/
	PATH="$$(bash tests/tools/node_path.sh):$$PATH" npm ci --prefix $(TYPESCRIPT) --silent --no-audit --no-fund
	@touch $@

licences: $(VENV)/.ready
	$(PYTHON) tests/tools/licences.py

# ---- Rust ----

# All targets at once, so that the end-to-end tests start a program with the same features as the unit tests, and nothing
# is built twice. The Python package is tested from its sources; the native library is copied beside them.
build:
	cargo build --workspace --all-targets --locked
	@install -m 755 target/debug/lib_native.so python/framehub/_native.abi3.so

test-rust: build
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --locked --no-fail-fast; \
	else \
	  cargo test --workspace --all-targets --locked --no-fail-fast; \
	fi
	cargo test --workspace --exclude framehub-native --doc --locked

# Every interleaving of publish, receive and drop, within loom's bounds. In a separate target folder, because the flag
# changes every dependency.
test-loom:
	@if [ -f crates/hub/tests/loom.rs ]; then \
	  RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p framehub-hub --test loom --release --locked; \
	fi

# ---- end to end ----

# These tests mostly wait, so several run at a time. An idle worker takes tests from the end of another's queue.
test-e2e: $(VENV)/.ready build
	$(PYTHON) -m pytest tests --numprocesses $(WORKERS) --dist worksteal

# ---- releases ----

# One wheel for every CPython from 3.10 on, including the command `framehub`. Not part of `test`: a release build.
wheel: $(VENV)/.ready
	$(VENV)/bin/maturin build --release --locked --manifest-path python/Cargo.toml --out target/wheels

# ---- measurements ----

# Synthetic bouts from video to verdict; models/README.md has the results. Not part of `test`: a release build, and
# minutes of computing.
BOUTS ?= 60
eval: $(VENV)/.ready
	cargo build --release --locked --bin framehub
	$(PYTHON) models/evaluate.py --program target/release/framehub --bouts $(BOUTS)
