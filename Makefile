# The course's commands: `make help` lists them. Set-up happens once, by itself.

VENV    ?= .venv
PORT    ?= 8888
BROWSER ?= yes
COURSE_HOME ?= my_course
SEEDS   ?= 1 2 3
TO      ?= build/assignment
LESSONS ?= *
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
GRADING := $(VENV)/.grading
# The peers of the benchmarks have an environment of their own: a learner's never meets them.
PEERS   := .venv-bench
LESSON  := 00_start_here.ipynb
# The editions of the lessons are made by tools/editions.
EDITIONS := PYTHONPATH=tools$(if $(PYTHONPATH),:$(PYTHONPATH))

# In a container one is often root, which Jupyter refuses without being told.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# JupyterLab would ask each new learner whether it may fetch news.
QUIET := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help lab test test-fast lint format execute claims bench mutants oldest newest test-browser
.PHONY: student test-student assignment class slides site test-site colab badges lesson ships clean distclean

help:  ## list these commands
	@echo "make COMMAND [NAME=VALUE ...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-15s %s\n", $$1, $$2 }'
	@echo "Options of all: PYTHON=python3.12 VENV=.venv TORCH_INDEX=address (another build of PyTorch)"

lab: $(READY)  ## open your own copy of the course in JupyterLab; PORT=8888 BROWSER=no RESET=04 SOLUTIONS=no
	@$(EDITIONS) $(BIN)/python -m editions.learner --to "$(COURSE_HOME)" $(if $(RESET),--reset $(RESET)) \
		$(if $(filter no,$(SOLUTIONS)),--no-solutions)
	$(BIN)/python -m jupyterlab --port=$(PORT) $(if $(filter no,$(BROWSER)),--no-browser) $(ROOT) \
		--ServerApp.root_dir="$(COURSE_HOME)" --LabApp.default_url=/lab/tree/$(LESSON) \
		--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

test: lint $(GRADING)  ## lint, all unit tests and every notebook, with coverage
	$(BIN)/python -m pytest --cov

test-fast: $(READY)  ## the unit tests without the slow ones, in two minutes; TESTS=tests/lr
	$(BIN)/python -m pytest -m 'not slow' $(or $(TESTS),tests)

lint: $(READY)  ## check style, and that imports run one way between the rooms
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-cache

format: $(READY)  ## put the code in the house style
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

execute: $(READY)  ## run notebooks and store their outputs; NOTEBOOKS=notebooks/02_lr_finder.ipynb
	COURSE_PROFILE=quick COURSE_PROGRESS=$$(mktemp -d)/progress.json COURSE_WIDGETS=no OMP_NUM_THREADS=1 \
		$(EDITIONS) $(BIN)/python -m nbconvert --to notebook --inplace --execute \
		--NotebookExporter.preprocessors=editions.assignment.AddGradingMetadata \
		--ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False \
		$(or $(NOTEBOOKS),$(wildcard notebooks/*.ipynb))

claims: $(READY)  ## run all claims on fresh seeds; SEEDS="1 2 3" NOTEBOOKS=... RESUME=yes
	PYTHONPATH=tests/helpers $(BIN)/python tests/notebooks/claims_on_seeds.py --seeds $(SEEDS) $(if $(NOTEBOOKS),--notebooks $(NOTEBOOKS)) \
		$(if $(filter yes,$(RESUME)),--resume)

bench: $(PEERS)/.ready  ## measure course_utils beside its peers on the CPU, in at most 15 minutes
	$(PEERS)/bin/python -m benchmarks.run_all

mutants: $(READY)  ## break five topics in all ways that mutmut knows; TOPICS="sampling metrics"
	@$(BIN)/python -c 'import mutmut' 2>/dev/null || $(BIN)/python -m pip install --quiet -e '.[mutants]'
	OMP_NUM_THREADS=1 $(BIN)/python tools/mutants.py $(TOPICS)

oldest: $(READY)  ## run the unit tests on the oldest Python and packages; TESTS=tests
newest: $(READY)  ## run the unit tests on the newest Python and packages; TESTS=tests
oldest newest:
	$(BIN)/python tools/supported_versions.py $@ $(TESTS)

test-browser: $(READY)  ## use lessons in a real browser; NOTEBOOKS=..., screenshots in build/
	@$(BIN)/python -c 'import playwright' 2>/dev/null || $(BIN)/python -m pip install --quiet -e '.[browser]'
	cd tests && PYTHONPATH=helpers $(abspath $(BIN))/python -m browser.run_all $(NOTEBOOKS)

student: $(READY)  ## make the lessons without solutions and outputs, in build/student
	rm -rf build/student
	$(EDITIONS) $(BIN)/python -m editions.student --to build/student $(wildcard notebooks/*.ipynb)

test-student: student  ## run every notebook of the student edition from top to bottom
	COURSE_PROGRESS=$$(mktemp -d)/progress.json OMP_NUM_THREADS=1 $(BIN)/python -m nbconvert --to notebook --execute \
		--output-dir build/student-run build/student/*.ipynb

assignment: $(GRADING)  ## make nbgrader's course folder; LESSONS="00 02 04" TO=build/assignment
	$(EDITIONS) $(BIN)/python -m editions.assignment --to $(TO) $(wildcard $(LESSONS:%=notebooks/%_*.ipynb))

class: $(READY)  ## who has done what, and the class's predictions; FROM=build/assignment
	$(EDITIONS) $(BIN)/python -m editions.class_report --from "$(or $(FROM),build/assignment)"

slides: $(READY)  ## a slide a lesson and lesson 07's gallery, to show and to print, in build/slides
	$(BIN)/python tools/slides.py --to build/slides

site: $(READY)  ## build the web edition in build/site
	@$(BIN)/python -c 'import latex2mathml, myst_nb, sphinx_book_theme' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet -e '.[site]'
	rm -rf build/site build/site-doctrees
	$(BIN)/python -m sphinx -q -n -W --keep-going -c docs -d build/site-doctrees . build/site
	$(BIN)/python tests/helpers/site_check.py build/site

# Looks for what keeps people from reading a page. Without npm the browser's test leaves it out.
build/axe:
	-npm install --silent --no-audit --no-fund --prefix build/axe axe-core

test-site: site build/axe  ## build the web edition and read it in a real browser; screenshots in build/
	@$(BIN)/python -c 'import playwright' 2>/dev/null || $(BIN)/python -m pip install --quiet -e '.[browser]'
	$(BIN)/python tests/browser/read_site.py build/site

colab: $(READY)  ## build the lessons for Colab in build/colab
	$(EDITIONS) $(BIN)/python -m editions.colab --to build/colab --project pyproject.toml \
		$(wildcard notebooks/*.ipynb)

ships: $(READY)  ## fetch real harbours for lesson 09 (sen2ships, MIT licence) into COURSE_DATA
	PYTHONPATH=tools$(if $(PYTHONPATH),:$(PYTHONPATH)) $(BIN)/python -m harbours.fetch

badges: $(READY)  ## write README.md's badges and pictures, at the address in pyproject.toml
	$(BIN)/python tools/badges.py
	$(BIN)/python tools/pictures.py

lesson: $(READY)  ## make a new lesson's skeleton; NUMBER=11 NAME=warm_restarts
	@$(BIN)/python tools/new_lesson.py '$(NUMBER)' '$(NAME)'

clean:  ## remove what tests and builds leave behind
	rm -rf build .coverage .coverage.* .pytest_cache .ruff_cache *.egg-info
	find . -name '.venv*' -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove the environments
	rm -rf $(VENV) $(PEERS)

# Make an environment with the first Python that is new enough, and install the course with an extra.
define new_venv
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10 python); do \
		"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' \
			>/dev/null 2>&1 || continue; \
		TORCH_INDEX='$(TORCH_INDEX)' exec "$$python" tools/set_up.py $(1) $(2); \
	done; \
	echo "No Python >= 3.10 with the venv module was found: install one (on Debian and Ubuntu" \
		"'apt install python3-venv'), or name it: make PYTHON=/path/to/python3." >&2; \
	exit 1
endef

# Made anew only when pyproject.toml is newer: a second call installs nothing.
$(READY): pyproject.toml
	$(call new_venv,$(VENV),test)
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '$(QUIET)' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

# Only teachers and tests need nbgrader: it adds its menus to JupyterLab.
$(GRADING): $(READY)
	$(BIN)/python -m pip install --quiet -e '.[grading]'
	@touch $@

# From nothing, so that each peer comes at its newest release.
$(PEERS)/.ready: pyproject.toml
	rm -rf $(PEERS)
	$(call new_venv,$(PEERS),bench)
	@touch $@
