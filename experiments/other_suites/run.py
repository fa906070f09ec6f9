r"""Does our suite see what others see, on the same tables and people?

    python experiments/other_suites/run.py GOLDEN --synth-mia Synth-MIA --rows 5000 \
        --out experiments/other_suites/result.json

GOLDEN holds train, control, reference and synthetic tables (`*.csv.gz`), of which `safe_fresh`
leaks nothing and `leak_noise100` is training rows with noise; a hundredth of the latter among the
former is attacked as well. Synth-MIA (Ward et al., github.com/joshward96/Synth-MIA) is fetched by
the reader; this script only calls it. Its attacks get its own preprocessing, fitted on the
reference.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.config.build import build_attacks  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.contracts import EvalInput, Limits  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.measure.intervals import auc, tpr_at_fpr  # noqa: E402
from tabveil.measure.lineup import lineup_of  # noqa: E402
from tabveil.seeding import child_rng  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

REAL = ("train", "control", "reference")
SAFE, NEAR = "safe_fresh", "leak_noise100"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=Path)
    parser.add_argument("--synth-mia", type=Path, help="a checkout of Synth-MIA")
    parser.add_argument("--without", nargs="*", default=[], help="its attacks that are too slow")
    parser.add_argument("--rows", type=int, default=5_000, help="people a side")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    tables = {
        path.name.partition(".")[0]: read_table(path)
        for path in sorted(given.tables.glob("*.csv.gz"))
    }
    real = {name: tables.pop(name).head(given.rows) for name in REAL}
    tables["1 % near-copies"] = near_copies(tables[SAFE], tables[NEAR])
    found: dict[str, Any] = {"environment": environment(), "rows": given.rows}
    with limited(1):
        for name, synthetic in tables.items():
            data = EvalInput(
                **real,
                synthetic=synthetic,
                schema=infer_schema(real["reference"]).modelled(),
                seed=0,
                limits=Limits(device="cpu"),
            )
            found[name] = ours(data)
            if given.synth_mia:
                found[name] |= theirs(data, given.synth_mia, given.without)
            print(name, json.dumps(found[name], indent=1), flush=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def near_copies(safe: pd.DataFrame, near: pd.DataFrame) -> pd.DataFrame:
    rng = child_rng(0, "near copies")
    n = len(safe) // 100
    kept = safe.drop(index=rng.choice(len(safe), n, replace=False))
    return pd.concat([kept, near.iloc[rng.choice(len(near), n, replace=False)]], ignore_index=True)


def ours(data: EvalInput) -> dict[str, Any]:
    attacks = build_attacks(compose_command("audit", ["synthetic=s", "train=t", "control=c"]))
    started = time.process_time()
    evaluation = evaluate(data, metrics={}, attacks={"learnt": attacks["learnt"]})
    if evaluation.failed():
        raise RuntimeError(evaluation.failed()[0].error)
    scores = {score.name: score.value for score in evaluation.results[0].scores}
    found = {
        "ours: learnt": {
            "auc": round(scores["auc"], 3),
            "tpr_at_1pct_fpr": round(scores["tpr_at_1pct_fpr"], 4),
            "cpu_seconds": round(time.process_time() - started, 1),
        }
    }
    is_member = lineup_of(data).is_member
    signals: Mapping[str, Any] = attacks["learnt"].signals(data)  # type: ignore[attr-defined]
    for name in ("distance/nearest", "distance/nearest_ranks"):
        values = signals[name]
        found[f"ours: {name}"] = rates(values[is_member], values[~is_member])
    return found


def theirs(data: EvalInput, checkout: Path, without: list[str]) -> dict[str, Any]:
    sys.path.insert(0, str(checkout.resolve()))
    from synth_mia import attackers
    from synth_mia.utils import TabularPreprocessor

    names = [column.name for column in data.schema.columns]
    numbers = data.schema.of_kind("numeric")
    frames = [
        pd.DataFrame(
            {
                name: table[name].astype(float) if name in numbers else table[name].astype(object)
                for name in names
            }
        )
        for table in (data.train, data.control, data.synthetic, data.reference)
    ]
    ready = TabularPreprocessor(fit_target="ref").fit(*frames)
    train, control, synthetic, reference, _ = ready.transform(*frames)
    found = {}
    for name in sorted(set(attackers.__all__) - set(without)):
        np.random.seed(0)  # theirs draws from the global generator
        started = time.process_time()
        truth, scores = getattr(attackers, name)().attack(train, control, synthetic, reference)
        scores = np.nan_to_num(np.asarray(scores, dtype=float))
        found[f"Synth-MIA: {name}"] = rates(scores[truth == 1], scores[truth == 0]) | {
            "cpu_seconds": round(time.process_time() - started, 1)
        }
    return found


def rates(members: Any, others: Any) -> dict[str, float]:
    rate = tpr_at_fpr(members=members, others=others, fpr=0.01, rng=child_rng(0, "ties"))
    return {
        "auc": round(auc(members=members, others=others).value, 3),
        "tpr_at_1pct_fpr": round(rate.tpr.value, 4),
    }


if __name__ == "__main__":
    main()
