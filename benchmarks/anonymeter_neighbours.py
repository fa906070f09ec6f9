"""Anonymeter's side of `benchmarks/distance.py`; runs in an environment of its own.

Anonymeter pins NumPy below ours. This file imports nothing of tabveil. Told two tables (CSV) and
how often to search, it prints the CPU seconds of each search as JSON, a line a run; reading the
tables and compiling its distance (a first run on few rows) are not counted. Each run waits for a
line of input, so that runs can alternate with ours.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import anonymeter.evaluators  # type: ignore  # noqa: F401  first: its modules import in a circle
import pandas as pd
from anonymeter.neighbors.mixed_types_kneighbors import MixedTypeKNeighbors  # type: ignore

FEW = 50


def main() -> None:
    warnings.simplefilter("ignore")
    queries, table = (pd.read_csv(path) for path in sys.argv[1:3])
    nearest(queries[:FEW], table[:FEW])
    for _ in sys.stdin:
        start = time.process_time()
        nearest(queries, table)
        print(json.dumps(time.process_time() - start), flush=True)


def nearest(queries: pd.DataFrame, table: pd.DataFrame) -> None:
    search = MixedTypeKNeighbors(n_neighbors=1, n_jobs=1).fit(table)
    search.kneighbors(queries, return_distance=True)


if __name__ == "__main__":
    main()
