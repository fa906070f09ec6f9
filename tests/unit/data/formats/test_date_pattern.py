"""Dates are found, read and written back in their pattern; expectations are written by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tabveil.data.formats.date_pattern import DatePattern, date_patterns


@pytest.mark.parametrize(
    ("texts", "pattern", "first"),
    [
        (["2020-12-31", "1999-01-02"], "%Y-%m-%d", "2020-12-31"),
        (["31-12-2020", "05-03-2019"], "%d-%m-%Y", "2020-12-31"),
        (["12/31/2020", "3/5/2019"], "%-m/%-d/%Y", "2020-12-31"),
        (["31.12.20", "01.02.99"], "%d.%m.%y", "2020-12-31"),
        (["05-Mar-2021", "31-Dec-2020"], "%d-%b-%Y", "2021-03-05"),
        (["05MAR2021", "31DEC2020"], "%d%b%Y", "2021-03-05"),
        (["March 5, 2021", "May 12, 2020"], "%B %-d, %Y", "2021-03-05"),
        (["2021-03", "1999-12"], "%Y-%m", "2021-03-01"),
        (["03/2021", "12/1999"], "%m/%Y", "2021-03-01"),
        (["20230623", "19991231"], "%Y%m%d", "2023-06-23"),
        (["2021-03-05T01:02:03Z"], "%Y-%m-%dT%H:%M:%SZ", "2021-03-05T01:02:03"),
        (["2021-03-05 01:02:03.120"], "%Y-%m-%d %H:%M:%S.%3f", "2021-03-05T01:02:03.120"),
        (["12/31/2020 9:05 PM", "1/2/2020 11:59 AM"], "%-m/%-d/%Y %-I:%M %p", "2020-12-31T21:05"),
        (["2021-03-05", "2021-03-05 10:30"], "%Y-%m-%d[ %H:%M]", "2021-03-05"),
        (["2021-03-05T10:30:00+02:00"], "%Y-%m-%dT%H:%M:%S%z", "2021-03-05T10:30"),
        (["2021-03-05T10:30:00+0200"], "%Y-%m-%dT%H:%M:%S%-z", "2021-03-05T10:30"),
        (["9999-12-31", "1620-02-03"], "%Y-%m-%d", "9999-12-31"),
    ],
)
def test_a_pattern_is_found_and_gives_the_texts_back(
    texts: list[str], pattern: str, first: str
) -> None:
    cells = pa.array(texts)
    fitting = [p for p in date_patterns(texts) if not np.isnat(p.read(cells).dates).any()]
    assert [p.text for p in fitting] == [pattern]
    read = fitting[0].read(cells)
    assert read.dates[0] == np.datetime64(first)
    assert fitting[0].write(read.dates, read.offsets).to_pylist() == texts


def test_day_and_month_that_look_alike_are_two_patterns() -> None:
    cells = pa.array(["05/03/2019", "01/02/2020"])
    patterns = date_patterns(cells.to_pylist())
    assert [p.text for p in patterns] == ["%d/%m/%Y", "%m/%d/%Y"]
    days = [p.read(cells).dates[0] for p in patterns]
    assert days == [np.datetime64("2019-03-05"), np.datetime64("2019-05-03")]


@pytest.mark.parametrize(
    "texts",
    [["Rome"], ["12.5", "3.25"], ["192.168.1.1"], ["1-2"], ["2020-31"], ["12:30"], ["", " "]],
)
def test_what_is_no_date_has_no_pattern(texts: list[str]) -> None:
    fitting = [p for p in date_patterns(texts) if not np.isnat(p.read(pa.array(texts)).dates).any()]
    assert fitting == []


def test_a_day_that_the_calendar_lacks_is_no_date() -> None:
    read = DatePattern("%d.%m.%Y").read(pa.array(["30.02.2020", "29.02.2020", "29.02.2021"]))
    assert np.isnat(read.dates).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("%d-%m", "has no year"),
        ("%Y-%d", "has a day"),
        ("%Y-%j", "%j is not known"),
        ("%Y[-%m", "brackets do not match"),
        ("%Y %Y", "names %Y twice"),
    ],
)
def test_a_pattern_that_is_none_is_told(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        DatePattern.from_text(pattern)


def test_offsets_are_written_with_each_date() -> None:
    pattern = DatePattern("%Y-%m-%d %H:%M%z")
    dates = np.array(["2020-01-01T10:00", "2020-01-01T11:30"], dtype="datetime64[ns]")
    written = pattern.write(dates, np.array([120, -330])).to_pylist()
    assert written == ["2020-01-01 10:00+02:00", "2020-01-01 11:30-05:30"]
