"""Canonical rows: order cannot matter, and equal things look equal."""

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import Column, Schema
from tabveil.errors import DataError, EvaluationError
from tabveil.measure.rows import canonical, draw_rows

SCHEMA = Schema(
    (
        Column("b", "categorical", "object"),
        Column("a", "numeric", "float64"),
        Column("when", "datetime", "datetime64[ns]"),
    )
)


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "b": rng.choice(["x", "y", "ü"], n),
            "a": rng.normal(size=n).round(1),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 9, n), unit="D"),
        }
    ).mask(rng.random((n, 3)) < 0.1)


def test_rows_and_columns_in_any_order_give_the_same_frame():
    shuffled = table().sample(frac=1, random_state=1)[["when", "b", "a"]]
    pd.testing.assert_frame_equal(canonical(table(), SCHEMA), canonical(shuffled, SCHEMA))


def test_no_row_is_lost_or_altered():
    before, after = table(), canonical(table(), SCHEMA)
    assert list(after.columns) == ["a", "b", "when"]
    assert sorted(after["a"].dropna()) == sorted(before["a"].dropna())
    assert after.isna().sum().to_dict() == before.isna().sum().to_dict()


def test_a_whole_number_its_float_and_its_boolean_are_one_level():
    schema = Schema((Column("flag", "boolean", "bool"),))
    forms = [pd.Series([True, False]), pd.Series([1, 0]), pd.Series([1.0, 0.0])]
    forms += [pd.Series(["1", "0"]), pd.Series([1, 0], dtype="category")]
    seen = {tuple(canonical(form.to_frame("flag"), schema)["flag"]) for form in forms}
    assert len(seen) == 1


def test_the_draw_is_the_same_whatever_the_order_and_differs_by_seed():
    shuffled = table().sample(frac=1, random_state=1)
    drawn = draw_rows(table(), SCHEMA, 30, seed=0, name="control")
    pd.testing.assert_frame_equal(drawn, draw_rows(shuffled, SCHEMA, 30, seed=0, name="control"))
    assert not drawn.equals(draw_rows(table(), SCHEMA, 30, seed=1, name="control"))


def test_twins_are_drawn_one_by_one_not_all_or_none():
    twins = pd.concat([table(1)] * 40)
    assert len(draw_rows(twins, SCHEMA, 25, seed=0, name="control")) == 25


def test_too_few_rows_and_an_absent_column_are_told():
    with pytest.raises(EvaluationError, match="control has 3 rows"):
        draw_rows(table(3), SCHEMA, 30, seed=0, name="control")
    with pytest.raises(DataError, match=r"lacks the columns \['b'\]"):
        canonical(table().drop(columns="b"), SCHEMA)
