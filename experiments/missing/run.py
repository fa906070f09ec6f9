r"""Do joint patterns of missing values come back better when the model learns them as one column?

    python experiments/missing/run.py adult.csv.gz --target income --out results.json

The same model is trained with the patterns that are found unasked and without them. Told: how far
the drawn rows' gaps are from the training rows', and the utility against rows that no model saw.
Differences are paired by seed, with half of their 95 % interval (t over seeds). A result is added
to what the file holds of other tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import combinations
from pathlib import Path

from tabveil.threads import limit_environment

limit_environment(1)
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from paired import built, parts_of, summary  # noqa: E402

from tabveil.contracts import EvalInput, Synthesizer  # noqa: E402
from tabveil.data.rules.learnt import Rules  # noqa: E402
from tabveil.data.rules.missing import MissingPattern  # noqa: E402
from tabveil.data.rules.suggest_missing import missing_patterns  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.seeding import child_seed  # noqa: E402
from tabveil.synthesizers.pooled import Pooled  # noqa: E402
from tabveil.synthesizers.ruled import Ruled  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402


def main() -> None:
    given = arguments()
    table = read_table(given.table)
    schema = infer_schema(table).with_roles(target=given.target).modelled()
    table = table[schema.names]
    patterns = missing_patterns(table, schema)
    runs = []
    with limited(1):
        for seed in range(given.seeds):
            train, control, reference = parts_of(table, given.rows, seed)
            for known in (False, True):
                made = built(given.target, given.epochs)
                learnt = Rules(patterns if known else ()).learn(train, schema, seed=seed)
                tables = learnt.apply(train), learnt.apply(reference)
                pooling = made.pooling.learn(*tables, learnt.apply_schema())
                model: Synthesizer = Ruled(Pooled(made.synthesizer, pooling), learnt)
                model.fit(train, schema, seed=child_seed(seed, "fit"))
                drawn = model.sample(len(train), seed=child_seed(seed, "sample"))
                data = EvalInput(train, control, reference, drawn, schema, seed=0)
                found = evaluate(data, metrics=made.metrics, attacks={})
                scores = {
                    f"{r.name}/{s.name}": round(s.value, 4) for r in found.results for s in r.scores
                }
                runs.append(
                    {"seed": seed, "known": known, **gaps(train, drawn, patterns), **scores}
                )
                print(json.dumps(runs[-1]), flush=True)
    told = {
        "settings": {"rows": len(train), "epochs": given.epochs, "seeds": given.seeds},
        "patterns": [list(one.of) for one in patterns],
        "environment": environment(),
        "summary": summary(runs, "known"),
        "runs": runs,
    }
    results = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    results[given.table.name.split(".")[0]] = told
    given.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(told["summary"], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--target")
    parser.add_argument("--rows", type=int, default=3_000, help="at most half of the table's")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def gaps(
    train: pd.DataFrame, drawn: pd.DataFrame, patterns: tuple[MissingPattern, ...]
) -> dict[str, float]:
    """How far the drawn rows' gaps are from the training rows', 0 to 1.

    The mean error of the columns' rates; the total variation distance of two columns' joint gaps,
    a mean over all pairs; the same of the groups of columns whose patterns are learnt as one.
    """
    absent = train.isna().mean()
    names = [str(name) for name in absent.index[(absent > 0) | (drawn.isna().mean() > 0)]]
    rates = (train[names].isna().mean() - drawn[names].isna().mean()).abs()
    pairs = [apart(train, drawn, list(pair)) for pair in combinations(names, 2)]
    groups = [apart(train, drawn, list(one.of)) for one in patterns]
    told = {"rate error": rates.mean(), "pairs apart": np.mean(pairs), "groups apart": groups}
    return {name: round(float(np.mean(value)), 4) for name, value in told.items()}


def apart(one: pd.DataFrame, other: pd.DataFrame, names: list[str]) -> float:
    """Total variation distance of the joint patterns of these columns' gaps."""
    shares = [rows[names].isna().value_counts(normalize=True) for rows in (one, other)]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


if __name__ == "__main__":
    main()
