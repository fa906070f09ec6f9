from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.reading.bounds import Bounds
from tabveil.data.tables import read_table
from tabveil.errors import DataError


def read(folder: Path, *lines: object, bounds: Bounds | None = None) -> pd.DataFrame:
    path = folder / "t.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return read_table(path, bounds=bounds or Bounds())


def test_each_kind_of_value_gets_its_kind_of_column(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        {"n": 1, "x": 1, "t": "a", "b": True, "m": True, "d": "2020-01-02", "none": None},
        {"n": 2, "x": 0.5, "t": None, "b": False, "d": "31.12.2020"},
    )
    dtypes = ["int64", "float64", "object", "bool", "object", "object", "float64"]
    assert table.dtypes.astype(str).tolist() == dtypes
    assert table["m"].tolist()[0] is True
    assert table[["t", "m"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
    table = read(tmp_path, {"d": "2020-01-02T00:00:00Z"}, {}, {"d": "2020-01-03T04:05:06Z"})
    assert table["d"].dtype == "datetime64[ns, UTC]"


def test_a_key_that_a_line_lacks_is_a_missing_value_however_late_it_comes(tmp_path: Path) -> None:
    lines = [{"a": i} for i in range(10_000)] + [{"a": 5, "b": "late", "c": 7, "d": True}, {"a": 6}]
    table = read(tmp_path, *lines)
    assert table.shape == (10_002, 4)
    assert table.dtypes.astype(str).tolist() == ["int64", "object", "float64", "object"]
    assert table.notna().sum().tolist() == [10_002, 1, 1, 1]


def test_a_table_may_end_with_a_full_block(tmp_path: Path) -> None:
    lines = [{"a": f"x{i}", "b": i % 2 == 0, "d": "2020-01-02"} for i in range(20_000)]
    table = read(tmp_path, *lines)
    assert table.shape == (20_000, 3)
    assert table.dtypes.astype(str).tolist() == ["object", "bool", "datetime64[ns]"]
    assert table["a"].tolist() == [line["a"] for line in lines]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    assert len(read(tmp_path, {"a": 1}, "", "  ", {"a": 2}, "")) == 2
    with pytest.raises(DataError, match="line 4: no JSON from character 7 on"):
        read(tmp_path, {"a": 1}, "", "", '{"a": }')


def test_whole_numbers_that_no_float_holds_are_codes_to_the_last_digit(tmp_path: Path) -> None:
    assert read(tmp_path, {"a": 2**62}, {"a": -5})["a"].tolist() == [str(2**62), "-5"]
    assert read(tmp_path, {"a": 2**70}, {"a": 5})["a"].tolist() == [str(2**70), "5"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"a": {"b": 1}}, "line 2: key 'a' holds an object"),
        ({"a": [1]}, "line 2: key 'a' holds a list"),
        ({"a": "x"}, "line 2: 'a' holds a text here and a number elsewhere"),
        ({"a": False}, "line 2: 'a' holds a truth value here and a number elsewhere"),
        ('{"a": 1, "a": 2}', "line 2: a key comes twice"),
        ('{"a": NaN}', "line 2: no JSON that can be read"),
        ("[1, 2]", "line 2: no object"),
        ('{"a": 1} {"a": 2}', "line 2: no JSON from character 10 on"),
        ({"a": 10**400}, "'a' holds a number of more than 100 digits"),
        ({"": 1}, "a column has no name"),
    ],
)
def test_a_bad_line_is_told_with_its_number(tmp_path: Path, line: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, {"a": 1}, line)


def test_a_kind_that_changes_in_a_later_block_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 20001: 'a' holds a text"):
        read(tmp_path, *[{"a": 1}] * 20_000, {"a": "x"})


def test_a_table_beyond_the_bounds_is_refused(tmp_path: Path) -> None:
    lines = [{"a": "xx", "b": 1}, {"a": "x" * 9}]
    assert len(read(tmp_path, *lines, bounds=Bounds(rows=2, columns=2, field=9, line=99))) == 2
    for bounds, message in (
        (Bounds(rows=1), "more than 1 rows"),
        (Bounds(columns=1), "2 columns"),
        (Bounds(field=8), "line 2: a value of 'a' is longer than 8"),
        (Bounds(line=10), "line 1: longer than 10"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, *lines, bounds=bounds)
