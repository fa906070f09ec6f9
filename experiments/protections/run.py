r"""What do protections of drawn rows do to the risk, and what does the filter itself give away?

    python experiments/protections/run.py adult.csv.gz --target income --quasi age sex race \
        --sensitive income --out experiments/protections/adult.json

Models are trained on different people of the table, with and without pooling, and one table with a
tenth of copies stands for a model that leaks. Of each, rows are drawn and protected in every way.
Then

- the suite attacks what came out: members against people that the model never saw;
- the filter is attacked: by somebody who can draw from the model without it (a service, or the
  model itself). He compares how often a person's row is drawn, and how near the nearest and the
  fifth nearest drawn row lie, without the filter and with it, and learns from other people what
  that says (`measure/combine.py`). What is missing was left out because a person stands there.
  (For "none" the two tables are two draws of the same: what the comparison says without a filter.)

Means over the seeds, each protection's difference from none paired by model, with half of its 95 %
interval (t over models).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from tabveil.config.build import build_group, build_parts  # noqa: E402
from tabveil.config.compose import Composition, compose_command  # noqa: E402
from tabveil.contracts import EvalInput, Protection, Source  # noqa: E402
from tabveil.data.schema import Schema, infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.measure.combine import cross_fit  # noqa: E402
from tabveil.measure.distance import nearest  # noqa: E402
from tabveil.measure.encode import DistanceEncoder, Encoded  # noqa: E402
from tabveil.measure.intervals import auc  # noqa: E402
from tabveil.pipeline import Parts  # noqa: E402
from tabveil.protections.protected import Protected  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.pooled import Pooled  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

WAYS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "rounding": ("rounding",),
    "copies": ("copies",),
    "outliers": ("outliers",),
    "small_groups": ("small_groups",),
    "all": ("rounding", "copies", "outliers", "small_groups"),
}
TOLD = (
    "learnt/tpr_at_1pct_fpr",
    "learnt/auc",
    "learnt/auc_outliers",
    "tuples/auc_outliers",
    "distance/auc",
    "copies/excess",
)
"""Of the attacks' scores."""


def main() -> None:
    given = arguments()
    table = read_table(given.table)
    if given.columns:
        table = table[given.columns]
    found: dict[str, Any] = {
        "table": given.table.name.split(".")[0],
        "settings": {k: v for k, v in vars(given).items() if k not in ("table", "out")},
        "environment": environment(),
        "runs": [],
    }
    with limited(1):
        for one in runs(table, given):
            found["runs"].append(one)
            print(json.dumps(one), flush=True)
            found["summary"] = summary(found["runs"])
            given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found["summary"], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--target", required=True)
    parser.add_argument("--sensitive", nargs="*", default=[])
    parser.add_argument("--quasi", nargs="*", default=[])
    parser.add_argument("--columns", nargs="*", default=[], help="keep these columns only")
    parser.add_argument("--people", type=int, default=1_000, help="that a model learns from")
    parser.add_argument("--epochs", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--ratio", type=float, default=5.0, help="rows drawn a training row")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def runs(table: pd.DataFrame, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    schema = (
        infer_schema(table)
        .with_roles(target=given.target, sensitive=given.sensitive, quasi_identifiers=given.quasi)
        .modelled()
    )
    table = table[schema.names]
    ways = {name: protections(name, WAYS[name]) for name in given.ways}
    if not schema.quasi_identifiers:
        ways = {k: {n: p for n, p in v.items() if p.stage != "table"} for k, v in ways.items()}
    for seed in range(given.seeds):
        order = child_rng(seed, "people").permutation(len(table))
        n = given.people
        train, control, reference, fresh = (
            table.iloc[part].reset_index(drop=True)
            for part in (order[:n], order[n : 2 * n], order[2 * n : 6 * n], order[6 * n : 11 * n])
        )
        models = ("pooled", "unpooled", *(["copies_10pct"] if len(ways) > 1 else []))
        for model in models:
            composition = composed(given, "rare" if model == "pooled" else "none")
            parts = build_parts(composition)
            drawn = drawing(model, parts, train, reference, fresh, schema, seed)
            data = EvalInput(train, control, reference, train, schema, seed=0)
            for way, chosen in ways.items():
                if way != "none" and not chosen:
                    continue
                found = measured(drawn, chosen, data, parts, round(given.ratio * n), seed)
                yield {"seed": seed, "model": model, "way": way, **found}


def composed(given: argparse.Namespace, pooling: str) -> Composition:
    return compose_command(
        "train",
        [
            f"dataset.target={given.target}",
            f"dataset.sensitive=[{','.join(given.sensitive)}]",
            f"dataset.quasi_identifiers=[{','.join(given.quasi)}]",
            f"pooling={pooling}",
            f"synthesizer.epochs={given.epochs}",
            "evaluation=thorough",
            "metric=[quality,tstr]",
        ],
    )


def protections(name: str, selected: tuple[str, ...]) -> dict[str, Protection]:
    composition = compose_command("train", [f"protection=[{','.join(selected)}]"])
    return build_group(composition, "protection", Protection) if name != "none" else {}


class Fixed:
    """Draws rows of a pool, in the order of a seed."""

    def __init__(self, pool: pd.DataFrame):
        self.pool = pool

    def sample(self, n: int, *, seed: int, **_: Any) -> pd.DataFrame:
        """With replacement."""
        at = child_rng(seed, "rows").integers(len(self.pool), size=n)
        return self.pool.iloc[at].reset_index(drop=True)

    def iter_sample(self, n: int, *, seed: int, **_: Any) -> Iterator[pd.DataFrame]:
        """At once, and no more than a protection will look at."""
        yield self.sample(min(n, 50_000), seed=seed)


def drawing(
    model: str,
    parts: Parts,
    train: pd.DataFrame,
    reference: pd.DataFrame,
    fresh: pd.DataFrame,
    schema: Schema,
    seed: int,
) -> Any:
    """What draws: a fitted model, or fresh people with a tenth of training rows among them."""
    if model == "copies_10pct":
        copied = child_rng(seed, "copied").integers(len(train), size=len(fresh) // 9)
        return Fixed(pd.concat([fresh, train.iloc[copied]], ignore_index=True))
    pooled = Pooled(parts.synthesizer, parts.pooling.learn(train, reference, schema))
    pooled.fit(train, schema, seed=child_seed(seed, "fit"))
    return pooled


def measured(
    drawn: Any,
    chosen: Mapping[str, Protection],
    data: EvalInput,
    parts: Parts,
    n: int,
    seed: int,
) -> dict[str, Any]:
    source = Source(data.train, data.reference, data.schema)
    synthetic = Protected.by(drawn, chosen, source).sample(n, seed=child_seed(seed, "sample"))
    evaluation = evaluate(
        replace(data, synthetic=synthetic), metrics=parts.metrics, attacks=parts.attacks
    )
    scores = {
        f"{result.name}/{score.name}": score.value
        for result in evaluation.results
        for score in result.scores
    }
    risk = parts.objectives.risk(evaluation)
    told = {key: scores[key] for key in TOLD if key in scores}
    told |= {
        f"utility/{r.name}": r.scores[0].value for r in evaluation.results if r.kind == "utility"
    }
    told |= {"risk": risk.value, "risk_shown": risk.low, "rows": len(synthetic) / n}
    unfiltered = drawn.sample(len(synthetic), seed=child_seed(seed, "service"))
    return told | of_the_filter(data, unfiltered, synthetic)


def of_the_filter(
    data: EvalInput, unfiltered: pd.DataFrame, filtered: pd.DataFrame
) -> dict[str, float]:
    """How well the difference between the two tables tells members from others."""
    encoder = DistanceEncoder.fit(data.reference, data.schema)
    people = encoder.transform(pd.concat([data.train, data.control], ignore_index=True))
    is_member = np.arange(len(people)) < len(data.train)
    said = [seen(people, encoder.transform(table)) for table in (unfiltered, filtered)]
    signals = said[1] - said[0]
    scores = cross_fit(signals, is_member, seed=0)
    found = auc(members=scores[is_member], others=scores[~is_member])
    border = np.quantile(scores[~is_member], 0.99)
    return {
        "filter/auc": float(found.value),
        "filter/auc_low": float(found.low),
        "filter/tpr_at_1pct_fpr": float((scores[is_member] > border).mean()),
    }


def seen(people: Encoded, drawn: Encoded) -> np.ndarray[Any, Any]:
    """Of each person: log rate of copies, log distances; shape (n_people, 3)."""
    keys, counts = np.unique(drawn.row_keys(), return_counts=True)
    wanted = people.row_keys()
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    copies = np.where(keys[at] == wanted, counts[at], 0)
    distance = nearest(people, drawn, k=5).distance[:, [0, 4]]
    return np.column_stack([np.log((copies + 0.5) / (len(drawn) + 1)), -np.log(distance + 1e-3)])


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Model → way → number → mean over seeds, and its paired difference from `none`."""
    told: dict[str, Any] = {}
    frame = pd.DataFrame(found)
    for model, of_model in frame.groupby("model", sort=False):
        plain = of_model[of_model["way"] == "none"].set_index("seed")
        told[str(model)] = {}
        for way, of_way in of_model.groupby("way", sort=False):
            by_seed = of_way.set_index("seed").drop(columns=["model", "way"])
            numbers = {}
            for name in by_seed.columns[by_seed.notna().any()]:
                numbers[name] = {"mean": round(float(by_seed[name].mean()), 4)}
                if way != "none" and name in plain and plain[name].notna().any():
                    numbers[name] |= centre((by_seed[name] - plain[name]).dropna().to_numpy())
            told[str(model)][str(way)] = numbers
    plain = frame[frame["way"] == "none"].set_index("seed").drop(columns="way")
    sides = [plain[plain["model"] == m].drop(columns="model") for m in ("pooled", "unpooled")]
    gap = (sides[0] - sides[1]).dropna(axis=1, how="all")
    told["pooled_less_unpooled"] = {name: centre(gap[name].dropna().to_numpy()) for name in gap}
    return told


def centre(differences: np.ndarray[Any, Any]) -> dict[str, float]:
    """Mean difference and half of its 95 % interval."""
    n = len(differences)
    half = float(stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    told = {"less": round(float(differences.mean()), 4)}
    return told | ({"half_width": round(half, 4)} if n > 1 else {})


if __name__ == "__main__":
    main()
