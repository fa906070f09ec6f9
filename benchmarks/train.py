"""What does our CTGAN engine cost beside the `ctgan` package, at the package's own settings?

    python benchmarks/train.py TABLE [TABLE ...] --out benchmarks/results/train.json

All our improvements are off (conf/synthesizer/ctgan_paper.yaml, and no level is too rare), so that
both train the same networks on the same rows. Each fit runs in a process of its own, on one thread,
ours and the package's in turns, so that a loaded machine slows both alike; medians over the
repeats. The real `fit` runs on either side: hooks only read the clock and keep what passes by.

- CPU seconds: of the encoder (fit and transform; the package's worker processes are switched off,
  or their time would not be counted), of the index of rows by level, of a step and of an epoch, of
  the rest of the fit (first weights; ours also measures the generator's statistics and keeps the
  critic for the audit), of drawing rows.
- Bytes a row while training: ours the codes, scalars and index of rows; the package's the matrix of
  one-hot levels and the row ids of each level.
- Peak memory of the fit above what the process held before it, by the kernel's count (Linux).

The package takes no missing values: they are filled with a level or the median, for both. With
--missing ours gets them as they are: a number that may be missing then has a further span, which
can be a condition, so that our networks are the larger ones.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tabveil.threads import limit_environment, limited

limit_environment(1)

import joblib  # noqa: E402
import pandas as pd  # noqa: E402
from ctgan import CTGAN  # noqa: E402
from ctgan.data_sampler import DataSampler  # noqa: E402
from ctgan.data_transformer import DataTransformer  # noqa: E402
from engine_tables import about, as_modelled, filled, settings, warm_up  # noqa: E402

from tabveil.seeding import global_state  # noqa: E402
from tabveil.synthesizers.ctgan import Ctgan  # noqa: E402
from tabveil.synthesizers.engine.encoder import Encoder  # noqa: E402
from tabveil.synthesizers.engine.rows import RowSampler  # noqa: E402

OURS = settings("ctgan_paper")[1] | {"min_count": 1}
THEIRS = settings("ctgan_package")[1]
BATCH = int(THEIRS["batch_size"])
COSTS = (
    "encoder_cpu_s",
    "index_cpu_s",
    "step_cpu_ms",
    "epoch_cpu_s",
    "rest_cpu_s",
    "sample_cpu_s",
    "bytes_per_row",
    "peak_mib",
)


@dataclass(frozen=True)
class Job:
    """One fit. `steps` is the least number of training steps."""

    table: Path
    rows: int | None
    steps: int
    sample_rows: int
    missing: bool
    seed: int


@dataclass
class Hook:
    """Stands in for a function: its processor time, when it last ended, what it returned."""

    function: Callable[..., Any]
    seconds: float = 0.0
    ended: float = 0.0
    result: Any = None

    def stand_in(self) -> Callable[..., Any]:
        """A plain function, so that a class binds it as it bound the original."""

        def called(*args: Any, **named: Any) -> Any:
            started = time.process_time()
            self.result = self.function(*args, **named)
            self.ended = time.process_time()
            self.seconds += self.ended - started
            return self.result

        return called


def main() -> None:
    given = arguments()
    unequal = [key for key in THEIRS if key in OURS and OURS[key] != THEIRS[key]]
    if unequal:
        raise SystemExit(f"the two would not train alike: {', '.join(unequal)} differ in conf")
    results: dict[str, Any] = {
        "about": about() | {"repeats": given.repeats, "params": OURS},
        "tables": {},
    }
    for path in given.tables:
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "package": []}
        for seed in range(given.repeats):
            job = Job(path, given.rows, given.steps, given.sample_rows, given.missing, seed)
            for name, measure in (("ours", ours), ("package", package)):
                runs[name].append(alone(measure, job))
                print(path.name, name, runs[name][-1], flush=True)
        results["tables"][path.name.split(".")[0]] = compared(runs)
        if given.out:
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, found in results["tables"].items():
        print(name, "package / ours:", found["package_over_ours"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path, nargs="+", help="CSV or Parquet")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=128, help="training steps timed, at least")
    parser.add_argument("--sample-rows", type=int, default=20_000)
    parser.add_argument("--missing", action="store_true", help="ours gets the missing values, too")
    parser.add_argument("--rows", type=int, help="use the first rows of each table only")
    return parser.parse_args()


def alone(measure: Callable[[Job], dict[str, Any]], job: Job) -> dict[str, Any]:
    """Measure in a new process, which has held nothing before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, job).result()


def compared(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians of either side and their ratios; above 1 the package is the dearer one."""
    medians = {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for name, found in runs.items()
    }
    ratios = {
        key: round(medians["package"][key] / medians["ours"][key], 2)
        for key in COSTS
        if medians["ours"][key] > 0
    }
    return medians | {"package_over_ours": ratios, "runs": runs}


def ours(job: Job) -> dict[str, Any]:
    table, schema = as_modelled(job.table, rows=job.rows)
    if not job.missing:
        table, schema = filled(table, schema)
    epochs = enough_epochs(len(table), job.steps)
    model = Ctgan(**OURS | {"epochs": epochs})
    encoder, index = Hook(Encoder.learn), Hook(RowSampler.of)
    ends: list[float] = []

    def fit() -> None:
        model.fit(table, schema, seed=job.seed, on_epoch=lambda *_: ends.append(now()))

    with (
        quiet(),
        patch.object(Encoder, "learn", encoder.stand_in()),
        patch.object(RowSampler, "of", index.stand_in()),
    ):
        fit_s, peak = watched(fit)
        sample_s = drawn(lambda n: model.sample(n, seed=job.seed), job.sample_rows)
    encoded, rows = encoder.result[1], index.result.rows
    training_s = ends[-1] - index.ended  # the index is made when the first batch is asked for
    return {
        **shape(table, sum(encoder.result[0].widths) + encoded.scalars.shape[1]),
        **times(len(table), epochs, encoder.seconds, index.seconds, training_s, fit_s),
        **speed(job.sample_rows, sample_s),
        **memory(len(table), encoded.codes.nbytes + encoded.scalars.nbytes, rows.nbytes),
        "peak_mib": peak,
    }


def package(job: Job) -> dict[str, Any]:
    table, schema = filled(*as_modelled(job.table, rows=job.rows))
    epochs = enough_epochs(len(table), job.steps)
    model = CTGAN(**THEIRS | {"epochs": epochs})
    encoder, matrix = Hook(DataTransformer.fit), Hook(DataTransformer.transform)
    index = Hook(DataSampler.__init__)
    marks: list[float] = []

    def ticking(numbers: Iterable[int], **_: Any) -> Iterator[int]:
        """In place of the progress bar: `fit` gives no other sign of where an epoch ends."""
        marks.append(now())
        for number in numbers:
            yield number
            marks.append(now())

    with (
        quiet(),
        global_state(job.seed),
        joblib.parallel_config(backend="sequential"),
        patch.object(DataTransformer, "fit", encoder.stand_in()),
        patch.object(DataTransformer, "transform", matrix.stand_in()),
        patch.object(DataSampler, "__init__", index.stand_in()),
        patch("ctgan.synthesizers.ctgan.tqdm", ticking),
    ):
        fit_s, peak = watched(lambda: model.fit(table, schema.of_kind("categorical")))
        sample_s = drawn(model.sample, job.sample_rows)
    ids = sum(rows.nbytes for levels in model._data_sampler._rid_by_cat_cols for rows in levels)
    encoder_s, training_s = encoder.seconds + matrix.seconds, marks[-1] - marks[0]
    return {
        **shape(table, matrix.result.shape[1]),
        **times(len(table), epochs, encoder_s, index.seconds, training_s, fit_s),
        **speed(job.sample_rows, sample_s),
        **memory(len(table), matrix.result.nbytes, ids),
        "peak_mib": peak,
    }


def steps_of(n_rows: int) -> int:
    """Steps in an epoch, on either side."""
    return max(1, n_rows // BATCH)


def enough_epochs(n_rows: int, steps: int) -> int:
    return math.ceil(steps / steps_of(n_rows))


def shape(table: pd.DataFrame, outputs: int) -> dict[str, int]:
    return {"rows": len(table), "columns": table.shape[1], "outputs": outputs}


def times(
    n_rows: int, epochs: int, encoder_s: float, index_s: float, training_s: float, fit_s: float
) -> dict[str, float]:
    steps = epochs * steps_of(n_rows)
    return {
        "steps": steps,
        "encoder_cpu_s": round(encoder_s, 3),
        "index_cpu_s": round(index_s, 4),
        "step_cpu_ms": round(training_s / steps * 1000, 2),
        "epoch_cpu_s": round(training_s / epochs, 3),
        "rest_cpu_s": round(fit_s - encoder_s - index_s - training_s, 3),
    }


def speed(n_rows: int, seconds: float) -> dict[str, float]:
    return {"sample_cpu_s": round(seconds, 3), "sample_rows_per_cpu_s": round(n_rows / seconds)}


def memory(n_rows: int, matrix: int, index: int) -> dict[str, float]:
    return {
        "matrix_bytes_per_row": round(matrix / n_rows, 1),
        "index_bytes_per_row": round(index / n_rows, 1),
        "bytes_per_row": round((matrix + index) / n_rows, 1),
    }


def drawn(sample: Callable[[int], object], n_rows: int) -> float:
    """CPU seconds of drawing so many rows, after a first small draw."""
    sample(BATCH)
    started = now()
    sample(n_rows)
    return now() - started


def watched(fit: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds, and MiB at the peak above what the process held before.

    `ru_maxrss` would do, but remembers what was held while modules and the table were read, and in
    a child even its parent's peak; the kernel's own high-water mark can be set back.
    """
    warm_up()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, started = resident("VmRSS"), now()
    fit()
    return now() - started, round(resident("VmHWM") - before, 1)


def resident(field: str) -> float:
    """A line of the kernel's account of this process, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (found,) = (line for line in lines if line.startswith(f"{field}:"))
    return int(found.split()[1]) / 1024


def now() -> float:
    return time.process_time()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """One thread, and no word of mixtures that did not converge."""
    with limited(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    main()
