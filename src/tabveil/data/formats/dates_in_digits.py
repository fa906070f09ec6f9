"""Columns of digits alone that are dates: 20230623, 230623, 202306.

A code may look like a date. What tells them apart is how many of the cells are dates, and that
most months and days occur in them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tabveil.data.formats.cells import Cells
from tabveil.data.formats.date_pattern import DatePattern

ODD_WORDS = 0.2
"""Of a column's cells: as many may be other words in a column of numbers or dates."""
ODD_DIGITS = 0.01
"""As many may hold digits, and still be no number or date: more are a code's."""
_PATTERNS_OF_DIGITS = (
    ("%Y%m%d", 8, (5, 1, 1)),
    ("%d%m%Y", 8, (8, 5, 10)),
    ("%m%d%Y", 8, (8, 5, 10)),
    ("%Y%m", 6, (8, 1, 1)),
    ("%y%m%d", 6, (20, 6, 15)),
    ("%d%m%y", 6, (20, 6, 15)),
    ("%m%d%y", 6, (20, 6, 15)),
)
"""Pattern, digits, and how many different cells, months and days show that it is one."""


def is_of_days(sample: Sequence[str], cells: Cells, digits: NDArray[np.bool_], n: int) -> bool:
    """Whether digits are days such as 20230623, or months such as 202306: nearly all valid.

    Of random numbers of that length one in 27 is a day, one in 8 a month.
    """
    for text in patterns_of_days(sample):
        fits = ~np.isnat(cells.once(DatePattern(text), DatePattern(text).read).dates)
        if cells.rows(fits) >= (1 - ODD_DIGITS) * cells.rows(digits) > 0:
            return cells.rows(digits) >= (1 - ODD_WORDS) * n
    return False


def patterns_of_days(sample: Sequence[str]) -> list[str]:
    """The patterns of digits alone that all of them fit, and that are not met by chance.

    Codes of districts such as 110105 fit a pattern, too: but not all days and months occur in them.
    """
    dated = [text for text in sample if len(text) in (6, 8) and text.isdigit()]
    if not dated or len(dated) < 0.9 * len(sample):
        return []
    patterns = []
    for text, length, fewest in _PATTERNS_OF_DIGITS:
        these = [t for t in dated if len(t) == length]
        if len(set(these)) < fewest[0] or len(these) < 0.9 * len(dated):
            continue
        dates = DatePattern(text).read(pa.array(these)).dates
        if np.isnat(dates).any():
            continue
        months, days = dates.astype("datetime64[M]"), dates.astype("datetime64[D]")
        years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        if (((years < 1900) | (years > 2100)) & (years != 9999)).any():
            continue
        n_months = len(np.unique(months.astype(np.int64) % 12))
        n_days = len(np.unique(days - months.astype("datetime64[D]")))
        if n_months >= fewest[1] and n_days >= fewest[2]:
            patterns.append(text)
    return patterns
