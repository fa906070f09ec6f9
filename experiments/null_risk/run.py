"""How often does the risk of a table that leaks nothing exceed 0, and how small a leak does it see?

In each repetition tabveil's own split deals the table out anew, and its fourth part plays the
synthetic table: fresh rows of the same population, whose true advantage is exactly 0. For a leak
of known size some of them are replaced by training rows. tabveil's own attack and objective then
speak. Compared are two lower bounds of the largest component:

    own     each component at its own one-sided 95 % (z = 1.645)
    shared  all components share the 5 % (Bonferroni), as search/objective.py does

and, in a table with several rows a person, all rows as targets against one row a person.

    python experiments/null_risk/run.py
    python experiments/null_risk/run.py mine.csv --target income --out mine.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy.stats import norm

from tabveil.attacks.distance import Distance
from tabveil.contracts import Advantage, EvalInput
from tabveil.data.prepared import About, Prepared
from tabveil.data.schema import Schema, infer_schema
from tabveil.data.split import Shares, split
from tabveil.data.tables import read_table
from tabveil.evaluate import evaluate
from tabveil.measure.intervals import proportion
from tabveil.search.objective import Objectives
from tabveil.seeding import child_rng, child_seed
from tabveil.threads import limit_environment, limited
from tabveil.tracking.environment import environment

ROOT = Path(__file__).parents[2]
TABLES = (ROOT / "data/randhie.parquet", ROOT / "data/randhie_years.parquet")
LIKE_DEMO = Shares(train=0.32, control=0.15, reference=0.15, release=0.38)
"""Control and reference as large as the demo's; train and the fresh rows share what is left."""
EVEN = Shares(train=0.25, control=0.25, reference=0.25, release=0.25)
Z_ONE = norm.isf(0.05)


@dataclass(frozen=True)
class Scenario:
    """What one line of the result repeats.

    Attributes:
        people: at most so many people (rows, in a table without a group) are dealt out.
        copies: share of the synthetic rows that are training rows.
        one_row: attack one random row a person; else all rows, as if they were independent.
    """

    name: str
    people: int
    shares: Shares
    copies: float
    one_row: bool
    repetitions: int


def main() -> None:
    arguments = parse()
    results: dict[str, Any] = {}
    started = time.process_time()
    with limited(1):
        for path in arguments.tables:
            table = read_table(path)
            schema = describe(path, table, arguments)
            for scenario in scenarios(schema, arguments):
                rows = [
                    repeat(table, schema, scenario, i, arguments.seed)
                    for i in range(scenario.repetitions)
                ]
                results[f"{path.stem}: {scenario.name}"] = summary(scenario, rows)
                show(f"{path.stem}: {scenario.name}", results[f"{path.stem}: {scenario.name}"])
    about = {"seed": arguments.seed, "cpu_seconds": round(time.process_time() - started)}
    text = json.dumps({"about": about | environment(), "results": results}, indent=1)
    arguments.out.write_text(text + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", type=Path, default=TABLES, metavar="TABLE")
    parser.add_argument("--target", help="of a table that conf/dataset does not describe")
    parser.add_argument("--group", help="the column that numbers persons, of such a table")
    parser.add_argument("--people", type=int, default=5_912, help="at most so many are dealt out")
    parser.add_argument("--null", type=int, default=400, help="repetitions without a leak")
    parser.add_argument("--leaks", type=int, default=100, help="repetitions with copies")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    return parser.parse_args()


def describe(path: Path, table: pd.DataFrame, arguments: argparse.Namespace) -> Schema:
    """The schema as conf/dataset/<name>.yaml spells it out; else inferred."""
    known = ROOT / f"conf/dataset/{path.name.split('.')[0]}.yaml"
    about = yaml.safe_load(known.read_text(encoding="utf-8")) if known.is_file() else {}
    if not known.is_file() or arguments.target:
        about = {"target": arguments.target, "group": arguments.group, "kinds": {}}
    schema = infer_schema(table, kinds=about["kinds"])
    return schema.with_roles(target=about["target"], group=about["group"])


def scenarios(schema: Schema, arguments: argparse.Namespace) -> list[Scenario]:
    people, null, leaks = arguments.people, arguments.null, arguments.leaks
    if schema.group is None:
        return [
            Scenario("no leak", people, LIKE_DEMO, 0, True, null),
            Scenario("1 % copies", people, LIKE_DEMO, 0.01, True, leaks),
            Scenario("10 % copies", people, LIKE_DEMO, 0.1, True, leaks),
            Scenario("no leak, 300 rows a split", 1_200, EVEN, 0, True, null),
            Scenario("1 % copies, 300 rows a split", 1_200, EVEN, 0.01, True, leaks),
            Scenario("3 % copies, 300 rows a split", 1_200, EVEN, 0.03, True, leaks),
        ]
    return [
        Scenario("no leak, all rows", people, LIKE_DEMO, 0, False, null // 2),
        Scenario("no leak, one row a person", people, LIKE_DEMO, 0, True, null // 2),
        Scenario("1 % copies, one row a person", people, LIKE_DEMO, 0.01, True, leaks // 2),
    ]


@dataclass(frozen=True)
class Repetition:
    """What one repetition gave; `truth` is the share of training rows that were copied."""

    low: float
    high: float
    estimate: float
    advantages: dict[str, Advantage]
    truth: float
    sizes: dict[str, int]


def repeat(
    table: pd.DataFrame, schema: Schema, scenario: Scenario, i: int, seed: int
) -> Repetition:
    """Deal the table out, copy, attack. The i-th split is the same for all leaks of a size."""
    of_split = child_seed(seed, "null risk", scenario.people, i)
    people = draw_people(table, schema, scenario.people, child_rng(of_split, "people"))
    splits = split(people, schema, seed=of_split, shares=scenario.shares)
    about = About("null risk", "", "", splits.report)
    prepared = Prepared(
        about, schema.modelled(), splits.train, splits.control, splits.reference, splits.groups
    )
    rng = child_rng(of_split, "copies")
    n_copies = round(scenario.copies * len(splits.release))
    copied = splits.train.iloc[rng.choice(len(splits.train), n_copies, replace=False)]
    data = EvalInput(
        train=splits.train,
        control=splits.control,
        reference=splits.reference,
        synthetic=pd.concat([copied, splits.release.iloc[n_copies:]], ignore_index=True),
        schema=prepared.schema,
        seed=of_split,
    )
    if scenario.one_row:
        one = {name: prepared.one_row_a_group(name, rng) for name in ("train", "control")}
        data = replace(data, **one)
    evaluation = evaluate(data, metrics={}, attacks={"distance": Distance(device="cpu")})
    risk = Objectives(weights={}, risk_by="estimate").risk(evaluation)
    scores = evaluation.results[0].scores
    sizes = {name: len(getattr(data, name)) for name in ("train", "control", "reference")}
    return Repetition(
        low=risk.low,
        high=risk.high,
        estimate=risk.value,
        advantages={score.name: score.advantage for score in scores if score.advantage},
        truth=n_copies / len(splits.train),
        sizes=sizes | {"synthetic": len(data.synthetic)},
    )


def draw_people(
    table: pd.DataFrame, schema: Schema, n: int, rng: np.random.Generator
) -> pd.DataFrame:
    who = table[schema.group] if schema.group else pd.Series(table.index, table.index)
    everybody = who.unique()
    if n >= len(everybody):
        return table
    return table[who.isin(rng.choice(everybody, size=n, replace=False))]


def summary(scenario: Scenario, rows: Sequence[Repetition]) -> dict[str, Any]:
    """Shares of the repetitions in which a bound exceeds 0 or covers the truth.

    A component is counted over the repetitions in which it was stated: the attack is silent on
    outliers where fewer than 20 are on a side.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.advantages))
    nothing = Advantage(np.nan, np.nan)
    found = [[row.advantages.get(name, nothing) for name in names] for row in rows]
    c = np.array([[one.value for one in row] for row in found])
    se = np.array([[one.se for one in row] for row in found])
    truth = np.array([row.truth for row in rows])
    own, high = c - Z_ONE * se, c + Z_ONE * se
    return {
        "scenario": asdict(scenario),
        "sizes": rows[0].sizes,
        "truth": rounded(truth)[0],
        "fires_own": share((own > 0).any(axis=1)),
        "fires_shared": share(np.array([row.low > 0 for row in rows])),
        "upper_bound_covers_truth": share(np.nanmax(high, axis=1) >= truth),
        "quantiles_5_50_95": {
            name: rounded(np.quantile([getattr(row, name) for row in rows], [0.05, 0.5, 0.95]))
            for name in ("low", "estimate", "high")
        },
        "components": {
            name: component(c[told, j], se[told, j], truth[told], norm.isf(0.05 / len(names)))
            for j, name in enumerate(names)
            for told in [np.isfinite(c[:, j])]
        },
    }


def component(
    c: NDArray[np.float64], se: NDArray[np.float64], truth: NDArray[np.float64], z_shared: float
) -> dict[str, float | int]:
    """One component by itself, over the repetitions in which it was stated."""
    numbers = {
        "fires_own": (c - Z_ONE * se > 0).mean(),
        "fires_shared": (c - z_shared * se > 0).mean(),
        "upper_bound_covers_truth": (c + Z_ONE * se >= truth).mean(),
        "mean": c.mean(),
        "spread": c.std(ddof=1),
        "mean_se": se.mean(),
    }
    return {"n": len(c), **dict(zip(numbers, rounded(numbers.values()), strict=True))}


def share(yes: NDArray[np.bool_]) -> dict[str, float | int]:
    """A share of the repetitions, with its 95 % interval."""
    low, high = proportion(int(yes.sum()), len(yes))
    share, low, high = rounded([yes.mean(), low, high])
    return {"share": share, "low": low, "high": high, "n": len(yes)}


def rounded(numbers: Iterable[float]) -> list[float]:
    return [round(float(number), 4) for number in numbers]


def show(name: str, found: dict[str, Any]) -> None:
    own, shared, covers = (
        f"{found[key]['share']:.1%} ({found[key]['low']:.1%}-{found[key]['high']:.1%})"
        for key in ("fires_own", "fires_shared", "upper_bound_covers_truth")
    )
    print(f"{name}: own {own}, shared {shared}, upper bound covers {covers}", flush=True)
    for part, rates in found["components"].items():
        print(f"    {part}: " + ", ".join(f"{k} {v:g}" for k, v in rates.items()))
    print(f"    5, 50, 95 %: {found['quantiles_5_50_95']}")


if __name__ == "__main__":
    limit_environment(1)
    main()
