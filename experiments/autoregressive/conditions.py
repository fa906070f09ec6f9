"""Are rows drawn under a condition those that would happen to meet it?

    python experiments/autoregressive/conditions.py adult_train20k.csv --target income --seeds 3 \
        --out experiments/autoregressive/conditions.json

A model is fitted; 200,000 rows are drawn without conditions, and 10,000 under each of some. For the
share of every level, and of numbers up to each quartile, what is drawn under the condition is
compared with those of the 200,000 that meet it, and both with the training rows that do. Times are
CPU seconds on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.data.schema import Schema, infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.synthesizers.autoregressive import Autoregressive  # noqa: E402
from tabveil.synthesizers.conditions import met, parse  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

CONDITIONS: list[dict[str, Any]] = [
    {"sex": "Female"},
    {"income": ">50K"},
    {"occupation": "Sales"},
    {"sex": "Female", "education": ["Bachelors", "Masters"], "age": {"min": 30, "max": 45}},
    {"marital_status": "Widowed"},
    {"hours_per_week": {"min": 50}},
    {"capital_gain": {"min": 1}},
]
N_FREE, N_ASKED = 200_000, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    table = read_table(given.table)
    schema = infer_schema(table).with_roles(target=given.target).modelled()
    train = table[schema.names]
    with limited(1):
        runs = [one_seed(train, schema, seed) for seed in range(given.seeds)]
    result = {"table": given.table.name, "environment": environment(), "runs": runs}
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def one_seed(train: pd.DataFrame, schema: Schema, seed: int) -> dict[str, Any]:
    model = Autoregressive()
    start = time.process_time()
    model.fit(train, schema, seed=seed)
    fitted = time.process_time()
    free = model.sample(N_FREE, seed=seed)
    drawn = time.process_time()
    found = {"seed": seed, "fit_cpu_s": round(fitted - start, 1)}
    found |= {"rows_a_cpu_s": round(N_FREE / (drawn - fitted)), "conditions": []}
    levels = {n: sorted(set(train[n].dropna())) for n in schema.of_kind("categorical", "boolean")}
    for where in CONDITIONS:
        start = time.process_time()
        asked = model.sample(N_ASKED, seed=seed, where=where)
        seconds = time.process_time() - start
        conditions = parse(where, schema, levels)
        happened, real = free[met(free, conditions)], train[met(train, conditions)]
        apart, from_asked, from_happened = (
            differences(a, b, train, schema)
            for a, b in ((asked, happened), (asked, real), (happened, real))
        )
        one = {
            "where": where,
            "met": float(met(asked, conditions).mean()),
            "rows_a_cpu_s": round(N_ASKED / seconds),
            "n_happened": len(happened),
            "mean_apart": round(float(np.mean(apart)), 4),
            "most_apart": round(float(np.max(apart)), 4),
            "asked_from_real": round(float(np.mean(from_asked)), 4),
            "happened_from_real": round(float(np.mean(from_happened)), 4),
        }
        found["conditions"].append(one)
        print(seed, one, flush=True)
    return found


def differences(
    one: pd.DataFrame, other: pd.DataFrame, train: pd.DataFrame, schema: Schema
) -> list[float]:
    """Of the shares of all levels, and of numbers up to each quartile."""
    found = []
    for name in schema.names:
        if schema[name].kind == "numeric":
            for edge in np.quantile(train[name].dropna(), [0.25, 0.5, 0.75, 0.9]):
                found.append(abs((one[name] <= edge).mean() - (other[name] <= edge).mean()))
        else:
            for level in train[name].dropna().unique():
                found.append(abs((one[name] == level).mean() - (other[name] == level).mean()))
    return found


if __name__ == "__main__":
    main()
