# Two commands do all the set-up: `make run` and `make test`. Everything they install stays in .venv and build/.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Without .pyc files imports take two to four times as long; some environments switch them off.
export PYTHONDONTWRITEBYTECODE :=
# A machine with certificates of its own (a company's proxy) trusts those; without any, uv brings its own list.
UV := VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(BIN)/uv $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)

.PHONY: help run demo test lint env dev-env bench kill-loop lock clean

help:
	@echo "make run        start one register with virtual devices (Ctrl-C stops it)"
	@echo "make demo       play an internet outage from start to finish and check each step"
	@echo "make test       run all tests, linters included"
	@echo "make bench      print and write the figures to build/bench.json"
	@echo "make kill-loop  200 SIGKILLs at random moments of a replayed day (KILLS=n, SEED=n)"
	@echo "make lock       resolve the locked requirements anew"
	@echo "make clean      remove the environment and build/"

$(VENV)/.runtime: requirements/runtime.txt requirements/tools.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/runtime.txt
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	touch $@

env: $(VENV)/.runtime
dev-env: $(VENV)/.dev

run: env
	@$(BIN)/tillkeeper run --embedded

demo: env
	@$(BIN)/tillkeeper demo

test: dev-env
	$(BIN)/python -m pytest -n 2

lint: dev-env
	$(BIN)/python -m pytest tests/test_linters.py

bench: dev-env
	$(BIN)/python -m tests.bench

kill-loop: dev-env
	$(BIN)/python -m tests.killloop --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

lock: env
	for n in tools runtime dev; do $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/$$n.in -o requirements/$$n.txt; done

clean:
	rm -rf $(VENV) build
