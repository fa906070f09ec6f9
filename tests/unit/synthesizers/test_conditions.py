"""Is a `where` understood, checked and met with bounded effort?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.codec import TableCodec
from tabveil.data.levels import Level
from tabveil.data.schema import infer_schema
from tabveil.errors import ConditionError
from tabveil.synthesizers.chunks import take
from tabveil.synthesizers.conditions import (
    keep_met,
    level_named,
    met,
    parse,
    wanted_codes,
    wanted_ranges,
)

TABLE = pd.DataFrame(
    {
        "age": [20, 30, 40, 50],
        "zip": ["01234", "1", "99999", None],
        "smoker": [True, False, False, True],
        "income": [1.5, np.nan, 3.5, 4.5],
        "since": pd.to_datetime(["2020-01-01", "2020-06-01", None, "2021-01-01"]),
    }
)
SCHEMA = infer_schema(TABLE)
CODEC = TableCodec.learn(TABLE, SCHEMA)


def rows(where: dict[str, object]) -> list[int]:
    return np.flatnonzero(met(TABLE, parse(where, SCHEMA, CODEC.levels))).tolist()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"age": 30}, [1]),
        ({"age": [30, 50]}, [1, 3]),
        ({"age": {"min": 30}}, [1, 2, 3]),
        ({"age": {"min": 30, "max": 40}}, [1, 2]),
        ({"zip": "01234"}, [0]),
        ({"zip": 1}, [1]),
        ({"zip": ["1", None]}, [1, 3]),
        ({"smoker": True}, [0, 3]),
        ({"income": None}, [1]),
        ({"income": {"max": 4}}, [0, 2]),
        ({"income": {"missing": False}}, [0, 2, 3]),
        ({"income": {"missing": True}}, [1]),
        ({"zip": {"missing": False}}, [0, 1, 2]),
        ({"zip": {"missing": True}, "age": 50}, [3]),
        ({"since": {"missing": False}, "age": {"min": 40}}, [3]),
        ({"since": {"min": "2020-02-01"}}, [1, 3]),
        ({"since": "2021-01-01"}, [3]),
        ({"smoker": False, "age": {"max": 30}}, [1]),
        ({"age": "30"}, [1]),
        ({"age": ["3e1", "50.0"]}, [1, 3]),
        ({"age": {"min": "30", "max": "inf"}}, [1, 2, 3]),
        ({"smoker": "true"}, [0, 3]),
        ({"smoker": "False"}, [1, 2]),
        ({"since": "20210101"}, [3]),
    ],
)
def test_a_where_picks_these_rows(where: dict[str, object], expected: list[int]) -> None:
    assert rows(where) == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"agee": 3}, "did you mean 'age'"),
        ({"age": {"max": 10**400}}, "no numeric value"),
        ({"zip": "0123"}, "did you mean '01234'"),
        ({"zip": {"min": 3}}, "categorical"),
        ({"smoker": None}, "no level None"),
        ({"age": "old"}, "no numeric value"),
        ({"age": []}, "empty list"),
        ({"age": {"least": 3}}, "'min', 'max' or both"),
        ({"age": {}}, "'min', 'max' or both"),
        ({"age": {"missing": False, "min": 3}}, "'missing' stands alone"),
        ({"age": {"missing": "no"}}, "true or false"),
        ({"smoker": {"missing": True}}, "never missing"),
        ({"age": {"min": 5, "max": 4}}, "above max"),
        ({"since": "someday"}, "no datetime value"),
        ({"since": "3"}, "no datetime value"),
        ({"since": "now"}, "no datetime value"),
        ({"age": "1_0"}, "no numeric value"),
        ({"age": "nan"}, "no numeric value"),
        ({"age": "0x1F"}, "no numeric value"),
        ({"smoker": "yes"}, "no level 'yes'"),
        ("age=3", "must map columns"),
    ],
)
def test_a_where_that_makes_no_sense_says_why(where: dict[str, object], message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        rows(where)


@pytest.mark.parametrize(
    ("typed", "levels", "level"),
    [
        ("1.1", ["1.10", "1.1"], "1.1"),
        ("1.10", ["1.1", "1.10"], "1.10"),
        ("1000", ["1_000", "1000"], "1000"),
        ("1", [1, "1"], "1"),
        ("1", [1, 2], 1),
        ("2", [1.0, 2.0], 2.0),
        ("true", ["True", True], True),
        ("True", ["True", True], "True"),
        ("null", ["null", None], "null"),
        (None, ["null", None], None),
        (True, [1, True], True),
        (1, ["01", "1"], "1"),
        (1.1, ["1.10", "1.1"], "1.1"),
    ],
)
def test_a_level_is_meant_by_its_own_text(typed: Any, levels: list[Level], level: Level) -> None:
    found = level_named(typed, levels)
    assert (found, type(found)) == (level, type(level))


@pytest.mark.parametrize(
    ("typed", "levels"),
    [
        ("1.1", ["1.10"]),
        ("1000", ["1_000"]),
        ("01", [1]),
        ("1.10", [1.1]),
        ("yes", [True]),
        ("1", [True]),
        ("no", ["NO"]),
        ("null", [None]),
        (1.1, ["1.10"]),
    ],
)
def test_no_other_level_stands_in(typed: Any, levels: list[Level]) -> None:
    with pytest.raises(LookupError):
        level_named(typed, levels)


def test_a_column_may_have_its_own_ways_to_write_a_level() -> None:
    spelt = {"True": "ja", "False": "nein"}
    assert (
        level_named("ja", [False, True], lambda x: frozenset({spelt.get(str(x), str(x))})) is True
    )


def test_conditions_restrict_the_codes_of_levels_and_of_gaps() -> None:
    assert CODEC.code_names == ["zip", "smoker", "income", "since"]
    where = {"zip": ["1", None], "income": {"min": 1}, "since": None, "age": 20}
    codes = wanted_codes(parse(where, SCHEMA, CODEC.levels), CODEC)
    assert codes == {0: (1, 3), 2: (0,), 3: (1,)}


def endless(n_in_a_thousand: int) -> Iterator[pd.DataFrame]:
    while True:
        yield pd.DataFrame({"age": np.arange(10_000) % 1000 < n_in_a_thousand}).astype(int)


def test_rows_met_once_in_a_thousand_are_found() -> None:
    conditions = {"age": (1.0,)}
    frames = list(take(keep_met(endless(1), 400, conditions), 400))
    assert sum(map(len, frames)) == 400
    assert all((frame["age"] == 1).all() for frame in frames)


def test_giving_up_says_how_many_rows_were_made() -> None:
    with pytest.raises(ConditionError, match=r"only 0 of 5 rows met .* age after 200000 draws"):
        list(take(keep_met(endless(0), 5, {"age": (1.0,)}), 5))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, {}),
        ({"zip": "1"}, {}),
        ({"age": {"min": 30}}, {0: ((29, np.inf),)}),
        ({"age": [20, 50]}, {0: ((19, 21), (49, 51))}),
        ({"income": {"max": 4}}, {1: ((-np.inf, 4.1),)}),
        ({"income": None}, {}),
        ({"income": [1.5, None]}, {}),
        ({"since": {"min": "2020-01-01", "max": "2020-01-02"}}, {2: ((7304, 7307),)}),
        ({"since": {"min": "2020-01-01T12:00Z"}}, {2: ((7304.5, np.inf),)}),
        ({"since": {"min": "1000-01-01", "max": "9999-12-31"}}, {2: ((-np.inf, np.inf),)}),
        ({"age": {"max": np.inf}}, {0: ((-np.inf, np.inf),)}),
    ],
    ids=str,
)
def test_numbers_are_looked_for_a_step_of_rounding_around_what_is_asked(
    where: dict[str, object], expected: dict[int, object]
) -> None:
    assert CODEC.float_names == ["age", "income", "since"]
    assert wanted_ranges(parse(where, SCHEMA, CODEC.levels), CODEC) == expected
