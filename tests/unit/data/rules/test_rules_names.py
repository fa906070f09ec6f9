"""Are rules kept in columns whose names Python or pandas use, too?"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.ruled import Ruled

N = 600
NAMES = ["self", "index", "", "name", "values", "shape"]


def made() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    day = pd.to_datetime("2020-01-06") + pd.to_timedelta(7 * rng.integers(0, 90, N), "D")
    code = rng.choice(["A-1", "B-2", "C-3"], N)
    gone = rng.random(N) < 0.3
    return pd.DataFrame(
        {
            "day": day,
            "left": day + pd.to_timedelta(rng.integers(0, 9, N), "D"),
            "code": code,
            "word": pd.Series(code).map({"A-1": "one", "B-2": "two", "C-3": "three"}),
            "a": np.where(gone, np.nan, rng.integers(0, 50, N)),
            "b": np.where(gone, None, rng.choice(["x", "y"], N)),
            "p": rng.integers(1, 50, N),
            "q": rng.integers(1, 50, N),
            "kind": np.where(code == "A-1", "none", rng.choice(["u", "v"], N)),
        }
    ).assign(total=lambda t: t.p + t.q)


def rules_with(rename: dict[str, str]) -> tuple[Rule, ...]:
    new = {name: rename.get(name, name) for name in made()}
    return (
        Calendar(new["day"], ("weekday",)),
        Inequality(new["day"], new["left"]),
        Regex(new["code"], r"[A-Z]\-\d"),
        FixedCombination(new["code"], new["word"]),
        MissingPattern((new["a"], new["b"])),
        Derived(new["total"], "sum", (new["p"], new["q"]), 0),
        Range(new["p"], 1, 50),
        LevelWhen(new["kind"], "none", When(new["code"], ("A-1",))),
    )


@pytest.mark.parametrize("turn", range(10))
def test_every_kind_of_rule_is_kept_in_columns_of_such_names(turn: int) -> None:
    columns = list(made())
    rename = {columns[(turn + i) % len(columns)]: name for i, name in enumerate(NAMES)}
    table, rules = made().rename(columns=rename), rules_with(rename)
    schema = infer_schema(table)
    learnt = Rules(rules).learn(table, schema, seed=0)
    assert LearntRules.from_dict(json.loads(json.dumps(learnt.to_dict()))) == learnt
    model = Ruled(Marginals(), learnt)
    model.fit(table, schema, seed=0)
    rows = model.sample(200, seed=1)
    assert list(rows) == list(table)
    assert all(rule.holds(rows).all() for rule in rules)
    gaps = rows[[rename.get("a", "a"), rename.get("b", "b")]].isna()
    assert (gaps.iloc[:, 0] == gaps.iloc[:, 1]).all()
