# make run    opens the program       make run ARGS="translate --from zh --to en FILE"    gives it arguments
# make test   formatting, lint, types, tests      make bench      timings      make wheel      dist/*.whl
# On Linux, TORCH_INDEX=https://download.pytorch.org/whl/cpu takes torch's CPU build (0.2 GB instead of 3 GB).
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
TORCH_INDEX ?=
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c .ci/constraints.txt

.PHONY: run test bench wheel translations clean

run: .venv/run.stamp
	$(BIN)/python -m s2s_gui $(ARGS)

test: .venv/test.stamp
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	$(BIN)/python -m pytest -q

bench: .venv/test.stamp
	$(BIN)/python -m tests.bench.stalls && $(BIN)/python -m tests.bench.training

wheel: .venv/test.stamp
	$(BIN)/python -m build --wheel --no-isolation

translations: .venv/run.stamp
	$(BIN)/pyside6-lupdate -no-obsolete -locations none $$(find s2s_gui -name '*.py') -ts resources/i18n/s2s_zh_CN.ts
	$(BIN)/pyside6-lrelease resources/i18n/s2s_zh_CN.ts

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache

.venv/run.stamp: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) torch $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PIP) hatchling editables && $(PIP) --no-build-isolation -e .
	touch $@

.venv/test.stamp: .venv/run.stamp
	$(PIP) build && $(PIP) --no-build-isolation -e '.[training,test]'
	touch $@
