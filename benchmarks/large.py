"""How much memory does our CTGAN need for a table of ten million rows?

    python benchmarks/large.py TABLE --rows 10000000 --out benchmarks/results/large.json

The table's rows are drawn again and again until there are enough, and every number with more than
a few hundred values is moved by up to a percent, so that values do not merely repeat. Texts are
categoricals, as a Parquet file with dictionaries gives them. Rare levels are pooled and numbers
clipped before, as a sweep does by default. What counts is the whole process: the
peak of its resident memory by the kernel's count (Linux), the table itself included, at the end of
the encoder's fit and after one epoch of training; and CPU seconds of both, on one thread.
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
from engine_tables import about, as_modelled, settings, warm_up  # noqa: E402

from tabveil.data.pooling import Pooling  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.synthesizers.ctgan import Ctgan  # noqa: E402
from tabveil.synthesizers.engine.encoder import Encoder  # noqa: E402
from tabveil.synthesizers.pooled import Pooled  # noqa: E402

MANY_VALUES, REFERENCE = 300, 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--batch-size", type=int, default=2_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    few, _ = as_modelled(given.table)
    table = enlarged(few, given.rows)
    schema = infer_schema(few.astype(table.dtypes.to_dict()))
    warm_up()
    found: dict[str, Any] = {
        "about": about() | {"table": given.table.name, "batch_size": given.batch_size},
        "rows": len(table),
        "columns": table.shape[1],
        "table_mib": round(table.memory_usage(deep=True).sum() / 2**20),
        "before_mib": peak(),
    }
    original = Encoder.learn

    def learn(*args: Any, **named: Any) -> Any:
        started = time.process_time()
        learnt = original(*args, **named)
        found["encoder_cpu_s"] = round(time.process_time() - started, 1)
        found["encoder_peak_mib"] = peak()
        return learnt

    params = settings("ctgan")[1] | {"epochs": 1, "batch_size": given.batch_size}
    rule = Pooling(min_rate=0.01, clip=0.01, min_count=5).learn(table.head(REFERENCE), schema)
    model = Pooled(Ctgan(**params), rule)
    started = time.process_time()
    with limited(1):
        Encoder.learn = learn  # type: ignore[method-assign, assignment]
        model.fit(table, schema, seed=0)
    found["fit_cpu_s"] = round(time.process_time() - started, 1)
    found["fit_peak_mib"] = peak()
    print(json.dumps(found, indent=1))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def enlarged(few: pd.DataFrame, n: int) -> pd.DataFrame:
    """`n` rows drawn from a table, a column at a time."""
    rng = np.random.default_rng(0)
    rows = rng.integers(len(few), size=n).astype(np.int32)
    columns: dict[str, Any] = {}
    for name in few:
        values = few[name]
        if not pd.api.types.is_numeric_dtype(values):
            levels = pd.Categorical(values)
            columns[name] = pd.Categorical.from_codes(levels.codes[rows], dtype=levels.dtype)
            continue
        drawn = values.to_numpy()[rows]
        if values.nunique() > MANY_VALUES:
            drawn = (drawn * rng.uniform(0.99, 1.01, n)).astype(drawn.dtype)
        columns[name] = drawn
    return pd.DataFrame(columns, copy=False)


def peak() -> int:
    """The most memory that this process has held so far, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (found,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(found.split()[1]) // 1024


if __name__ == "__main__":
    main()
