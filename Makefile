# Thin on purpose: each target is a line or two. `make demo` and `make test` set themselves up.
PYTHON ?= python3
BIN := .venv/bin
# One thread a process: parallelism comes from worker processes (docs/decisions/003).
export OMP_NUM_THREADS := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: demo test test-all check bench serve clean

demo: .venv/.installed data/randhie.parquet  ## the main job: sweep, front, confirmed releases, rows
	$(BIN)/tabveil sweep experiment=demo
	$(BIN)/tabveil confirm experiment=demo gate=small
	$(BIN)/tabveil sample model=models:/randhie@balanced n=1000 out=store/demo-rows.parquet

test: .venv/.installed data/randhie.parquet  ## everything that takes less than 15 minutes
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

test-all: .venv/.installed data/randhie.parquet
	$(BIN)/pytest -n 2 --dist loadfile

check: .venv/.installed  ## lint, format, types, architecture
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/.installed data/randhie.parquet  ## what we claim about speed, measured again
	$(BIN)/python benchmarks/distance.py data/randhie_years.parquet --out benchmarks/results/distance.json
	$(BIN)/python benchmarks/bookkeeping.py --out benchmarks/results/bookkeeping.json
	$(BIN)/python benchmarks/sampling.py --out benchmarks/results/sampling.json

serve: .venv/.installed  ## the web page and the REST API (http://127.0.0.1:8000)
	$(BIN)/tabveil serve

clean:  ## remove what runs left behind, not the environment
	rm -rf store out

# torch first: where a machine offers a CPU wheel of this version, pip takes it.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0 -c constraints.txt
	$(BIN)/pip install --quiet -e '.[dev]' -c constraints.txt
	touch $@

# The data travels in the repository's own DVC remote: no network is needed.
data/randhie.parquet: data.dvc
	$(BIN)/dvc pull --quiet && touch $@
