"""How much cheaper is our nearest-neighbour search than the ones people use, and is it right?

    python benchmarks/distance.py data/randhie_years.parquet --out benchmarks/results/distance.json

Against scikit-learn's brute-force `NearestNeighbors` on the same matrix of ranks and one-hot
levels, and against SDMetrics' `DCROverfittingProtection`, which needs the same two searches
(synthetic rows in train and in a validation table). CPU seconds on one thread, runs interleaved so
that a loaded machine slows all alike, medians of ratios. The table needs no preparation; any with
at least twice the wanted rows will do, e.g. Adult with 15 columns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.data.schema import Schema, infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.measure.distance import MISSING_WEIGHT, nearest  # noqa: E402
from tabveil.measure.encode import DistanceEncoder, Encoded  # noqa: E402

Contest = dict[str, Callable[[], Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    parser.add_argument("--rows", type=int, default=10_000, help="rows searched, and to be found")
    parser.add_argument("--sdmetrics-rows", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    table = read_table(given.table)
    if len(table) < max(2 * given.rows, 3 * given.sdmetrics_rows):
        parser.error(f"{given.table} has {len(table)} rows; ask for fewer with --rows")
    table = table.sample(frac=1, random_state=0).reset_index(drop=True)
    schema = infer_schema(table).modelled()
    with limited(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sklearn, largest_error = versus_sklearn(table, schema, given.rows, given.repeats)
        sdmetrics = versus_sdmetrics(table, schema, given.sdmetrics_rows, given.repeats)
    results = {
        "columns": len(schema.columns),
        "repeats": given.repeats,
        "sklearn": {"rows": given.rows, **sklearn, "largest_difference": largest_error},
        "sdmetrics": {"rows": given.sdmetrics_rows, **sdmetrics},
    }
    for name in ("sklearn", "sdmetrics"):
        print(
            f"{name:10} at {results[name]['rows']:6} rows: {results[name]['ratio']:8.1f} times ours"
        )
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def versus_sklearn(
    table: pd.DataFrame, schema: Schema, n: int, repeats: int
) -> tuple[dict[str, float], float]:
    from sklearn.neighbors import NearestNeighbors

    encoder = DistanceEncoder.fit(table.iloc[:n], schema)
    searched, queries = (encoder.transform(part) for part in (table[:n], table[n : 2 * n]))
    left, right = as_matrices(queries, searched)

    def theirs() -> np.ndarray:
        search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(right)
        return search.kneighbors(left)[0][:, 0] / np.sqrt(queries.n_columns)

    difference = np.abs(nearest(queries, searched).distance[:, 0] - theirs()).max()
    contest: Contest = {"ours": lambda: nearest(queries, searched), "theirs": theirs}
    return race(contest, repeats), float(f"{difference:.0e}")


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


def versus_sdmetrics(table: pd.DataFrame, schema: Schema, n: int, repeats: int) -> dict[str, float]:
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

    return race({"ours": ours, "theirs": theirs}, repeats)


def race(contest: Contest, repeats: int) -> dict[str, float]:
    """Median CPU seconds of theirs over ours, of `repeats` alternating pairs after a warm-up."""
    ratios = []
    for turn in range(repeats + 1):
        seconds = {}
        for name, run in contest.items():
            start = time.process_time()
            run()
            seconds[name] = time.process_time() - start
        if turn:
            ratios.append(seconds["theirs"] / seconds["ours"])
    print({name: f"{value:.3f} CPU s" for name, value in seconds.items()})
    return {"ratio": round(statistics.median(ratios), 1)}


if __name__ == "__main__":
    main()
