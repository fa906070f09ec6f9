from __future__ import annotations

import pandas as pd
import pytest
from tabveil.data.reading.dates_text import dates


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["31.12.2020", "01.02.2021"], "2020-12-31"),
        (["31/12/2020", "1/2/2021"], "2020-12-31"),
        (["12/31/2020", "1/2/2021"], "2020-12-31"),
        (["31.12.2020 23:59", "1.2.2021 0:00"], "2020-12-31T23:59"),
        (["12/31/2020 23:59:58", "1/2/2021 00:00:00"], "2020-12-31T23:59:58"),
        (["31.12.2020", None], "2020-12-31"),
    ],
)
def test_dates_of_one_way_of_writing_are_dates(texts: list[str | None], first: str) -> None:
    found = dates(pd.Series(texts, dtype=object))
    assert found.dtype == "datetime64[ns]"
    assert found[0] == pd.Timestamp(first)
    assert found.isna().tolist() == [text is None for text in texts]


def test_the_day_beyond_12_may_stand_in_any_row() -> None:
    found = dates(pd.Series(["03/04/2020", "05/06/2020", "05/13/2020"]))
    assert found[0] == pd.Timestamp("2020-03-04")


@pytest.mark.parametrize(
    "texts",
    [
        ["03/04/2020", "05/06/2020"],  # in March or in April?
        ["03.04.2020"],
        ["31/12/2020", "12/31/2020"],
        ["12.31.2020"],
        ["31.12.2020", "31/12/2020"],
        ["31.12/2020"],
        ["31.12.2020", "31.12.2020 10:00"],
        ["31.12.2020", "unknown"],
        ["31.12.2020", "30.02.2020"],
        ["31.12.2020", "31.12.9999"],
        ["31.12.20"],
        ["31.12.2020 25:00"],
        ["32.01.2020"],
    ],
)
def test_what_is_not_surely_a_date_stays_text(texts: list[str]) -> None:
    assert dates(pd.Series(texts)).tolist() == texts


def test_columns_of_other_kinds_are_left_alone() -> None:
    for values in (pd.Series([1.5, 2]), pd.Series([True, None]), pd.Series([None, None])):
        assert dates(values) is values
