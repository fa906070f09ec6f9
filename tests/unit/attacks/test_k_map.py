"""Does k_map count the people whom a rare combination points at, and only those?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.k_map import KMap
from tabveil.contracts import EvalInput, Limits, Score
from tabveil.data.schema import infer_schema
from tabveil.errors import CannotTell

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"
KNOWN = ("age", "town", "job")


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.05, np.nan, rng.normal(45, 15, n)),
            "town": rng.choice([f"t{i}" for i in range(12)], n),
            "job": rng.choice([f"j{i}" for i in range(12)], n),
            "other": rng.normal(size=n),
        }
    )


def attack(
    synthetic: pd.DataFrame, *, n: int = 1000, known: tuple[str, ...] = KNOWN, **settings: int
) -> Score:
    tables = [people(n, i) for i in (1, 2, 3)]
    schema = infer_schema(tables[0]).with_roles(target=None, quasi_identifiers=known)
    data = EvalInput(*tables, synthetic, schema, 0, Limits(device="cpu"))
    (score,) = KMap(**settings).evaluate(data)
    return score


def z(score: Score) -> float:
    assert score.advantage
    return score.advantage.value / score.advantage.se


def test_replayed_members_are_exposed_and_fresh_rows_expose_nobody() -> None:
    replayed, fresh = attack(people(1000, 1)), attack(people(1000, 4))
    assert replayed.value > 0.5
    assert replayed.detail["members_exposed"] == replayed.detail["members_rare"]
    assert abs(z(fresh)) < 2.5


def test_a_person_repeated_a_hundred_times_is_one_person() -> None:
    train, fresh = people(1000, 1), people(1000, 4)
    once = attack(pd.concat([fresh, train.iloc[:10]]))
    often = attack(pd.concat([fresh, *[train.iloc[:10]] * 100]))
    assert often.value == once.value
    assert often.detail["rows_pointing_at_a_member"] > once.detail["rows_pointing_at_a_member"]


def test_a_combination_common_in_the_reference_points_at_nobody() -> None:
    score = attack(people(1000, 1), known=("town", "job"))
    assert score.detail["members_exposed"] <= 5
    assert attack(people(1000, 1), known=("town", "job"), k=1000).detail["members_exposed"] <= 5
    rare = attack(people(1000, 1), k=1).detail["members_rare"]
    assert rare < attack(people(1000, 1), k=5).detail["members_rare"]


def test_numbers_are_known_roughly_and_gaps_are_a_value() -> None:
    moved = people(1000, 1).assign(age=lambda t: t["age"] + 0.2)
    assert attack(moved).value > 0.4
    filled = people(1000, 1).assign(age=lambda t: t["age"].fillna(45))
    assert attack(filled).value < attack(people(1000, 1)).value


def test_the_synthetic_table_itself_is_described() -> None:
    few = people(20, 4).iloc[[i // 5 for i in range(100)]]
    detail = attack(few).detail
    assert detail["smallest_combination"] == 5
    assert detail["rows_in_combinations_below_k"] == 0
    assert attack(few, k=6).detail["rows_in_combinations_below_k"] == 1


def test_sides_of_different_size_are_drawn_alike() -> None:
    tables = people(1500, 1), people(400, 2), people(1000, 3)
    schema = infer_schema(tables[0]).with_roles(target=None, quasi_identifiers=KNOWN)
    data = EvalInput(*tables, people(1000, 4), schema, 0, Limits(device="cpu"))
    (score,) = KMap().evaluate(data)
    assert score.detail["n_each"] == 400
    assert abs(z(score)) < 2.5


def test_without_quasi_identifiers_it_does_not_apply() -> None:
    schema = infer_schema(people(100, 1))
    assert not KMap.applies(schema)
    with pytest.raises(CannotTell, match=r"cannot tell.*quasi-identifiers"):
        attack(people(1000, 1), known=())


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden tables are not shipped")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("safe_fresh", -3, 2.5), ("leak_copy10", 3, 6), ("leak_noise100", 20, 99)],
)
def test_the_golden_tables(name: str, least: float, most: float) -> None:
    schema = infer_schema(golden("train")).with_roles(
        target="income",
        quasi_identifiers=("age", "sex", "race", "education", "country", "occupation"),
    )
    tables = (golden(split) for split in ("train", "control", "reference"))
    (score,) = KMap().evaluate(EvalInput(*tables, golden(name), schema, 0, Limits(device="cpu")))
    assert least < z(score) < most
