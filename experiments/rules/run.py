r"""What do rules cost, and what is drawn without them?

    python experiments/rules/run.py adult.csv.gz --target income --out experiments/rules/adult.json

Rules are suggested by a table (those that hold in every row), and the same models are trained with
them and without. Told: the share of drawn rows that obey all rules, and the utility against rows
that no model saw. Differences are paired by seed, with half of their 95 % interval (t over seeds).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tabveil.threads import limit_environment

limit_environment(1)
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
from paired import built, summary  # noqa: E402

from tabveil.contracts import EvalInput, Synthesizer  # noqa: E402
from tabveil.data.rules.learnt import Rules  # noqa: E402
from tabveil.data.rules.suggest import suggest  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.pooled import Pooled  # noqa: E402
from tabveil.synthesizers.ruled import Ruled  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402


def main() -> None:
    given = arguments()
    table = read_table(given.table)
    schema = infer_schema(table).with_roles(target=given.target).modelled()
    table = table[schema.names]
    rules = tuple(one.rule for one in suggest(table, schema) if one.share == 1)
    runs = []
    with limited(1):
        for seed in range(given.seeds):
            order = child_rng(seed, "rows").permutation(len(table))
            parts = [
                order[: given.rows],
                order[given.rows :][:3_000],
                order[given.rows :][3_000:6_000],
            ]
            train, control, reference = (table.iloc[p].reset_index(drop=True) for p in parts)
            learnt = Rules(rules).learn(train, schema, seed=seed)
            for ruled in (False, True):
                made = built(given.target, given.epochs)
                learns = train, reference, schema
                if ruled:
                    learns = learnt.apply(train), learnt.apply(reference), learnt.apply_schema()
                pooling = made.pooling.learn(*learns)
                model: Synthesizer = Pooled(made.synthesizer, pooling)
                model = Ruled(model, learnt) if ruled else model
                model.fit(train, schema, seed=child_seed(seed, "fit"))
                drawn = model.sample(len(train), seed=child_seed(seed, "sample"))
                obeyed = np.all([rule.holds(drawn) for rule in rules], axis=0)
                data = EvalInput(train, control, reference, drawn, schema, seed=0)
                found = evaluate(data, metrics=made.metrics, attacks={})
                scores = {
                    f"{r.name}/{s.name}": round(s.value, 4) for r in found.results for s in r.scores
                }
                runs.append(
                    {"seed": seed, "ruled": ruled, "obeyed": float(obeyed.mean()), **scores}
                )
                print(json.dumps(runs[-1]), flush=True)
    told = {
        "table": given.table.name.split(".")[0],
        "settings": {"rows": given.rows, "epochs": given.epochs, "seeds": given.seeds},
        "rules": [rule.name for rule in rules],
        "environment": environment(),
        "summary": summary(runs, "ruled"),
        "runs": runs,
    }
    given.out.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(told["summary"], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--target")
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
