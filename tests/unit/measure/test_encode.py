"""Is every case of the table in measure/encode.py as it says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import DataError
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder


def apart(
    a: Any, b: Any, known: list[Any], *, kind: str = "categorical", dtype: str = "object"
) -> float:
    """Distance of two values of a column of which the reference holds `known`."""
    tables = [pd.DataFrame({"x": pd.Series(v, dtype=dtype)}) for v in (known, [a], [b])]
    encoder = DistanceEncoder.fit(tables[0], infer_schema(tables[0], kinds={"x": kind}))
    one, other = (encoder.transform(table) for table in tables[1:])
    return float(nearest(one, other).distance[0, 0])


def numeric(a: float, b: float, known: list[float]) -> float:
    return apart(a, b, known, kind="numeric", dtype="float64")


def test_numbers_are_as_far_apart_as_the_rows_between_them() -> None:
    known = [1.0, 2.0, 3.0, 4.0]
    assert numeric(1, 4, known) == pytest.approx(0.75)
    assert numeric(2, 2.5, known) == pytest.approx(0.125)


def test_a_value_beside_a_common_one_is_as_far_off_as_that_one_is_common() -> None:
    assert numeric(0, 1, [0.0] * 8 + [9.0, 10.0]) == pytest.approx(0.4, abs=0.05)


def test_missing_is_far_from_every_number_and_at_no_distance_from_missing() -> None:
    known = [float(i) for i in range(100)]
    assert numeric(np.nan, np.nan, known) == 0
    assert numeric(np.nan, 49.5, known) ** 2 == pytest.approx(0.75, abs=1e-3)
    assert numeric(np.nan, 99, known) ** 2 == pytest.approx(1, abs=0.01)


def test_a_missing_level_is_a_level_of_its_own() -> None:
    assert apart(None, None, ["a", "b"]) == 0
    assert apart(None, "a", ["a", "b"]) == 1


def test_a_level_unknown_to_the_reference_equals_itself_and_nothing_else() -> None:
    assert apart("new", "new", ["a", "b"]) == 0
    assert apart("new", "newer", ["a", "b"]) == 1
    assert apart("new", "a", ["a", "b"]) == 1


@pytest.mark.parametrize("same", [1, 1.0, True, np.int8(1), "1"])
def test_a_whole_number_is_the_same_level_however_it_is_stored(same: Any) -> None:
    assert apart(1, same, ["1", "0"]) == 0
    assert apart(0, same, ["1", "0"]) == 1


def test_texts_that_differ_are_different_levels() -> None:
    levels = ["1", "01", "1.0", " 1", "nan", "", "ä", "\udcff"]
    codes = DistanceEncoder.fit(
        pd.DataFrame({"x": levels}), infer_schema(pd.DataFrame({"x": levels}))
    ).transform(pd.DataFrame({"x": levels}))
    assert len(np.unique(codes.codes)) == len(levels)


def test_dates_are_compared_like_the_numbers_they_stand_for() -> None:
    days = [float(i) for i in range(10)]
    dates = list(pd.Timestamp("2020-01-01") + pd.to_timedelta(days, "D"))
    between = apart(dates[2], dates[7], dates, kind="datetime", dtype="datetime64[ns]")
    assert between == pytest.approx(numeric(2, 7, days))
    missing = apart(pd.NaT, dates[7], dates, kind="datetime", dtype="datetime64[ns]")
    assert missing == pytest.approx(numeric(np.nan, 7, days))


def test_columns_that_are_constant_or_missing_everywhere_add_nothing() -> None:
    table = pd.DataFrame({"same": [3.0] * 4, "gone": [np.nan] * 4, "none": [None] * 4})
    encoded = DistanceEncoder.fit(table, infer_schema(table)).transform(table)
    assert (nearest(encoded, encoded, k=4).distance == 0).all()


def test_one_huge_value_does_not_bring_the_others_together() -> None:
    known = [float(i) for i in range(100)]
    assert numeric(3, 50, [*known[:-1], 1e120]) == pytest.approx(numeric(3, 50, known))
    assert np.isfinite(numeric(-1e120, 1e120, known))
    assert numeric(1e20, 2e20, known) > 0.5


@given(
    known=st.lists(st.integers(-20, 20), min_size=1, max_size=30),
    values=st.lists(st.floats(-50, 50), min_size=2, max_size=10, unique=True),
)
@settings(max_examples=100)
def test_ranks_rise_with_the_value(known: list[int], values: list[float]) -> None:
    reference = pd.DataFrame({"x": np.array(known, dtype=float)})
    encoder = DistanceEncoder.fit(reference, infer_schema(reference, kinds={"x": "numeric"}))
    ordered = np.array(sorted({round(v, 3) for v in values}))
    ranks = encoder.transform(pd.DataFrame({"x": ordered})).ranks[:, 0]
    assert (np.diff(ranks) > 0).all()
    inside = (ordered >= min(known)) & (ordered <= max(known))
    assert ((ranks[inside] > 0) & (ranks[inside] < 1)).all()


def mixed() -> tuple[pd.DataFrame, Schema]:
    table = pd.DataFrame({"b": [1.0, np.nan, 1.0], "ä": ["u", None, "u"], "id": [7, 8, 9]})
    return table, infer_schema(table, kinds={"id": "identifier", "b": "numeric"})


def test_equal_rows_have_equal_keys_whatever_the_order_of_columns() -> None:
    table, schema = mixed()
    encoder = DistanceEncoder.fit(table, schema)
    keys = encoder.transform(table).row_keys()
    assert keys[0] == keys[2] != keys[1]
    assert (encoder.transform(table[["id", "ä", "b"]]).row_keys() == keys).all()


def test_a_view_keeps_the_named_columns_only() -> None:
    table, schema = mixed()
    encoded = DistanceEncoder.fit(table, schema).transform(table)
    assert (encoded.numeric, encoded.categorical, encoded.n_columns) == (("b",), ("ä",), 2)
    view = encoded.view(["ä"])
    assert (view.numeric, view.categorical, view.ranks.shape) == ((), ("ä",), (3, 0))
    with pytest.raises(DataError, match="nope"):
        encoded.view(["nope"])


def test_an_absent_column_is_named() -> None:
    table, schema = mixed()
    with pytest.raises(DataError, match="'b'"):
        DistanceEncoder.fit(table.drop(columns="b"), schema)


@pytest.mark.parametrize("wrong", [[np.inf, 1.0], ["some", "text"]])
def test_values_that_are_no_finite_numbers_are_refused(wrong: list[Any]) -> None:
    table, schema = mixed()
    encoder = DistanceEncoder.fit(table, schema)
    with pytest.raises(DataError, match="'b'"):
        encoder.transform(pd.DataFrame({"b": wrong, "ä": ["u", "u"]}))


def fitted(table: pd.DataFrame) -> DistanceEncoder:
    kinds = {"x": "numeric"}
    return DistanceEncoder.fit(table, infer_schema(table, kinds=kinds))


def test_values_are_in_deviations_from_the_median_and_keep_their_order() -> None:
    known = np.random.default_rng(0).normal(50, 4, 2000)
    encoder = fitted(pd.DataFrame({"x": known}))
    asked = pd.DataFrame({"x": [np.median(known), np.median(known) + 4, np.nan, -1e140, 1e140]})
    middle, one, missing, least, most = encoder.transform(asked).values[:, 0]
    assert middle == missing == 0
    assert one == pytest.approx(1, abs=0.05)
    assert least < -1000 < 1000 < most < 2000
    ordered = np.sort(np.concatenate([known, 10.0 ** np.arange(2, 140)]))
    assert (np.diff(encoder.transform(pd.DataFrame({"x": ordered})).values[:, 0]) > 0).all()


@pytest.mark.parametrize("absurd", [1e9, 1e140])
def test_one_absurd_value_does_not_make_all_others_alike(absurd: float) -> None:
    known = np.random.default_rng(0).normal(50, 4, 2000)
    encoder = fitted(pd.DataFrame({"x": np.append(known, absurd)}))
    values = encoder.transform(pd.DataFrame({"x": known})).values
    assert values.std() == pytest.approx(1, abs=0.05)


def test_a_column_of_nearly_one_value_has_the_unit_of_the_others() -> None:
    known = np.append(np.zeros(1999), 7.0)
    values = fitted(pd.DataFrame({"x": known})).transform(pd.DataFrame({"x": known})).values
    assert values[0] == 0
    assert np.isfinite(values).all()
    assert values[-1] > 10


def test_rows_by_value_have_values_for_ranks() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0, np.nan, 40.0], "ä": list("abab")})
    rows = fitted(table).transform(table)
    np.testing.assert_array_equal(rows.by_value().ranks, rows.values + 0.5)
    np.testing.assert_array_equal(rows.by_value().codes, rows.codes)
    np.testing.assert_array_equal(rows.view(["x"]).take(np.array([3])).values, rows.values[3:])


@pytest.mark.parametrize("value", [0.1, 0.7, 19.99, 1e9])
def test_a_column_of_nearly_one_value_is_not_measured_in_rounding_errors(value: float) -> None:
    known = np.append(np.full(2999, value), 5 * value)
    values = fitted(pd.DataFrame({"x": known})).transform(pd.DataFrame({"x": known})).values
    assert (values[:-1] == 0).all()
    assert 10 < values[-1, 0] < 100


def test_a_column_that_is_constant_or_missing_in_the_reference_outweighs_no_other() -> None:
    far = pd.DataFrame({"x": [1.7e15, 1.7e15 + 86_400e6]})
    assert np.abs(fitted(far.head(1)).transform(far).values).max() < 1
    gone = pd.DataFrame({"x": [np.nan] * 3})
    assert (fitted(gone).transform(far).values == 0).all()
