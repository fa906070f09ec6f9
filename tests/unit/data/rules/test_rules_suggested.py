"""Are the rules that made a table found again, without those that chance made?"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.suggest import Suggested, suggest
from tabveil.data.rules.suggest_numbers import date_orders
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema

N = 2000


def _rng() -> np.random.Generator:
    return np.random.default_rng(3)


def orders() -> pd.DataFrame:
    rng = _rng()
    ordered = pd.to_datetime("2021-01-01") + pd.to_timedelta(rng.integers(0, 500, N), "D")
    region = rng.choice(["north", "south", "west"], N)
    n_returns = rng.poisson(0.7, N)
    member = rng.random(N) < 0.4
    return pd.DataFrame(
        {
            "region": region,
            "office": pd.Series(region).map({"north": "N1", "south": "S1", "west": "W1"}),
            "zone": pd.Series(region).map({"north": 1, "south": 1, "west": 4}),
            "price": rng.integers(100, 900, N) / 100,
            "amount": rng.integers(1, 50, N),
            "ordered": ordered,
            "sent": ordered + pd.to_timedelta(rng.integers(0, 40, N), "D"),
            "returns": n_returns,
            "reason": np.where(n_returns > 0, rng.choice(["size", "late"], N), None),
            "member": member,
            "tier": np.where(member, rng.choice(["gold", "iron"], N), "none"),
            "stock": rng.choice([f"AB-{i:03d}" for i in range(40)], N),
            "number": rng.permutation(N * 6)[:N] + 7,
            "score": rng.integers(0, 11, N),
        }
    ).assign(
        total=lambda t: (t.price * t.amount).round(2),
        paid=lambda t: (t.total + t.price).round(2),
    )


def found(table: pd.DataFrame, **kinds: str) -> list[Suggested]:
    return suggest(table, infer_schema(table, kinds=kinds))


def rules_of(table: pd.DataFrame, **kinds: str) -> list[Rule]:
    return [suggested.rule for suggested in found(table, **kinds)]


def test_the_rules_that_made_the_table_are_found() -> None:
    rules = rules_of(orders(), number="numeric")
    for expected in (
        FixedCombination("region", "office", one_to_one=True),
        FixedCombination("region", "zone"),
        Derived("total", "product", ("price", "amount"), decimals=2),
        Derived("paid", "sum", ("price", "total"), decimals=2),
        LevelWhen("reason", None, When("returns", (0,))),
        FixedCombination("tier", "member"),
        Inequality("ordered", "sent"),
        Regex("stock", r"[A-Z]{2}\-\d{3}"),
        Unique(("number",)),
        Range("score", 0.0, 10.0),
        Range("amount", 1.0, 49.0),
    ):
        assert expected in rules


def test_a_computation_is_found_where_values_are_missing_and_mostly_zero() -> None:
    rng = _rng()
    table = pd.DataFrame({f"x{i}": rng.integers(0, 9, N).astype(float) for i in range(8)})
    table["gain"] = np.where(rng.random(N) < 0.6, 0, rng.integers(1, 99, N))
    table["loss"] = np.where(rng.random(N) < 0.6, 0, rng.integers(1, 99, N))
    table = table.mask(rng.random(table.shape) < 0.1)
    table["net"] = table["gain"] - table["loss"]
    table["share"] = (table["x1"] / table["x2"].replace(0, np.nan)).round(3)
    rules = [rule for rule in rules_of(table) if isinstance(rule, Derived)]
    assert set(rules) == {
        Derived("net", "difference", ("gain", "loss"), decimals=0),
        Derived("share", "ratio", ("x1", "x2"), decimals=3),
    }


def test_nothing_else_is_found_but_ranges() -> None:
    rules = rules_of(orders(), number="numeric")
    others = [rule for rule in rules if not isinstance(rule, Range)]
    assert len(others) == 9


def test_what_is_suggested_may_be_declared_together_and_ranges_come_last() -> None:
    table = orders()
    suggested = found(table, number="numeric")
    rules = Rules(tuple(s.rule for s in suggested))
    rules.learn(table, infer_schema(table, kinds={"number": "numeric"}), seed=0)
    assert all(s.share >= 0.99 and s.n_rows == N and s.why for s in suggested)
    is_range = [isinstance(s.rule, Range) for s in suggested]
    assert is_range == sorted(is_range)


def test_a_few_broken_rows_give_a_share_and_a_tolerance() -> None:
    table = orders().drop(columns=["total", "paid"])
    table.loc[:9, "sent"] = table["ordered"] - pd.Timedelta(3, "D")
    table.loc[:9, "zone"] = 9
    shares = {s.rule.name: s for s in found(table)}
    assert shares["ordered <= sent"].share == pytest.approx(0.995)
    assert 0.01 < shares["ordered <= sent"].rule.tolerance < 0.012  # of the part that is learnt
    assert shares["region -> zone"].share == pytest.approx(0.995)
    Rules(tuple(s.rule for s in shares.values())).learn(table, infer_schema(table), seed=0)
    table.loc[:40, "sent"] = table["ordered"] - pd.Timedelta(3, "D")
    assert "ordered <= sent" not in {rule.name for rule in rules_of(table)}


def test_what_scale_chance_or_constancy_explain_is_not_suggested() -> None:
    rng = _rng()
    table = pd.DataFrame(
        {
            "small": rng.random(N).round(3),
            "large": (rng.random(N) * 1e4).round(1) + 2,
            "constant": "x",
            "mostly": np.where(np.arange(N) < 6, "rare", "usual"),
            "zeros": np.where(rng.random(N) < 0.99, 0, rng.integers(1, 9, N)),
            "also_zeros": np.where(rng.random(N) < 0.99, 0, rng.integers(1, 9, N)),
            "name": rng.permutation([f"person {i}" for i in range(N // 2)] * 2),
            "colour": rng.choice(["red", "blue"], N),
            "word": rng.choice([chr(97 + i) * 5 for i in range(25)], N),
        }
    )
    table["urban"] = np.where(rng.random(N) < 0.5, 1.0, rng.random(N).round(2))
    table["police"] = np.where(table["urban"] == 1, rng.random(N).round(2), np.nan)
    rules = rules_of(table, name="categorical")
    assert [rule for rule in rules if not isinstance(rule, Range)] == []


def test_of_columns_that_are_missing_together_one_speaks_for_the_others() -> None:
    rng = _rng()
    gone = rng.random(N) < 0.3
    table = pd.DataFrame({name: rng.normal(size=N) for name in "abc"})
    table.loc[gone, ["a", "b", "c"]] = np.nan
    table["d"] = np.where(gone & (np.arange(N) > 3), 0.0, rng.integers(1, 9, N))
    names = [rule.name for rule in rules_of(table) if isinstance(rule, LevelWhen)]
    assert "b is missing exactly when a is missing" in names
    assert "c is missing exactly when a is missing" in names
    assert len(names) == 3  # and a, of d or the reverse


def test_an_order_that_follows_from_two_others_is_left_out() -> None:
    rng = _rng()
    low = rng.normal(size=N).round(2)
    middle = low + rng.random(N).round(2)
    table = pd.DataFrame({"l": low, "m": middle.round(2), "h": (middle + rng.random(N)).round(2)})
    assert rules_of(table) == [Inequality("l", "m"), Inequality("m", "h")]


def test_a_copy_of_a_column_is_a_sum_of_one_term() -> None:
    table = pd.DataFrame({"a": _rng().normal(size=N).round(3)})
    table["b"] = table["a"]
    assert rules_of(table) == [Derived("b", "sum", ("a",), decimals=3)]


def test_the_target_is_not_left_out_where_it_can_give_the_other() -> None:
    table = orders()[["region", "office", "price"]]
    schema = infer_schema(table).with_roles(target="office")
    rules = [s.rule for s in suggest(table, schema)]
    assert FixedCombination("office", "region", one_to_one=True) in rules


def test_few_rows_tell_nothing() -> None:
    assert found(orders().head(19)) == []


def test_dates_keep_the_orders_that_always_held() -> None:
    table = orders()
    table["paid_on"] = table["sent"] + pd.Timedelta(400, "D")
    table["copy"] = table["ordered"]
    table["rarely"] = table["sent"].where(np.arange(N) < 5)
    schema = infer_schema(table)
    assert set(date_orders(table, schema)) == {
        Inequality("ordered", "copy"),
        Inequality("copy", "sent"),
        Inequality("sent", "paid_on"),
    }
    table.loc[0, "sent"] = table.loc[0, "ordered"] - pd.Timedelta(1, "D")
    assert Inequality("copy", "sent") not in date_orders(table, schema)
    assert date_orders(table[["price", "sent"]], infer_schema(table[["price", "sent"]])) == ()


def test_dates_with_a_time_zone_are_compared_as_moments() -> None:
    table = orders()[["ordered", "sent"]]
    table["ordered"] = table["ordered"].dt.tz_localize("Asia/Tokyo")
    table["sent"] = table["sent"].dt.tz_localize("Europe/Berlin")
    assert date_orders(table, infer_schema(table)) == (Inequality("ordered", "sent"),)


@pytest.mark.parametrize(("n", "n_columns"), [(50_000, 30), (2_000, 128)])
def test_it_takes_seconds(n: int, n_columns: int) -> None:
    rng = _rng()
    columns: dict[str, object] = {}
    for i in range(n_columns):
        kind = i % 4
        if kind == 0:
            columns[f"n{i}"] = rng.integers(0, 1000, n)
        elif kind == 1:
            columns[f"f{i}"] = np.where(rng.random(n) < 0.1, np.nan, rng.random(n).round(2))
        elif kind == 2:
            columns[f"c{i}"] = rng.choice([f"l{k}" for k in range(3 + 5 * i)], n)
        else:
            columns[f"s{i}"] = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 20, n))
    table = pd.DataFrame(columns)
    schema = infer_schema(table)
    before = time.process_time()
    suggest(table, schema)
    assert time.process_time() - before < 20


def _of_levels(sizes: list[int]) -> pd.DataFrame:
    """A column that gives another, levels of these sizes, and one that tells rows apart."""
    code = np.repeat(np.arange(len(sizes)), sizes)
    table = pd.DataFrame({"code": [f"c{i}" for i in code], "word": [f"w{i}" for i in code]})
    return table.assign(weight=_rng().normal(size=len(code)))


def test_a_row_and_its_copies_show_once_what_goes_together() -> None:
    together = FixedCombination("code", "word", one_to_one=True)
    assert together in rules_of(_of_levels([60, 50, 40]))
    assert rules_of(_of_levels([2] * 5).sample(300, replace=True, random_state=0)) == []
    assert together not in rules_of(_of_levels([2] * 15).sample(300, replace=True, random_state=0))


def test_levels_that_a_part_of_the_table_would_not_show_are_not_proposed() -> None:
    kinds = {"code": "categorical", "word": "categorical"}
    assert not any(isinstance(r, FixedCombination) for r in rules_of(_of_levels([6] * 7), **kinds))


def test_where_a_longer_sample_would_repeat_numbers_uniqueness_is_not_proposed() -> None:
    numbers = pd.DataFrame({"n": _rng().permutation(120)[:56], "x": _rng().normal(size=56)})
    assert Unique(("n",)) not in rules_of(numbers, n="numeric")


def test_numbers_too_large_to_compute_with_show_nothing() -> None:
    rng = _rng()
    table = pd.DataFrame(
        {"tiny": rng.normal(size=50) * 1e-300, "huge": rng.normal(size=50) * 1e140}
    )
    table["sum"] = table["huge"] + table["tiny"]
    derived = [rule for rule in rules_of(table) if isinstance(rule, Derived)]
    assert derived == [Derived("sum", "sum", ("huge",), decimals=0)]
    assert Derived("sum", "ratio", ("huge", "tiny"), decimals=2).holds(table).sum() == 0
