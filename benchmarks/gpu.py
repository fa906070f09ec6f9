"""How long is a training step on a GPU, of our CTGAN engine and of the `ctgan` package?

    python benchmarks/gpu.py TABLE [TABLE ...] --out benchmarks/results/gpu.json
    python benchmarks/gpu.py --sweep experiment=demo sweep.trials=32 executor.n_workers=8

Both train the same networks on the same rows (conf/synthesizer/ctgan_paper.yaml, as `train.py`
does), in turns, on the same GPU: milliseconds of wall clock a step, the median of the epochs after
the first three, medians over the repeats. `unrecorded` is our engine without `engine/recorded.py`:
every kernel is launched by itself. `default` is our engine as it comes, with smaller batches
(conf/synthesizer/ctgan.yaml), for which the package has no like.

`alike` compares a short training of the same seed with and without a recording: the largest
difference of any weight, beside how far the weights moved (the same work in the same order: 0).

--sweep times a whole `tabveil sweep` with these overrides, in a folder of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tabveil.threads import limit_environment

limit_environment(1)

import pandas as pd  # noqa: E402
import torch  # noqa: E402
from ctgan import CTGAN  # noqa: E402
from engine_tables import about, as_modelled, filled, settings, warm_up  # noqa: E402

from tabveil.data.schema import Schema  # noqa: E402
from tabveil.synthesizers.ctgan import Ctgan  # noqa: E402
from tabveil.synthesizers.engine import training  # noqa: E402

SKIPPED = 3
"""Epochs at the start: first calls, and the recording."""
Measure = Callable[[pd.DataFrame, Schema, int, int], float]


def main() -> None:
    given = arguments()
    on_gpu = torch.cuda.is_available()
    card = torch.cuda.get_device_name() if on_gpu else "none: all on the CPU"
    results: dict[str, Any] = {
        "about": about() | {"gpu": card, "torch": torch.__version__, "repeats": given.repeats},
        "tables": {},
    }
    warm_up()
    for path in given.tables:
        table, schema = filled(*as_modelled(path))
        found: dict[str, list[float]] = {name: [] for name in MEASURES}
        for seed in range(given.repeats):
            for name, measure in MEASURES.items():
                found[name].append(measure(table, schema, seed, given.epochs))
                print(path.name, name, f"{found[name][-1]:.3f} ms a step", flush=True)
        ms = {name: round(statistics.median(values), 4) for name, values in found.items()}
        results["tables"][path.name.split(".")[0]] = {
            "ms_per_step": ms,
            "package_over_ours": round(ms["package"] / ms["ours"], 2),
            "runs": found,
            "alike": alike(table, schema),
        }
        write(given.out, results)
    if given.sweep:
        results["sweep"] = swept(given.sweep)
        write(given.out, results)
    print(json.dumps(results, indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path, nargs="*", help="CSV or Parquet")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=13, help=f"the first {SKIPPED} not counted")
    parser.add_argument("--sweep", nargs="+", help="overrides of a `tabveil sweep` to time")
    return parser.parse_args()


def ours(table: pd.DataFrame, schema: Schema, seed: int, epochs: int) -> float:
    """Our engine at the package's settings."""
    params = settings("ctgan_paper")[1] | {"min_count": 1}
    return of_ours(params, table, schema, seed, epochs)


def default(table: pd.DataFrame, schema: Schema, seed: int, epochs: int) -> float:
    """Our engine as it comes."""
    return of_ours(settings("ctgan")[1], table, schema, seed, epochs)


def unrecorded(table: pd.DataFrame, schema: Schema, seed: int, epochs: int) -> float:
    """Our engine at the package's settings, each kernel launched by itself."""
    with patch.object(training, "Recorded", lambda step, _: step):
        return ours(table, schema, seed, epochs)


def of_ours(
    params: dict[str, Any], table: pd.DataFrame, schema: Schema, seed: int, epochs: int
) -> float:
    marks: list[float] = []  # an epoch's losses are read at its end: the GPU is done by then
    model = Ctgan(**params | {"epochs": epochs, "enable_gpu": True})
    model.fit(table, schema, seed=seed, on_epoch=lambda *_: marks.append(time.perf_counter()))
    return per_step(marks, len(table), params["batch_size"])


def package(table: pd.DataFrame, schema: Schema, seed: int, epochs: int) -> float:
    """The package at its own settings."""
    params = settings("ctgan_package")[1]
    marks: list[float] = []

    def ticking(numbers: Iterable[int], **_: Any) -> Iterator[int]:
        for number in numbers:
            yield number
            marks.append(time.perf_counter())

    torch.manual_seed(seed)
    model = CTGAN(**params | {"epochs": epochs, "enable_gpu": True})
    with patch("ctgan.synthesizers.ctgan.tqdm", ticking), quiet():
        model.fit(table, schema.of_kind("categorical"))
    return per_step(marks, len(table), params["batch_size"])


MEASURES: dict[str, Measure] = {
    "package": package,
    "ours": ours,
    "unrecorded": unrecorded,
    "default": default,
}


def per_step(marks: list[float], n_rows: int, batch_size: int) -> float:
    """Milliseconds a step: the median of the epochs that count."""
    epochs = [later - earlier for earlier, later in pairwise(marks[SKIPPED - 1 :])]
    return statistics.median(epochs) / max(1, n_rows // batch_size) * 1000


def alike(table: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """A training of 5 epochs with and without a recording, and another seed for scale."""

    def weights(seed: int) -> torch.Tensor:
        params = settings("ctgan")[1] | {"epochs": 5, "enable_gpu": True, "calibrated": False}
        model = Ctgan(**params)
        model.fit(table, schema, seed=seed)
        generator = model._require().generator
        assert generator is not None
        return torch.cat([part.detach().flatten() for part in generator.parameters()])

    recorded, again, other = weights(0), weights(0), weights(1)
    with patch.object(training, "Recorded", lambda step, _: step):
        plain = weights(0)
    return {
        "recorded_twice": float((recorded - again).abs().max()),
        "recorded_and_not": float((recorded - plain).abs().max()),
        "two_seeds": float((recorded - other).abs().max()),
    }


def swept(overrides: list[str]) -> dict[str, Any]:
    """Seconds of a whole sweep, and its trials' states."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tabveil", "sweep", *overrides]
        command += [f"root={folder}/store", f"out={folder}/out"]
        started = time.perf_counter()
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
        seconds = time.perf_counter() - started
        trials = Path(folder, "out", "trials.csv")
        states = pd.read_csv(trials)["state"].value_counts().to_dict() if trials.exists() else {}
    return {
        "overrides": overrides,
        "seconds": round(seconds, 1),
        "exit_code": done.returncode,
        "states": states,
        "processors": os.cpu_count(),
    }


def write(path: Path | None, results: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    main()
