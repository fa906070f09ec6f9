"""The cost of the whole job on Adult: 64 trials of two families, and the confirmation.

    python benchmarks/scale.py adult.csv --out benchmarks/results/scale.json

`tabveil sweep` and `tabveil confirm` run as a person would run them, with two workers, over
conf/sweep/families.yaml; a trial learns from two in five rows of the pool, and CTGAN has 60 epochs
at most, so that all is done in about an hour. CPU seconds are of the commands and their workers.
They are held against five fits of the stock `ctgan` with its default 300 epochs on 20,000 rows: a
fit of --stock epochs is timed in the same run, its epochs taken as 300.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment, limited

limit_environment(1)

from engine_tables import about, as_modelled, filled, settings, warm_up  # noqa: E402
from frontier import whole_job  # noqa: E402
from hydra.utils import get_class  # noqa: E402

from tabveil.data.tables import read_table  # noqa: E402

STOCK_ROWS, STOCK_EPOCHS, STOCK_FITS = 20_000, 300, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="the Adult table, CSV or Parquet")
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--stock", type=int, default=10, help="epochs of the stock package")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    stock = stock_seconds(given.table, given.stock)
    print(stock, flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        found = job(given.table, given.trials, Path(scratch))
    total = found["cpu_seconds"]["sweep"] + found["cpu_seconds"]["confirm"]
    fits = STOCK_FITS * stock["of_300"]
    result = {
        **found,
        "stock": stock,
        "share_of_five_stock_fits": round(total / fits, 3),
        "about": about(),
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def stock_seconds(path: Path, epochs: int) -> dict[str, float]:
    """CPU seconds of a fit of the package, and of one with 300 epochs by its own account."""
    table, schema = filled(*as_modelled(path, rows=STOCK_ROWS, target="income"))
    target, params = settings("ctgan_package")
    warm_up()
    spent = {}
    for n in (1, 1 + epochs):
        model = get_class(target)(**params | {"epochs": n})
        start = time.process_time()
        with limited(1):
            model.fit(table, schema, seed=0)
        spent[n] = time.process_time() - start
    an_epoch = (spent[1 + epochs] - spent[1]) / epochs
    return {
        "epochs": epochs,
        "an_epoch": round(an_epoch, 2),
        "of_300": round(spent[1] + (STOCK_EPOCHS - 1) * an_epoch, 1),
    }


def job(path: Path, trials: int, scratch: Path) -> dict[str, Any]:
    """The sweep and the confirmation."""
    common = [
        "dataset=adult",
        f"dataset.path={path.absolute()}",
        f"sweep.trials={trials}",
        "synthesizer.ctgan.epochs=tag(log, int(interval(20, 60)))",
        "evaluation.train_rate=0.4",
        f"root={scratch}/store",
    ]
    began = time.monotonic()
    verdicts, cpu_seconds = whole_job(common, scratch)
    return {
        "rows": len(read_table(path)),
        "trials": trials,
        "cpu_seconds": cpu_seconds,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "candidates": [
            {
                "trial": one["candidate"]["trial"],
                "family": one["candidate"]["values"].get("synthesizer"),
                "members": one["rows"].get("train"),
                "utility": round(one["utility"]["mean"], 4),
                "risk": [round(one["risk"][key], 4) for key in ("low", "high")],
                "verdict": one["verdict"],
            }
            for one in verdicts
        ],
    }


if __name__ == "__main__":
    main()
