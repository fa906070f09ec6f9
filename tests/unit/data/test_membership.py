"""Is each person's membership an independent coin, the same for all of their rows and twins?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.membership import draw_members
from tabveil.data.prepared import About, Prepared
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError


def prepared(
    table: pd.DataFrame,
    groups: np.ndarray | None = None,
    *,
    reference: pd.DataFrame | None = None,
) -> Prepared:
    groups = np.arange(len(table)) if groups is None else groups
    return Prepared(
        about=About("people", "people.csv", "0", {}),
        schema=infer_schema(table),
        train=table,
        control=table,
        reference=table.iloc[:0] if reference is None else reference,
        groups={"train": groups, "control": groups},
        masking=Masking(infer_schema(table)),
    )


def people(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(size=n), "town": rng.choice(list("ab"), n)})


def test_the_share_of_members_is_the_rate_and_the_seed_decides_who() -> None:
    given = prepared(people(2000))
    drawn = draw_members(given, 0.7, seed=1)
    assert drawn.mean() == pytest.approx(0.7, abs=0.04)
    np.testing.assert_array_equal(drawn, draw_members(given, 0.7, seed=1))
    other = draw_members(given, 0.7, seed=2)
    assert (drawn & other).mean() == pytest.approx(0.49, abs=0.05)  # independent coins


def test_rate_one_keeps_everybody() -> None:
    assert draw_members(prepared(people(30)), 1.0, seed=0).all()


def test_the_rows_of_one_person_share_their_coin() -> None:
    groups = np.arange(600) // 3
    drawn = draw_members(prepared(people(600), groups), 0.5, seed=0)
    by_person = drawn.reshape(200, 3)
    assert (by_person.all(axis=1) | ~by_person.any(axis=1)).all()
    assert 0.3 < by_person[:, 0].mean() < 0.7


def test_identical_rows_share_their_coin_and_bind_their_people() -> None:
    table = people(400)
    twins = pd.concat([table, table.iloc[:100]], ignore_index=True)
    drawn = draw_members(prepared(twins), 0.5, seed=0)
    np.testing.assert_array_equal(drawn[:100], drawn[400:])


def test_rows_that_stand_in_the_reference_too_have_a_coin_each() -> None:
    """No attack asks about them, and a model that lacks a common row altogether is of no use."""
    table = people(400)
    common = table.iloc[[0] * 30]
    given = prepared(pd.concat([table, common], ignore_index=True), reference=common[:5])
    shares = [draw_members(given, 0.5, seed=seed)[400:].mean() for seed in range(5)]
    assert 0.2 < min(shares) < max(shares) < 0.8


def test_a_table_of_few_distinct_rows_is_still_drawn_from() -> None:
    table = pd.DataFrame({"a": ["x", "y"] * 50})
    rates = [draw_members(prepared(table), 0.5, seed=s).mean() for s in range(20)]
    assert min(rates) > 0.2
    assert max(rates) < 0.8


@pytest.mark.parametrize("rate", [0, -0.1, 1.5])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="train_rate"):
        draw_members(prepared(people(30)), rate, seed=0)


def test_a_rate_that_leaves_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="of 30 training rows"):
        draw_members(prepared(people(30)), 0.001, seed=0)
