# Everything a fresh machine needs to try, test and change the project. Needs Python >= 3.11 and make, nothing else.
# What is up to date is not made again: stamp files inside .venv say which lock files it was made from.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" PIP_FIND_LINKS= $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(LOCK_OPTIONS) --extra build

TWO_AT_A_TIME := --numprocesses 2 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo bench budget scaling test long unit oracle fuzz faults shell-mutants mutated questions first-bytes storm lint fmt mutants up lock producers browser prometheus screenshots vendor docs clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: $(INSTALLED) ## .venv with the intercompany command in it

install-dev: $(INSTALLED_DEV) ## the same with everything for tests

demo: $(INSTALLED) ## starts all parts, sends the examples through, prints each company's vouchers, stops
	@$(BIN)/intercompany demo

up: $(INSTALLED) ## starts all parts, leaves them running, and prints the console's address; DEMO=1 posts the demo's payment
	@$(BIN)/intercompany up $(if $(DEMO),--demo)

budget: $(INSTALLED_DEV) ## what a payment costs by service and stage: time, calls, memory, queries, bytes, rows (docs/speed.md)
	@$(BIN)/python -m tests.speed.budget

bench: $(INSTALLED) ## throughput, latency and what a payment costs, beside the machine's limit (docs/speed.md); BENCH_OPTIONS=--embedded
	@$(BIN)/intercompany bench $(BENCH_OPTIONS)

scaling: $(INSTALLED_DEV) ## payments per second of one, two and four instances of each service, each with a QUOTA of a processor, in containers
	@docker compose build --quiet && $(BIN)/python -m tests.speed.scaling $(if $(QUOTA),--quota $(QUOTA))

# Tests run even when a check before them fails, so that one run shows all there is to mend. Two at a time, since many wait for what they
# started; in their order, which has those that take longest first.
test: $(INSTALLED_DEV) browser prometheus ## every check, and every test but those of long
	@status=0; $(MAKE) --no-print-directory lint || status=1; $(BIN)/pytest $(TWO_AT_A_TIME) || status=1; exit $$status

long: $(INSTALLED_DEV) ## the tests that test leaves out: all that it tries a part of, whole, and loads of full length; needs Docker
	@TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/pytest --long -m long

unit: $(INSTALLED_DEV) ## what answers within a minute: the rules, every scenario, what keeps the code and its documents in order
	@$(BIN)/pytest -q -m "not embedded and not containers" tests/unit tests/oracle tests/house tests/docs tests/test_scenarios.py tests/test_rules_covered.py

oracle: $(INSTALLED_DEV) ## a second reading of the rules and the product on COUNT random scenarios from SEED; prints what differs
	@$(BIN)/python -m tests.oracle.compare --count $(or $(COUNT),300) $(if $(SEED),--seed $(SEED))

fuzz: $(INSTALLED_DEV) ## schemathesis with every check against the HTTP API of a stack of its own; EXAMPLES=50 of each operation
	@$(BIN)/python -m tests.live.web.fuzz --examples $(or $(EXAMPLES),50)

questions: $(INSTALLED_DEV) ## how long questions to the books take on LINES=1000000 lines, beside their budget; FOLDER keeps the database
	@$(BIN)/python -m tests.live.inquiry.questions --lines $(or $(LINES),1000000) $(if $(FOLDER),--folder $(FOLDER))

first-bytes: $(INSTALLED_DEV) ## how long the first byte of each page of the console takes on the LINES of a FOLDER that questions has filled
	@$(BIN)/python -m tests.console.first_bytes --lines $(or $(LINES),1000000) --folder $(FOLDER)

storm: $(INSTALLED_DEV) ## MINUTES=60 of killing, cutting off, filling and failing over under a load, on containers, by SEED; then all is checked
	@$(BIN)/python -m tests.containers.storm --minutes $(or $(MINUTES),60) $(if $(SEED),--seed $(SEED)) $(if $(RATE),--rate $(RATE))

# The reaper is an image of its own, which not every machine can pull; the tests stop what they start.
producers: $(INSTALLED_DEV) ## sends ic-4 to Apache Kafka in containers by each program of deploy/producers; PRODUCERS="python go" by some
	@deploy/producers/tools.sh
	@PRODUCERS="$${PRODUCERS:-python java go node kcat}" TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/pytest --verbose tests/containers/test_producers.py

# Alerts are tested by Prometheus itself: without it their tests fail, they are not left out.
prometheus: ## Prometheus and its Alertmanager for the tests of deploy/observe, by apt where the machine has none
	@command -v prometheus >/dev/null && command -v amtool >/dev/null || \
	{ apt-get update -qq && apt-get install -qq --yes --no-install-recommends prometheus prometheus-alertmanager >/dev/null; } || \
	{ echo "prometheus is needed for the tests of the alerts: apt-get install prometheus prometheus-alertmanager" >&2; exit 1; }

# The console's tests look at its pages: without a browser they fail, they are not left out.
browser: ## the browser of the console's tests, by apt where the machine has none
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium >/dev/null; } || \
	{ echo "chromium is needed for the tests of the console: apt-get install chromium" >&2; exit 1; }

vendor: ## what the console has of others, again from npm by its vendor.lock
	@services/web/console/vendor.sh

screenshots: $(INSTALLED_DEV) browser ## the pictures of docs/images: fixed data at a fixed moment, so a second run gives the same bytes
	@$(BIN)/python -m tests.console.screenshots

docs: $(INSTALLED_DEV) ## the documentation as pages in site/, which the web service shows under /docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

fmt: $(INSTALLED_DEV) ## formats the code and mends what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

lint: $(INSTALLED_DEV) ## ruff, mypy, import-linter
	@status=0; \
	$(BIN)/ruff check || status=1; \
	$(BIN)/ruff format --check || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports || status=1; \
	exit $$status

# From nothing each time: results that are kept do not know of tests that came since.
mutants: $(INSTALLED_DEV) ## mutation score of the cores, takes hours; ONLY="services.payment.* shared.*" of a part
	@rm -rf mutants
	@PATH="$(abspath $(BIN)):$$PATH" nice mutmut run --max-children 2 $(foreach mutants,$(ONLY),'$(mutants)')
	@$(BIN)/mutmut results --all true | $(BIN)/python tests/mutation_score.py

# Sets have an order of their own in each process unless it is said, and with it a seed another trace.
faults: $(INSTALLED) ## the fault simulator over many seeds, takes hours; SEEDS=10000 FIRST=0
	@PYTHONHASHSEED=0 $(BIN)/intercompany check faults --seed $(or $(FIRST),0) --seeds $(or $(SEEDS),10000)

shell-mutants: $(INSTALLED_DEV) ## takes the shell's safeguards away one by one; of each the first seed that finds it; ONLY="NAME ..."
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulator.mutants $(ONLY)

mutated: $(INSTALLED_DEV) ## the services take EVENTS=100000 mutated events of a SEED; counts by outcome, and the most memory
	@$(BIN)/python -m tests.mutated.taking --events $(or $(EVENTS),100000) $(if $(SEED),--seed $(SEED))

lock: $(INSTALLED_DEV) ## writes the lock files again; LOCK_OPTIONS=--upgrade takes newer versions
	@$(COMPILE) --extra embedded --extra dev --extra docs --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --extra embedded --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	@$(COMPILE) --constraint requirements-dev.lock --output-file requirements-service.lock pyproject.toml
	@$(COMPILE) --extra docs --constraint requirements-dev.lock --output-file requirements-docs.lock pyproject.toml

clean: ## removes the environment and all caches, not the data in .data
	rm -rf $(VENV) build site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache mutants
	find services shared tests -name __pycache__ -prune -exec rm -rf {} +

# The build backend comes from the lock like all else, so the project is built without isolation and without an index.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
