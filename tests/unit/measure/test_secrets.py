"""Is a guess judged as a person would judge it, whatever the column holds?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import Column, infer_schema
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.lineup import Rows
from tabveil.measure.secrets import Secret, adjusted_difference, difference

RNG = np.random.default_rng(0)


def rows(*tables: pd.DataFrame) -> list[Rows]:
    encoder = DistanceEncoder.fit(tables[0], infer_schema(tables[0]))
    return [Rows(table, encoder.transform(table)) for table in tables]


def numeric(values: object, tolerance: float = 0.05) -> Secret:
    (known,) = rows(pd.DataFrame({"x": np.asarray(values, dtype=float)}))
    return Secret.fit(known, Column("x", "numeric", "float64"), tolerance=tolerance)


def is_right(secret: Secret, guess: float, truth: float) -> bool:
    return bool(secret.right(np.array([guess]), np.array([truth]))[0])


def test_a_guess_of_minus_one_for_a_hundred_is_wrong() -> None:
    secret = numeric(RNG.lognormal(4, 1, 500))
    assert not is_right(secret, -1, 100)
    assert is_right(secret, 101, 100)
    assert not is_right(secret, 200, 100)


def test_a_fortune_is_guessed_by_its_size_and_a_small_sum_by_the_spread() -> None:
    secret = numeric(RNG.lognormal(4, 1, 500))
    assert is_right(secret, 1_020_000, 1_000_000)
    assert not is_right(secret, 1_100_000, 1_000_000)
    assert is_right(secret, 0.5, 0.01)


@pytest.mark.parametrize("shift", [0, 2015, -1e6])
@pytest.mark.parametrize("unit", [1, 1e-6, 1e9])
def test_zero_and_unit_do_not_matter(shift: float, unit: float) -> None:
    values = RNG.normal(0, 10, 400)
    secret = numeric((values + shift) * unit)
    truths, errors = (values + shift) * unit, np.array([0.3, 5.0]) * unit
    assert secret.right(truths + errors[0], truths).all()
    assert not secret.right(truths + errors[1], truths)[np.abs(values) < 50].any()


def test_nothing_and_something_stay_apart_where_most_have_nothing() -> None:
    secret = numeric(np.where(RNG.random(500) < 0.9, 0, RNG.integers(2_000, 9_000, 500)))
    assert is_right(secret, 0.1, 0.0)
    assert not is_right(secret, 2_000, 0)
    assert not is_right(secret, 0, 2_000)
    assert is_right(secret, 5_100, 5_000)


def test_missing_is_right_only_for_missing() -> None:
    secret = numeric([1, 2, 3, np.nan] * 10)
    assert is_right(secret, np.nan, np.nan)
    assert not is_right(secret, 2, np.nan)
    assert not is_right(secret, np.nan, 2)


@pytest.mark.parametrize("values", [[7.0] * 30, [0.0] * 30, [np.nan] * 30])
def test_a_column_of_one_value_or_none_is_guessed_by_that_value(values: list[float]) -> None:
    secret = numeric(values)
    assert is_right(secret, values[0], values[0])
    assert not is_right(secret, 5.0, values[0])


def test_dates_are_judged_by_their_spread() -> None:
    days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, 300), "D"))
    (known,) = rows(pd.DataFrame({"x": days}))
    secret = Secret.fit(known, Column("x", "datetime", "datetime64[ns]"), tolerance=0.05)
    truth = secret.values(known)
    day = 24 * 3600 * 1e6
    assert secret.right(truth + 10 * day, truth).all()
    assert not secret.right(truth + 60 * day, truth).any()


def levels_and_numbers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    town = rng.choice(["a", "b", "c", "d"], n)
    age = rng.integers(20, 80, n)
    return pd.DataFrame(
        {
            "town": town,
            "age": age,
            "job": np.where(age > 50, "old " + pd.Series(town), "young"),
            "pay": np.where(town == "a", np.nan, age * 100.0),
            "many": [f"level {i % 70}" for i in range(n)],
        }
    )


@pytest.mark.parametrize(("column", "least"), [("job", 0.95), ("pay", 0.9), ("age", 0.8)])
def test_trees_guess_levels_numbers_and_gaps_that_follow_from_the_rest(
    column: str, least: float
) -> None:
    table, persons = rows(levels_and_numbers(2000, 1), levels_and_numbers(300, 2))
    schema = infer_schema(table.frame)
    secret = Secret.fit(table, schema[column], tolerance=0.05)
    known = [name for name in schema.names if name != column]
    guesses = secret.guess(table, known, persons, n_trees=60)
    assert secret.right(guesses, secret.values(persons)).mean() > least


@pytest.mark.parametrize("column", ["job", "pay", "age"])
def test_trees_that_saw_one_answer_give_it(column: str) -> None:
    table, persons = rows(levels_and_numbers(200, 1), levels_and_numbers(30, 2))
    schema = infer_schema(table.frame)
    one = table.take(np.zeros(50, dtype=int))
    secret = Secret.fit(table, schema[column], tolerance=0.05)
    guesses = secret.guess(one, ["town", "many"], persons, n_trees=5)
    assert np.array_equal(guesses, np.repeat(secret.values(one)[:1], 30), equal_nan=True)


def test_the_adjustment_takes_off_what_members_had_better_by_luck() -> None:
    rng = np.random.default_rng(3)
    is_member = np.arange(4000) < 2000
    covered, plain, widths = 0, [], []
    adjusted = []
    for _ in range(200):
        easy = rng.random(4000) < 0.7
        right = np.where(rng.random(4000) < 0.1, rng.random(4000) < 0.5, easy)
        found = adjusted_difference(right=right, expected=easy, is_member=is_member)
        raw = difference(right, is_member)
        covered += found.low <= 0 <= found.high
        plain.append(raw.value)
        adjusted.append(found.value)
        widths.append((found.high - found.low) / (raw.high - raw.low))
    assert covered >= 183  # of 200; 190 expected, 3 standard deviations
    assert np.std(adjusted) < 0.6 * np.std(plain)
    assert np.mean(widths) < 0.6


def test_agreement_on_everyone_narrows_the_interval_but_not_to_a_point() -> None:
    is_member = np.arange(60) < 30
    right = np.arange(60) % 3 == 0
    found = adjusted_difference(right=right, expected=right, is_member=is_member)
    assert found.low < found.value < found.high
    assert found.se > 0.04


def test_where_everybody_is_guessed_nothing_is_adjusted() -> None:
    is_member = np.arange(60) < 30
    everybody = np.ones(60, dtype=bool)
    found = adjusted_difference(right=everybody, expected=~everybody, is_member=is_member)
    assert found == difference(everybody, is_member)
    assert found.low < 0 < found.high
