"""Does the linkability attack join what belongs together, and only by what the table betrays?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.linkability import Linkability, _nearest_rows
from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema
from tabveil.errors import CannotTell, ConfigError
from tabveil.measure.encode import DistanceEncoder

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
NAMES = ["a", "b", "c", "d"]


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.normal(size=n).round(3) for name in NAMES})
    return table.assign(level=rng.choice(list("xyz"), n))


SCHEMA = infer_schema(people(400, 0))


def given(synthetic: pd.DataFrame, seed: int = 0) -> EvalInput:
    train, control, reference = (people(400, i) for i in (1, 2, 3))
    return EvalInput(train, control, reference, synthetic, SCHEMA, seed)


def nearest_rows(queries: list[float], table: list[float], k: int) -> np.ndarray:
    frames = [pd.DataFrame({"n": values}) for values in (queries, table)]
    encoder = DistanceEncoder.fit(
        frames[1], infer_schema(people(400, 0)[["a"]].set_axis(["n"], axis=1))
    )
    asked, searched = (encoder.transform(frame) for frame in frames)
    return _nearest_rows(asked, searched, k, device="cpu", rng=np.random.default_rng(0))


def test_both_parts_of_a_replayed_row_lead_to_it() -> None:
    (risk,) = Linkability().evaluate(given(people(400, 1)))
    assert risk.detail["members_rate"] > 0.95
    assert risk.detail["others_rate"] < 0.05
    assert risk.low > 0.9  # type: ignore[operator]


def test_rows_moved_a_little_are_linked_where_many_share_a_value() -> None:
    """By ranks, a zero moved to 0.01 would be as far off as all other zeros are many."""
    train, rng = people(400, 1), np.random.default_rng(9)
    tables = [
        table.assign(c=np.where(np.arange(400) < 360, 0.0, table["c"] * 100))
        for table in (train, people(400, 2), people(400, 3))
    ]
    moved = tables[0].assign(c=tables[0]["c"] + rng.random(400) / 10)
    attack = Linkability(columns=[["a", "c"], ["b", "d"]])
    assert attack.evaluate(EvalInput(*tables, moved, SCHEMA, 0))[0].detail["members_rate"] > 0.9


def test_the_nearest_rows_are_found_with_all_their_equals() -> None:
    rows = nearest_rows([1.0, 5.0], [5.0, 1.0, 5.0, 2.0], k=2)
    assert set(rows[0]) == {1, 3}
    assert set(rows[1]) == {0, 2}


def test_equal_rows_are_chosen_at_random_and_never_twice() -> None:
    rows = nearest_rows([1.0] * 300, [1.0] * 10 + [7.0] * 5, k=3)
    assert all(len(set(row)) == 3 for row in rows)
    assert set(rows.ravel()) == set(range(10))


def test_columns_without_information_link_no_more_than_chance() -> None:
    """A choice among equals by position would link every pair."""
    tables = [people(400, i).assign(a=0.0, b=1.0) for i in range(1, 5)]
    (risk,) = Linkability(columns=[["a"], ["b"]]).evaluate(EvalInput(*tables, SCHEMA, 0))
    assert risk.detail["members_rate"] < 0.02
    assert risk.detail["baseline_rate"] == pytest.approx(1 / 400)


def test_halves_are_drawn_from_the_seed_and_share_no_column() -> None:
    parts = [
        Linkability().evaluate(given(people(400, 4), seed))[0].detail["columns"]
        for seed in range(5)
    ]
    assert len({str(part) for part in parts}) > 1
    for one, two in parts:
        assert sorted([*one, *two]) == [*NAMES, "level"]


def test_quasi_identifiers_can_be_linked_to_the_rest() -> None:
    schema = SCHEMA.with_roles(target=None, quasi_identifiers=("b", "level"))
    data = replace(given(people(400, 4)), schema=schema)
    (risk,) = Linkability(columns="quasi_identifiers").evaluate(data)
    assert risk.detail["columns"] == [["b", "level"], ["a", "c", "d"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("thirds", "give halves"),
        ("quasi_identifiers", "no column"),
        ([["a"], ["nowhere"]], "not columns"),
        ([["a", "b"], ["b"]], "both parts"),
        ([["a"], []], "no column"),
        ([["a"]], "two lists"),
    ],
)
def test_unusable_columns_are_refused_by_name(columns: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Linkability(columns=columns).evaluate(given(people(400, 4)))


def test_one_column_cannot_be_linked() -> None:
    tables = [people(400, i)[["a"]] for i in range(1, 5)]
    with pytest.raises(CannotTell, match="two columns"):
        Linkability().evaluate(EvalInput(*tables, infer_schema(tables[0]), 0))


def test_more_neighbours_link_more_and_members_and_others_are_equally_many() -> None:
    few, many = (
        Linkability(k=k, n_attacks=300).evaluate(given(people(400, 4)))[0] for k in (1, 50)
    )
    assert few.detail["n_attacks"] == 300
    assert many.detail["others_rate"] > 5 * few.detail["others_rate"]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden tables are not here")
@pytest.mark.parametrize(
    ("table", "low", "high"),
    [("safe_fresh", -0.002, 0.003), ("leak_copy10", 0.016, 0.034), ("leak_noise100", 0.10, 0.15)],
)
def test_golden_tables_give_the_risks_known_for_them(table: str, low: float, high: float) -> None:
    tables = [
        pd.read_csv(GOLDEN / f"{name}.csv.gz") for name in ("train", "control", "reference", table)
    ]
    parts = [
        ["type_employer", "education", "hr_per_week", "capital_loss", "capital_gain"],
        ["race", "sex", "fnlwgt", "age", "country"],
    ]
    data = EvalInput(*tables, infer_schema(tables[2]), 0)
    assert low < Linkability(columns=parts).evaluate(data)[0].value < high
