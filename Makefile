# `make help` lists what can be done here. Needs Python >= 3.11, git and make; packages come from the package registry.

VENV := .venv
BIN := $(VENV)/bin
RELEASE := $(VENV)/release
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
# What differs most on a Mac; `make night` runs all.
DARWIN_SAMPLE := tests/unit/platform tests/unit/projects tests/unit/install/test_service_managers.py
GITLESS_SAMPLE := tests/e2e/test_declared_source.py
# Three for two cores: some tests wait for processes, and each worker collects all tests.
TEST_WORKERS ?= 3
# Each check keeps one core busy. The make of macOS can't hold a check's lines together.
TWO_AT_ONCE := -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync)
D2 := @terrastruct/d2@0.1.33
AXE := axe-core@4.14.1

.DEFAULT_GOAL := help
# Else each of the thousand processes that tests start compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test lint subjects prose types types-here types-darwin imports unit as-darwin as-darwin-sample coverage any-order bench bench-quick bench-growth bench-gate takeover takeover-fetch takeover-peers learn successor exam-sheets exam-grading exam-tally table picture diagrams page-tools test-agents test-agents-newest test-install dist test-packages rehearse changelog audit release-check lock chaos soak histories fuzz mutants night clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## show Carryover at work once, in a throw-away folder; changes nothing of yours
	@PYTHONPATH=lab $(BIN)/python -m demo

test: $(VENV)/.installed-dev ## lint, strict type check, import rules and the whole test suite
	@$(MAKE) --no-print-directory $(TWO_AT_ONCE) types lint imports as-darwin-sample
	@$(MAKE) --no-print-directory unit

lint: subjects prose $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

subjects: $(VENV)/.installed-dev
	@PYTHONPATH=lab $(BIN)/python -m habits.subjects

prose: $(VENV)/.installed-dev
	@PYTHONPATH=lab $(BIN)/python -m habits.prose

types: types-here types-darwin

types-here: $(VENV)/.installed-dev
	$(BIN)/mypy
	MYPYPATH=packaging $(BIN)/mypy packaging/*.py

types-darwin: $(VENV)/.installed-dev
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin src

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/.installed-dev
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal

as-darwin-sample: $(VENV)/.installed-dev
	$(BIN)/pytest --as-darwin $(DARWIN_SAMPLE)
	$(BIN)/pytest --as-darwin --without-git $(GITLESS_SAMPLE)

as-darwin: $(VENV)/.installed-dev ## run the tests of units, agents and whole programs as if this machine were a Mac; ONLY=tests/e2e some
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal --all --as-darwin $(or $(ONLY),tests/unit tests/agents tests/contract tests/e2e)

coverage: $(VENV)/.installed-dev ## run the suite and count lines and branches; fails below the floors in lab/habits/coverage_floors.py
	rm -rf .cache/coverage && mkdir -p .cache/coverage
	$(BIN)/coverage run -m pytest -n $(TEST_WORKERS) --dist worksteal --all
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --skip-empty
	$(BIN)/coverage json --quiet -o .cache/coverage/totals.json
	PYTHONPATH=lab $(BIN)/python -m habits.coverage_floors .cache/coverage/totals.json

any-order: $(VENV)/.installed-dev ## run the whole suite, with the tests marked night, in an order given by SEED=...: no test may depend on another
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal --all --any-order $(or $(SEED),1)

bench: $(VENV)/.installed-dev ## measure everything into architecture/benchmarks.md, in 25 minutes; ONLY=hooks,peers some sections
	PYTHONPATH=tests:lab $(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

bench-quick: $(VENV)/.installed-dev ## measure a small history in two minutes, printed and not written
	PYTHONPATH=tests:lab $(BIN)/python -m bench --quick $(if $(ONLY),--only $(ONLY))

bench-growth: $(VENV)/.installed-dev ## measure what grows with the history, at SIZES=20,200,2000 MB; continues a run that was ended
	PYTHONPATH=tests:lab $(BIN)/python -m bench --only growth $(if $(SIZES),--sizes $(SIZES))

bench-gate: $(VENV)/.installed-dev ## fail if a figure became worse than the stored one in three runs; STORE=1 stores them
	PYTHONPATH=tests:lab $(BIN)/python -m bench.gate $(if $(STORE),--store) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS))

takeover: $(VENV)/.installed-dev ## how much of what real sessions went on to need their handoffs hold, after takeover-fetch; HALF=closed at a release
	PYTHONPATH=tests:lab $(BIN)/python -m quality.takeover $(if $(HALF),--half $(HALF))

takeover-peers: $(VENV)/.installed-dev ## install the other programs that it measures, outside of the checkout (needs PyPI, npm)
	PYTHONPATH=tests:lab $(BIN)/python -m quality.peers

takeover-fetch: $(VENV)/.installed-dev ## get the public sessions that it measures with; MIRRORS=DIR takes them from bare mirrors named OWNER+NAME
	PYTHONPATH=tests:lab $(BIN)/python -m quality.fetch $(if $(MIRRORS),--mirrors $(MIRRORS))

learn: $(VENV)/.installed-learn ## learn from those sessions and readers' NOTES=DIR (MIRRORS=DIR) what a name is worth; writes src/carryover/distill/learned.py; SHARE=0.5 of notes
	PYTHONPATH=tests:lab $(BIN)/python -m quality.learn $(if $(NOTES),--notes $(NOTES)) $(if $(MIRRORS),--mirrors $(MIRRORS)) $(if $(SHARE),--share $(SHARE))

exam-sheets: $(VENV)/.installed-dev ## what does a successor believe? Sheets for takers in a new folder OUT=DIR; CUTS, SEED, ARMS, HALF=closed (docs/exam.md)
	@PYTHONPATH=tests:lab $(BIN)/python -m quality.exam sheets '$(OUT)' $(if $(CUTS),--cuts $(CUTS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ARMS),--arms '$(ARMS)') $(if $(HALF),--half $(HALF))

exam-grading: $(VENV)/.installed-dev ## check the takers' sheets in OUT=DIR, and mix their answers for GRADERS=2
	@PYTHONPATH=tests:lab $(BIN)/python -m quality.exam grading '$(OUT)' $(if $(GRADERS),--graders $(GRADERS))

exam-tally: $(VENV)/.installed-dev ## check the graders' tables in OUT=DIR, and count by arm; the closed half is kept with the release
	@PYTHONPATH=tests:lab $(BIN)/python -m quality.exam tally '$(OUT)'

successor: $(VENV)/.installed-dev ## whether an agent carries real tasks on better with a handoff: AGENT='claude -p' KEYS=ANTHROPIC_API_KEY; ARMS, TASKS, RUNS, MIRRORS; LIST=1, CHECK=1
	@PYTHONPATH=tests:lab $(BIN)/python -m quality.successor $(if $(AGENT),--agent '$(AGENT)') $(if $(ARMS),--arms '$(ARMS)') \
	  $(if $(TASKS),--tasks '$(TASKS)') $(if $(KEYS),--env '$(KEYS)') $(if $(TOOL_ENV),--tool-env '$(TOOL_ENV)') $(if $(RUNS),--runs $(RUNS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(MIRRORS),--mirrors $(MIRRORS)) $(if $(LIST),--list) $(if $(CHECK),--check)

table: $(VENV)/.installed-dev ## write the tables in README.md and docs/, and the hooks of plugins, from what agents' folders and commands say
	PYTHONPATH=tests:lab $(BIN)/python -m contract.table

picture: $(VENV)/.installed-dev ## record the pictures in README.md and the tutorial again: a real run on synthetic transcripts
	PYTHONPATH=tests:lab $(BIN)/python -m picture

diagrams: ## draw the pictures of architecture/d2 again, from their sources (needs npm)
	npm install --silent --no-save --no-audit --no-fund --prefix build/d2 $(D2)
	node architecture/d2/render.mjs

page-tools: ## bring axe-core, by which tests judge the page of `carryover ui` (needs npm)
	npm install --silent --no-save --no-audit --no-fund --prefix build/page $(AXE)

test-agents: $(VENV)/.installed-dev ## run real agents, isolated and offline (Linux, root; fetches them from package registries)
	$(BIN)/pytest lab/real_agents -m real_agents --timeout 900

test-agents-newest: $(VENV)/.installed-dev ## the same with each agent's newest release, if the tests don't know it yet; ONLY=... some agents
	PYTHONPATH=tests:lab $(BIN)/python -m night.newest $(if $(ONLY),--only $(ONLY))

test-install: $(VENV)/.installed-dev ## run what the documents show for installing (needs a package registry, uv and pipx)
	$(BIN)/pytest tests/e2e/test_documents.py -m network --timeout 900

dist: $(VENV)/.installed $(RELEASE)/.installed ## build all packages of a release, its bill of materials and checksums into dist/
	@PYTHONPATH=lab $(BIN)/python -m manual build/man
	@$(RELEASE)/bin/python packaging/make_dist.py

test-packages: $(VENV)/.installed-dev ## install each package that `make dist` built in an empty environment (needs registries); MEASURE=1 notes sizes
	MEASURE=$(MEASURE) PATH="$(abspath $(RELEASE))/bin:$$PATH" $(BIN)/pytest tests/packages -m network --timeout 900 -s

rehearse: $(VENV)/.installed-dev $(RELEASE)/.installed ## the release of HEAD from tag to upgrade, with nothing published: build/rehearsal/report.md; BEFORE=COMMIT upgrades from it
	PYTHONPATH=tests:lab $(BIN)/python -m rehearsal $(if $(BEFORE),--before $(BEFORE))

changelog: $(RELEASE)/.installed ## collect changelog.d into CHANGELOG.md for VERSION=1.2.3; DRAFT=1 only prints it
	$(RELEASE)/bin/towncrier build --yes $(if $(DRAFT),--draft) --version "$(VERSION)" --date "$$(date +%F)"

audit: $(RELEASE)/.installed ## look up known vulnerabilities of what is locked; STRICT=1 also fails if a package could not be looked up
	@$(RELEASE)/bin/python packaging/audit.py $(if $(STRICT),--strict)

release-check: test dist test-packages audit ## all of a release that can be done without an account

lock: $(RELEASE)/.installed ## write packaging/requirements again, for what pyproject.toml asks; UPGRADE=1 with the newest versions
	cd packaging/requirements && lock() { name=$$1; shift; $(abspath $(RELEASE))/bin/uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-strip-extras --default-index https://pypi.org/simple --custom-compile-command 'make lock' \
	  $(if $(UPGRADE),--upgrade) --output-file $$name.txt "$$@"; } && \
	lock run ../../pyproject.toml && \
	lock dev --extra dev ../../pyproject.toml && lock release --group ../../pyproject.toml:release

chaos: $(VENV)/.installed-dev ## faults in random order against a real daemon; SEED=... repeats a run, STEPS=... sets its length; MACHINES=2 KILLS=... two that synchronise
	PYTHONPATH=tests:lab $(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS),--steps $(or $(STEPS),60)) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(WORLDS),--worlds $(WORLDS)) \
	  $(if $(MACHINES),--machines $(MACHINES)) $(if $(AT_ONCE),--at-once $(AT_ONCE))

soak: $(VENV)/.installed-dev ## a day of work at two machines that synchronise, for HOURS=8, a row of figures every ten minutes; fails if anything grows
	PYTHONPATH=tests:lab $(BIN)/python -m soak $(if $(HOURS),--hours $(HOURS)) $(if $(SEED),--seed $(SEED))

histories: $(VENV)/.installed-dev ## random histories of git commands around working agents, RUNS=200 in each mode; SEED=... repeats
	PYTHONPATH=tests:lab $(BIN)/python -m histories --runs $(or $(RUNS),200) --seed $(or $(SEED),1) $(if $(ONLY),--mode $(ONLY))

fuzz: $(VENV)/.installed-fuzz ## bytes guided by coverage and generated examples for MINUTES=10; keeps what it finds; SEED=..., REPEAT=FILE
	PYTHONPATH=tests:lab $(BIN)/python -m fuzz $(if $(SEED),--seed $(SEED)) --minutes $(or $(MINUTES),10) --workers $(TEST_WORKERS) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(KEPT),--kept $(KEPT)) $(if $(REPEAT),--repeat $(REPEAT))

mutants: $(VENV)/.installed-dev ## for MINUTES=10, change one place of the pure code or empty a function, and name what no test notices; SEED, ONLY, KIND=hollow
	PYTHONPATH=tests:lab $(BIN)/python -m mutants $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only $(ONLY)) $(if $(KIND),--kind $(KIND))

night: $(VENV)/.installed-fuzz ## every check that takes too long to run at each change, in at most HOURS=6, into build/night/report.md; continues if interrupted
	PYTHONPATH=tests:lab $(BIN)/python -m night $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) $(if $(ONLY),--only $(ONLY)) $(if $(ANEW),--anew)

clean: ## remove what make made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .cache src/*.egg-info

$(BIN)/python:
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Carryover needs Python 3.11 or newer; python3 here is: $$(python3 --version 2>&1)." >&2; \
	  echo "Install a newer one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	if ! "$$found" -m venv $(VENV); then \
	  rm -rf $(VENV); \
	  echo "Could not make $(VENV). On Debian and Ubuntu this needs: apt install python3-venv" >&2; exit 1; \
	fi

# The stamps say what is installed, so that with a ready .venv nothing here needs the network.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Carryover into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing Carryover and its test tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev]' # most is never imported
	@touch $(VENV)/.installed $@

$(VENV)/.installed-fuzz: pyproject.toml | $(BIN)/python
	@echo "Installing Carryover, its test tools and Atheris into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,fuzz]'
	@touch $(VENV)/.installed $(VENV)/.installed-dev $@

$(VENV)/.installed-learn: pyproject.toml | $(BIN)/python
	@echo "Installing Carryover, its test tools and NumPy into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,learn]'
	@touch $(VENV)/.installed $(VENV)/.installed-dev $@

$(RELEASE)/.installed: packaging/requirements/release.txt | $(BIN)/python
	@echo "Installing the tools of a release into $(RELEASE)"
	@$(BIN)/python -m venv $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@
