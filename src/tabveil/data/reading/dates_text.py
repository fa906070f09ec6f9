"""Which columns of texts are dates?

Those whose every value is a date in one way of writing. 03/04/2020 is in March or in April by
where one lives: such a column becomes dates only if some day in it is beyond 12.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import pandas as pd

_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_LOCAL = r"(\d{1,2})([./])(\d{1,2})\2\d{4}(?: \d{1,2}:\d{2}(?::\d{2})?)?"


def dates(values: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a text column of dates into datetime64[ns]; leave any other column alone.

    Known are ISO dates, whose times with an offset are turned into UTC, and 31.12.2020,
    31/12/2020 and 12/31/2020, with or without 23:59 or 23:59:59.
    """
    if not (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
        return values
    present = values.dropna()
    if present.empty:
        return values
    first = str(present.iloc[0])  # most text columns show here that they hold no dates
    if re.fullmatch(_ISO, first) and present.astype(str).str.fullmatch(_ISO).all():
        return _parsed(values, "ISO8601")
    if re.fullmatch(_LOCAL, first):
        written = _local_format(present.astype(str))
        return values if written is None else _parsed(values, written)
    return values


def _local_format(present: pd.Series[Any]) -> str | None:
    """The one way in which all of them are written; None where there is none, or two may be."""
    if not present.str.fullmatch(_LOCAL).all():
        return None
    parts = present.str.extract(_LOCAL)
    marks, n_colons = parts[1].unique(), present.str.count(":").unique()
    if len(marks) > 1 or len(n_colons) > 1:
        return None
    beyond = [bool((parts[i].astype(int) > 12).any()) for i in (0, 2)]
    time = ["", " %H:%M", " %H:%M:%S"][int(n_colons[0])]
    if beyond == [True, False]:
        return f"%d{marks[0]}%m{marks[0]}%Y{time}"
    if beyond == [False, True] and marks[0] == "/":  # nobody writes 12.31.2020
        return f"%m/%d/%Y{time}"
    return None


def _parsed(values: pd.Series[Any], written: str) -> pd.Series[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parsed = pd.to_datetime(values, format=written, utc=True)
    except (ValueError, OverflowError):  # 2023-02-30, 9999-12-31: texts that only look like dates
        return values
    return parsed.dt.tz_localize(None).astype("datetime64[ns]")
