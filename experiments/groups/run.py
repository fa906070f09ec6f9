r"""What does it cost to draw whole persons, and how like persons are they?

    python experiments/groups/run.py --out experiments/groups/randhie_years.json

The same model with `dataset.sample_groups` and without, on people with one to five years. Told: how
many rows had to be overwritten in what is the person's, how many rows persons have, how alike the
rows of a person are, and the utility of the rows against rows of people that no model saw.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from tabveil import pipeline, preparation  # noqa: E402
from tabveil.commands.prepare import source  # noqa: E402
from tabveil.config.build import build_parts  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.contracts import EvalInput  # noqa: E402
from tabveil.data.persons import PersonRule  # noqa: E402
from tabveil.data.prepared import load_prepared  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.synthesizers.grouped import Grouped  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

_POOL = 10_000
"""Rows that are put together at once, as `Grouped` does it."""


def main() -> None:
    given = arguments()
    runs: list[dict[str, Any]] = []
    with limited(1), tempfile.TemporaryDirectory() as scratch:
        for seed in range(given.seeds):
            for grouped in (False, True):
                runs.append(one_run(given, seed, grouped, Path(scratch)))
                print(json.dumps(runs[-1]), flush=True)
    told = {
        "table": "randhie_years",
        "settings": {"epochs": given.epochs, "seeds": given.seeds},
        "environment": environment(),
        "summary": summary(runs),
        "runs": runs,
    }
    given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told["summary"], indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def one_run(given: argparse.Namespace, seed: int, grouped: bool, scratch: Path) -> dict[str, Any]:
    composition = compose_command(
        "train",
        [
            "dataset=randhie_years",
            f"dataset.sample_groups={str(grouped).lower()}",
            f"synthesizer.epochs={given.epochs}",
            "metric=[quality,pairs,detection,tstr]",
        ],
    )
    parts = build_parts(composition)
    table = replace(source(composition), split_seed=seed)
    prepared = load_prepared(preparation.prepare(table, None, root=scratch))
    train, persons = prepared.train, prepared.groups["train"]
    model = pipeline.untrained(parts, prepared, train, seed=seed)
    model.fit(train, prepared.schema, seed=child_seed(seed, "fit"))
    at = child_seed(seed, "sample")
    told: dict[str, Any] = {"seed": seed, "grouped": grouped}
    rule = PersonRule.learn(train, persons, prepared.schema)
    if isinstance(model, Grouped):
        drawn = list(model.iter_persons(len(train), seed=at))
        rows = pd.concat([frame for frame, _ in drawn])
        whose = np.concatenate([numbers for _, numbers in drawn])
        told |= {f"overwritten/{k}": v for k, v in overwritten(model, at).items()}
        told |= {f"rows/{k}": v for k, v in rows_per_person(persons, whose).items()}
    else:
        rows = model.sample(len(train), seed=at)
        whose = child_rng(seed, "whose").permutation(persons)  # rows dealt out at random
    told |= {f"likeness/{k}": v for k, v in likeness(rows, whose, rule).items()}
    told |= {f"real/{k}": v for k, v in dict(rule.likeness).items()} if grouped else {}
    data = EvalInput(train, prepared.control, prepared.reference, rows, prepared.schema, seed=0)
    found = evaluate(data, metrics=parts.metrics, attacks={})
    for result in found.results:
        told |= {f"{result.name}/{score.name}": round(score.value, 4) for score in result.scores}
    return told


def overwritten(model: Grouped, seed: int) -> dict[str, float]:
    """Share of rows in persons of several whose value is not the person's, by column."""
    rows = model.inner.sample(_POOL, seed=seed)
    rng = child_rng(seed, "overwritten")
    groups = [group for group in model._divide(rows, rng)[0] if len(group) > 1]
    leads = np.concatenate([np.full(len(group), rng.choice(group)) for group in groups])
    members = np.concatenate(groups)
    others = members != leads  # a row is not overwritten with itself
    members, leads = members[others], leads[others]
    told, anything = {}, np.zeros(len(members), dtype=bool)
    for name in model.rule.constant:
        codes = pd.factorize(rows[name])[0]
        differs = codes[members] != codes[leads]
        anything |= differs
        told[name] = round(float(differs.mean()), 4)
    return told | {"any": round(float(anything.mean()), 4)}


def rows_per_person(real: np.ndarray[Any, Any], drawn: np.ndarray[Any, Any]) -> dict[str, float]:
    """Total variation between how many rows persons have, of real ones and drawn ones."""
    sizes = [np.unique(whose, return_counts=True)[1] for whose in (real, drawn)]
    sizes[1] = sizes[1][:-1]  # the last may be cut
    most = max(size.max() for size in sizes)
    shares = [np.bincount(size, minlength=most + 1) / len(size) for size in sizes]
    biased = shares[0] * np.arange(most + 1)  # as if each drawn row were a person of its own
    biased /= biased.sum()
    return {
        "total_variation": round(float(np.abs(shares[0] - shares[1]).sum() / 2), 4),
        "if_rows_were_persons": round(
            float(np.abs(shares[0] - biased / biased.sum()).sum() / 2), 4
        ),
        "mean_real": round(float(sizes[0].mean()), 3),
        "mean_drawn": round(float(sizes[1].mean()), 3),
    }


def likeness(
    rows: pd.DataFrame, whose: np.ndarray[Any, Any], rule: PersonRule
) -> Mapping[str, float]:
    """How alike a person's rows are in the columns that are not the person's."""
    found = dict(PersonRule.learn(rows, whose, rule.schema).likeness)
    return {name: found.get(name, 0.0) for name, _ in rule.likeness}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Number → mean without and with groups; the paired difference, half its interval."""
    told: dict[str, Any] = {}
    for name in dict.fromkeys(key for run in runs for key in run if key not in ("seed", "grouped")):
        plain, grouped = (
            np.array([r[name] for r in runs if r["grouped"] is which and name in r])
            for which in (False, True)
        )
        told[name] = {
            key: round(float(values.mean()), 4)
            for key, values in (("rows", plain), ("groups", grouped))
            if len(values)
        }
        if len(plain) == len(grouped):
            apart = grouped - plain
            half = stats.t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
            told[name] |= {
                "difference": round(float(apart.mean()), 4),
                "half_width": round(half, 4),
            }
    return told


if __name__ == "__main__":
    main()
