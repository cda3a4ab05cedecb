# `make train` and `make test` do everything on a machine that has python3, pip and make.

PYTHON ?= python3
VENV := .venv
PIP = $(PYTHON) -m pip --python $(VENV)/bin/python -qq --disable-pip-version-check
REQUIREMENTS = --constraint constraints.txt --editable '.$(EXTRAS)'

# uv does not compile modules. Python keeps what it compiles at the first import, unless this is set:
# then every process would compile all of TensorFlow again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help train test test-all lint format docs constraints clean

help:
	@echo "make train        set up and train the bundled digits     (ARGS=... adds options)"
	@echo "make test         set up and run the tests                (ARGS=... adds pytest's options)"
	@echo "make test-all     the slow tests as well"
	@echo "make lint         style, types and the direction of imports"
	@echo "make format       format the code"
	@echo "make docs         build the documentation site: build/site/index.html"
	@echo "make constraints  pin today's newest releases of everything (use Python 3.11)"
	@echo "make clean        remove the environment, caches and builds"

train: $(VENV)/core
	$(VENV)/bin/python -m keras_gan.train --strategy mirrored $(ARGS)

test: $(VENV)/dev
	$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(MARKERS) $(ARGS)

test-all: MARKERS = -m "slow or not slow"
test-all: test

lint: $(VENV)/dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

format: $(VENV)/dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: $(VENV)/dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict --quiet
	@echo "build/site/index.html; with search: $(VENV)/bin/python -m http.server --directory build/site"

# The environment is made without pip and filled by the outer pip: Debian's python3 lacks ensurepip.
$(VENV)/bin/python:
	$(PYTHON) -m venv --without-pip $(VENV)

# uv takes seconds where pip takes minutes, but does not read pip's settings, of a mirror for example.
define install
@echo "Installing keras_gan$(EXTRAS) into $(VENV)"
@( $(PIP) install --constraint constraints.txt uv && \
   $(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python $(REQUIREMENTS) ) || \
 ( echo "uv could not; installing with pip, which takes some minutes" && \
   $(PIP) install $(REQUIREMENTS) )
endef

# Each file marks a finished installation, made again when the requirements change.
$(VENV)/core: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(install)
	@touch $@

$(VENV)/dev: EXTRAS = [serving,dev,docs]
$(VENV)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(install)
	@touch $(VENV)/core $@

constraints: VENV := build/constraints
constraints:
	$(PYTHON) -m venv --without-pip --clear $(VENV)
	$(PIP) install --upgrade uv --editable '.[serving,dev,docs]'
	@echo "# Releases that were tested together; made by 'make constraints'." > constraints.txt
	$(PIP) freeze --all --exclude-editable >> constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .*_cache
