# Everything here needs python3 and make only; the environment is made in .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PROJECTS := core converters_builtin/base converters_builtin/vision converters_builtin/transformer \
  converters_builtin/quantization converters_builtin/generation plugins_example
MANIFESTS := pyproject.toml $(PROJECTS:%=%/pyproject.toml)

.PHONY: demo test test-all lint quick unit docs screens bench bench-gpu newcomer release triton clean

demo: .venv/installed  ## convert alexnet and resnet18, compare them with eager and write a page about each
	$(BIN)/python benchmarks/models.py alexnet resnet18 --report build/report

test: lint quick  ## while you work: a quarter of an hour, every feature by its smallest example

test-all: lint unit  ## what has to be green before a change lands

lint: .venv/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy core/torch2trt converters_builtin/base converters_builtin/vision converters_builtin/transformer \
	  converters_builtin/quantization converters_builtin/generation plugins_example

# one thread each: two processes share the cores; CONTRIBUTING.md says which tests are slow
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal tests

# PyTorch's own samples are slow, all of them, and take long to import
quick: .venv/developed
	$(PYTEST) -m "not slow" --ignore tests/opinfo

unit: .venv/developed
	$(PYTEST)

docs: .venv/documented  ## the site in site/, and every warning is an error
	$(BIN)/mkdocs build --strict

screens: .venv/documented  ## the pictures in docs/screens, from real runs; needs Chromium. NAMES=bench makes that one
	$(BIN)/python tools/screens.py $(NAMES)

bench: .venv/installed  ## what a conversion costs beside torch.export
	$(BIN)/python benchmarks/conversion.py

# arguments of benchmarks/bench_gpu.py, such as ROWS=resnet18,vit_b_16 DTYPES=fp16 MINUTES=9; ARGS for all others
GIVEN = $(foreach name,ROWS BATCHES DTYPES COLUMNS REQUIRE MINUTES JSON,$(if $($(name)),--$(call lower,$(name)) $($(name))))
lower = $(shell echo $(1) | tr A-Z a-z)
# GPU_PYTHON is an interpreter that has everything, where no environment can be made
bench-gpu: $(if $(GPU_PYTHON),,.venv/installed)  ## converted models beside other ways to run them on a GPU
	$(or $(GPU_PYTHON),$(BIN)/python) benchmarks/bench_gpu.py $(GIVEN) \
	  $(if $(PEER_PATH),--peer-path $(PEER_PATH)) $(if $(PEER_PYTHON),--peer-python $(PEER_PYTHON)) $(ARGS)

newcomer:  ## the first steps of the docs, in an environment that has nothing
	PYTHON=$(PYTHON) tools/newcomer.sh

release: .venv/installed  ## everything of a release but the upload, in dist/; ARGS=--here installs no dependencies
	$(PIP) install --group release
	$(BIN)/python tools/release.py $(ARGS)

triton: build/triton  ## a server for tests/serving and benchmarks/serving.py

build/triton: .venv/installed
	$(PIP) install --no-deps --target $@ nvidia-pytriton

clean:
	rm -rf .venv site build dist

.venv/installed: $(MANIFESTS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --upgrade "pip>=25.1"
	$(PIP) install --group demo -e "core[rtx]" $(foreach project,$(filter-out core,$(PROJECTS)),-e $(project))
	touch $@

.venv/developed: .venv/installed tools/typings.py
	$(PIP) install --group dev
	$(BIN)/python tools/typings.py
	touch $@

.venv/documented: .venv/installed
	$(PIP) install --group docs
	touch $@
