"""Does any table survive the way into numbers and back?"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo import ZOO, schema_of

from tabveil.data.codec import TableCodec
from tabveil.data.levels import find_levels
from tabveil.data.numbers import clock_of, from_floats
from tabveil.data.rounding import on_step, outer_bounds, step_for
from tabveil.data.schema import infer_schema
from tabveil.errors import DataError


def codec_of(table: pd.DataFrame) -> TableCodec:
    return TableCodec.learn(table, infer_schema(table))


@pytest.mark.parametrize("name", ZOO)
def test_every_table_of_the_zoo_comes_back_as_it_was(name: str) -> None:
    table = ZOO[name]()
    codec = TableCodec.learn(table, schema_of(table))
    floats, codes = codec.encode(table)
    assert np.isfinite(floats).all()
    assert ((codes >= 0) & (codes < np.array(codec.n_levels))).all()
    texts = table.select_dtypes(object)
    pd.testing.assert_frame_equal(
        codec.decode(floats, codes),
        table.assign(**texts.where(texts.notna(), np.nan)).reset_index(drop=True),
        check_categorical=False,
        check_exact=False,
        rtol=1e-12,
    )


@pytest.mark.parametrize("name", ZOO)
def test_a_codec_read_from_json_is_equal(name: str) -> None:
    codec = TableCodec.learn(ZOO[name](), schema_of(ZOO[name]()))
    assert TableCodec.from_dict(json.loads(json.dumps(codec.to_dict()))) == codec


def test_numbers_become_floats_and_gaps_a_code_of_their_own() -> None:
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["y", "x", None], "c": [7, 7, 7]})
    codec = codec_of(table)
    floats, codes = codec.encode(table)
    assert codec.float_names == ["a"]
    assert codec.code_names == ["a", "b"]
    assert codec.n_levels == [2, 3]
    assert floats[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert codes.tolist() == [[0, 1], [1, 0], [0, 2]]


def test_decoded_numbers_stay_inside_the_bounds() -> None:
    codec = codec_of(pd.DataFrame({"age": [17] * 5 + [40, 88]}))
    decoded = codec.decode(np.array([[-5.0], [41.4], [1e9]]), np.empty((3, 0), np.int64))
    assert decoded["age"].tolist() == [17, 41, 90]


def test_a_bound_is_exact_only_where_five_rows_share_it() -> None:
    assert outer_bounds(np.array([3.0] * 5 + [50.0, 61.3])) == (3.0, 65.0)
    assert outer_bounds(np.array([3.0] * 4 + [50.0, 61.3])) == (0.0, 65.0)


@given(st.lists(st.floats(-1e100, 1e100), min_size=1))
@settings(max_examples=200)
def test_bounds_hold_every_value(values: list[float]) -> None:
    low, high = outer_bounds(np.array(values))
    assert low <= min(values)
    assert max(values) <= high


def test_steps_are_one_two_five_times_a_power_of_ten() -> None:
    assert [step_for(spread, 10) for spread in (10.0, 11.0, 21.0, 51.0)] == [1.0, 2.0, 5.0, 10.0]
    assert on_step(0.7 + 0.1, 0.1) == 0.8


def test_no_value_of_one_person_is_written_down() -> None:
    values = np.random.default_rng(0).normal(0, 1, 101)
    values[7] = np.nan
    text = json.dumps(codec_of(pd.DataFrame({"secret": values})).to_dict())
    assert not [value for value in values.tolist() if f"{value:.6g}" in text and value == value]


def test_dates_keep_their_grid() -> None:
    days = pd.DataFrame({"day": pd.to_datetime(["2020-02-28", "2020-03-02", "2021-01-01"])})
    codec = codec_of(days)
    assert codec.encode(days)[0][:2, 0].tolist() == [7363.0, 7366.0]
    decoded = codec.decode(np.array([[7364.4]]), np.empty((1, 0), np.int64))
    assert decoded["day"].tolist() == [pd.Timestamp("2020-02-29")]


@pytest.mark.parametrize("first", ["1677-09-22", "1700-01-01 03:00", "1700-01-01 00:00:00.5"])
def test_dates_three_centuries_before_the_epoch_come_back(first: str) -> None:
    dates = pd.to_datetime([first, "2262-04-11"], format="ISO8601").as_unit("ns")
    codec = codec_of(pd.DataFrame({"day": dates}))
    table = codec.decode(*codec.encode(pd.DataFrame({"day": dates})))
    # A float of that many nanoseconds is off by two microseconds.
    assert (np.abs(table["day"] - dates) < pd.Timedelta(2, "us")).all()


def test_a_date_beyond_what_nanoseconds_count_is_held_inside() -> None:
    days = pd.Series(pd.to_datetime(["1678-01-01", "2262-04-10"]))
    clock = clock_of(days)
    steps = np.array([-1e9, 1e9])
    ends = from_floats(steps, clock)
    assert ends.tolist() == [pd.Timestamp("1677-09-22"), pd.Timestamp("2262-04-11")]


def test_the_hour_that_spring_skips_moves_on() -> None:
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    table = pd.DataFrame({"at": hours})
    codec = codec_of(table)
    floats = np.arange(212_300, 212_500, dtype=float)[:, None]
    decoded = codec.decode(floats, np.empty((200, 0), np.int64))
    assert decoded["at"].notna().all()


def test_an_unknown_level_is_refused_without_naming_it() -> None:
    codec = codec_of(pd.DataFrame({"a": ["x", "y"]}))
    with pytest.raises(DataError, match="1 of 2 rows") as caught:
        codec.encode(pd.DataFrame({"a": ["x", "secret"]}))
    assert "secret" not in str(caught.value)


def test_a_new_gap_in_a_number_is_refused() -> None:
    codec = codec_of(pd.DataFrame({"a": [1.5, 2.5]}))
    with pytest.raises(DataError, match="had none in training"):
        codec.encode(pd.DataFrame({"a": [1.5, np.nan]}))


def test_what_cannot_be_encoded_is_refused() -> None:
    table = pd.DataFrame({"a": [1.5, 2.5]})
    schema = infer_schema(table)
    with pytest.raises(DataError, match="no rows"):
        TableCodec.learn(table.iloc[:0], schema)
    with pytest.raises(DataError, match="are not"):
        TableCodec.learn(table.rename(columns={"a": "b"}), schema)
    with pytest.raises(DataError, match="infinite"):
        TableCodec.learn(pd.DataFrame({"a": [1.5, np.inf]}), schema)
    with pytest.raises(DataError, match="no numbers"):
        TableCodec.learn(pd.DataFrame({"a": ["u", "v"]}), schema)
    with pytest.raises(DataError, match="identifier"):
        codec_of(pd.DataFrame({"id": range(100)}))
    with pytest.raises(DataError, match="of type tuple"):
        codec_of(pd.DataFrame({"a": [(1, 2), (3, 4)]}))


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": None},
        {"columns": [{"name": "a", "levels": []}]},
        {"columns": [{"name": "a", "levels": [None, "x"]}]},
        {"columns": [{"name": "a", "levels": [["x"]]}]},
        {"columns": [{"name": "a", "low": 2, "high": 1, "fill": 1, "missing": 0, "clock": None}]},
        {"columns": [{"name": "a", "low": "x", "high": 1, "fill": 1, "missing": 0, "clock": None}]},
        {"schema": "{}"},
    ],
)
def test_an_altered_codec_is_refused(change: dict[str, object]) -> None:
    data = codec_of(pd.DataFrame({"a": ["x", "y"]})).to_dict()
    with pytest.raises(DataError):
        TableCodec.from_dict(data | change)


def test_levels_of_too_few_rows_are_left_out_the_missing_one_too() -> None:
    values = pd.Series(["a"] * 9 + ["b"] * 5 + ["c"] * 4 + [None] * 4, name="level")
    assert find_levels(values) == ("a", "b", "c", None)
    assert find_levels(values, min_count=4) == ("a", "b", "c", None)
    assert find_levels(values, min_count=5) == ("a", "b")
    assert find_levels(values, min_count=100) == ("a",)


def test_a_missing_level_that_is_the_commonest_stays() -> None:
    values = pd.Series(["a"] * 2 + [None] * 3, name="level")
    assert find_levels(values, min_count=5) == (None,)


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_every_level_of_enough_rows_is_kept_and_never_none_at_all(
    values: list[str | None], min_count: int
) -> None:
    counts = {level: values.count(level) for level in values}
    found = find_levels(pd.Series(values, dtype=object, name="level"), min_count=min_count)
    enough = {level for level, count in counts.items() if count >= min_count}
    assert enough <= set(found)
    assert found
    if enough:
        assert set(found) == enough


@pytest.mark.parametrize(
    "values",
    [["a"] * 3 + ["b"] * 3 + ["c"], [f"name {i}" for i in range(30)]],
    ids=["tie", "names"],
)
def test_where_no_level_has_enough_rows_one_stays(values: list[str]) -> None:
    assert len(find_levels(pd.Series(values, name="level"), min_count=5)) == 1


def test_gaps_of_too_few_rows_are_no_code_and_get_the_fill() -> None:
    table = pd.DataFrame({"x": [0.25, 1.5, 3.0, 1.5, 7.75] * 6 + [np.nan] * 4})
    schema = infer_schema(table)
    assert TableCodec.learn(table, schema, min_count=4).code_names == ["x"]
    codec = TableCodec.learn(table, schema, min_count=5)
    assert codec.code_names == []
    ((floats, codes),) = codec.iter_encoded(table, lenient=True)
    assert codes is None
    assert floats is not None
    assert floats[-4:].tolist() == [codec.columns[0].fill] * 4  # type: ignore[union-attr]
    with pytest.raises(DataError, match="had none in training"):
        codec.encode(table)


def test_a_table_of_rare_levels_is_only_encoded_leniently() -> None:
    table = pd.DataFrame({"level": ["a"] * 9 + ["b"] * 6 + ["rare"]})
    codec = TableCodec.learn(table, infer_schema(table), min_count=5)
    assert codec.levels == {"level": ("a", "b")}
    ((floats, codes),) = codec.iter_encoded(table, lenient=True)
    assert floats is None
    assert codes is not None
    assert codes.tolist() == [0] * 9 + [1] * 6 + [-1]
    with pytest.raises(DataError, match="1 of 16 rows"):
        list(codec.iter_encoded(table))


def test_a_lenient_encoding_clips_fills_and_marks_what_was_not_seen() -> None:
    codec = codec_of(
        pd.DataFrame({"x": [0.0] * 5 + [2.0] * 6 + [8.0] * 5, "level": list("ab") * 8})
    )
    rows = pd.DataFrame({"x": [-5.0, np.nan, 1e9, 1.5], "level": ["a", "new", None, "b"]})
    floats, codes = codec.encode(rows, lenient=True)
    assert floats[:, 0].tolist() == [0.0, 2.0, 8.0, 1.5]
    assert codes[:, 0].tolist() == [0, -1, -1, 1]


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("lenient", [False, True])
def test_column_by_column_is_the_encoding_of_the_whole_table(name: str, lenient: bool) -> None:
    table = ZOO[name]()
    codec = TableCodec.learn(table, schema_of(table))
    floats, codes = codec.encode(table, lenient=lenient)
    columns = list(codec.iter_encoded(table, lenient=lenient))
    assert len(columns) == len(codec.columns)
    for whole, parts in (
        (floats, [part for part, _ in columns if part is not None]),
        (codes, [part for _, part in columns if part is not None]),
    ):
        assert whole.shape[1] == len(parts)
        for j, part in enumerate(parts):
            np.testing.assert_array_equal(whole[:, j], part)


def test_the_only_value_of_a_column_is_one_rows_and_not_written_down() -> None:
    table = pd.DataFrame({"x": [np.nan] * 66 + [1234.567], "y": [1.5, 2.5] * 33 + [1.5]})
    codec = TableCodec.learn(table, infer_schema(table), min_count=5)
    assert "1234.567" not in json.dumps(codec.to_dict())
