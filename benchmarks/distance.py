"""How much cheaper is our nearest-neighbour search than the ones people use, and is it right?

    python benchmarks/distance.py data/randhie_years.parquet --out benchmarks/results/distance.json

Against scikit-learn's brute-force `NearestNeighbors` on the same matrix of ranks and one-hot
levels; against Anonymeter's nearest rows of mixed tables, encoding included on both sides; and
against SDMetrics' `DCROverfittingProtection`, which needs two searches (synthetic rows in train and
in a validation table). CPU seconds on one thread, runs interleaved so that a loaded machine slows
all alike, medians of ratios. The table needs no preparation; any with at least twice the wanted
rows will do, e.g. Adult with 15 columns; --also adds rows to a table that has fewer.

Anonymeter needs an environment of its own (NumPy < 1.27): one is made in a temporary directory, or
where --environment says, with pip; --no-anonymeter leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.attacks.distance import views_of  # noqa: E402
from tabveil.data.schema import Schema, infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.measure.distance import MISSING_WEIGHT, nearest  # noqa: E402
from tabveil.measure.encode import DistanceEncoder, Encoded  # noqa: E402

Contest = dict[str, Callable[[], Any]]


def main() -> None:
    given = arguments()
    tables = [read_table(path) for path in (given.table, *given.also)]
    table = pd.concat(tables, ignore_index=True)
    if len(table) < max(2 * given.rows, 3 * given.sdmetrics_rows):
        raise SystemExit(f"{len(table)} rows are too few; ask for fewer with --rows")
    table = table.sample(frac=1, random_state=0).reset_index(drop=True)
    schema = infer_schema(table).modelled()
    with limited(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results: dict[str, Any] = {
            "columns": len(schema.columns),
            "repeats": given.repeats,
            "views": views(table, schema, given.rows),
            "sklearn": versus_sklearn(table, schema, given.rows, given.repeats),
            "sdmetrics": versus_sdmetrics(table, schema, given.sdmetrics_rows, given.repeats),
        }
        if not given.no_anonymeter:
            results["anonymeter"] = versus_anonymeter(
                table[schema.names], schema, given.rows, given.repeats, given.environment
            )
    for name, found in results.items():
        if isinstance(found, dict):
            print(name, found)
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="more rows of that table")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    parser.add_argument("--rows", type=int, default=10_000, help="rows searched, and to be found")
    parser.add_argument("--sdmetrics-rows", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--environment", type=Path, help="of Anonymeter; kept and used again")
    parser.add_argument("--no-anonymeter", action="store_true")
    return parser.parse_args()


def views(table: pd.DataFrame, schema: Schema, n: int) -> dict[str, Any]:
    """CPU seconds of all the searches that the distance attack makes in one table of `n` rows."""
    encoder = DistanceEncoder.fit(table.iloc[:n], schema)
    searched, targets = (encoder.transform(part) for part in (table[:n], table[n : 2 * n]))
    columns = views_of(targets, seed=0).values()
    start = time.process_time()
    for names in columns:
        nearest(targets.view(names), searched.view(names), k=5)
    seconds = time.process_time() - start
    return {"rows": n, "targets": len(targets), "views": len(columns), "seconds": round(seconds, 2)}


def versus_sklearn(table: pd.DataFrame, schema: Schema, n: int, repeats: int) -> dict[str, Any]:
    from sklearn.neighbors import NearestNeighbors

    encoder = DistanceEncoder.fit(table.iloc[:n], schema)
    searched, queries = (encoder.transform(part) for part in (table[:n], table[n : 2 * n]))
    left, right = as_matrices(queries, searched)

    def theirs() -> np.ndarray:
        search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(right)
        return search.kneighbors(left)[0][:, 0] / np.sqrt(queries.n_columns)

    difference = np.abs(nearest(queries, searched).distance[:, 0] - theirs()).max()
    contest: Contest = {"ours": lambda: nearest(queries, searched), "theirs": theirs}
    found = race(contest, repeats)
    return {"rows": n, **found, "largest_difference": float(f"{difference:.0e}")}


def as_matrices(queries: Encoded, table: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """The encoding as plain numbers whose Euclidean distance is ours."""
    pairs = zip(queries.codes.T, table.codes.T, strict=True)
    levels = [np.union1d(ours, theirs) for ours, theirs in pairs]
    left, right = (
        np.hstack(
            [
                rows.ranks,
                rows.missing * np.sqrt(MISSING_WEIGHT),
                *((rows.codes[:, [j]] == known) / np.sqrt(2) for j, known in enumerate(levels)),
            ]
        )
        for rows in (queries, table)
    )
    return left, right


def versus_sdmetrics(table: pd.DataFrame, schema: Schema, n: int, repeats: int) -> dict[str, Any]:
    from sdmetrics.single_table import DCROverfittingProtection

    train, control, synthetic = (
        table.iloc[i * n : (i + 1) * n].reset_index(drop=True) for i in range(3)
    )
    sdtypes = {"numeric": "numerical", "datetime": "datetime", "boolean": "boolean"}
    columns = {c.name: {"sdtype": sdtypes.get(c.kind, "categorical")} for c in schema.columns}

    def theirs() -> None:
        DCROverfittingProtection.compute_breakdown(
            train[schema.names],
            synthetic[schema.names],
            control[schema.names],
            {"tables": {"rows": {"columns": columns}}},
            "rows",
        )

    def ours() -> None:
        encoder = DistanceEncoder.fit(control, schema)
        rows = encoder.transform(synthetic)
        for split in (train, control):
            nearest(rows, encoder.transform(split))

    return {"rows": n, **race({"ours": ours, "theirs": theirs}, repeats)}


def versus_anonymeter(
    table: pd.DataFrame, schema: Schema, n: int, repeats: int, kept: Path | None
) -> dict[str, Any]:
    from anonymeter import environment  # the benchmark beside this one, not the package

    searched, queries = table[:n], table[n : 2 * n]

    def ours() -> None:
        encoder = DistanceEncoder.fit(searched, schema)
        nearest(encoder.transform(queries), encoder.transform(searched))

    with tempfile.TemporaryDirectory() as scratch:
        paths = [Path(scratch) / name for name in ("queries.csv", "table.csv")]
        for path, rows in zip(paths, (queries, searched), strict=True):
            rows.to_csv(path, index=False)
        python = environment(kept or Path(scratch) / "anonymeter")
        script = Path(__file__).with_name("anonymeter_neighbours.py")
        with subprocess.Popen(
            [python, "-I", script, *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        ) as process:

            def theirs() -> float:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write("\n")
                process.stdin.flush()
                return float(process.stdout.readline())

            found = race({"ours": ours, "theirs": theirs}, repeats)
            assert process.stdin is not None
            process.stdin.close()
    return {"rows": n, **found}


def race(contest: Contest, repeats: int) -> dict[str, float]:
    """Median CPU seconds of theirs over ours, of `repeats` alternating pairs after a warm-up.

    A contestant that runs in another process returns its seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contest}
    for _ in range(repeats + 1):
        for name, run in contest.items():
            start = time.process_time()
            told = run()
            taken = told if isinstance(told, float) else time.process_time() - start
            seconds[name].append(taken)
    ours, theirs = seconds["ours"][1:], seconds["theirs"][1:]
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 1),
        "our_seconds": round(statistics.median(ours), 3),
        "their_seconds": round(statistics.median(theirs), 3),
    }


if __name__ == "__main__":
    main()
