"""Whether a table's target is one that rows can be told apart by."""

from __future__ import annotations

import pandas as pd

from tabveil.data.schema import Schema
from tabveil.errors import DataError


def check_target(table: pd.DataFrame, schema: Schema) -> None:
    """Refuse a target that holds one value only.

    Nothing can be predicted of it, and every synthesizer repeats it. A target that is hard to
    predict is not refused: `metrics/tstr.py` leaves itself out and says so.

    Raises:
        DataError: the known cells of the target hold fewer than two different values.
    """
    if schema.target is None:
        return
    known = table[schema.target].dropna()
    if known.nunique() > 1:
        return
    what = "one value in all its cells" if len(known) else "no value at all"
    if 0 < len(known) < len(table):
        what = f"one value, and {len(table) - len(known)} missing cells"
    raise DataError(
        f"the target {schema.target!r} holds {what}, so there is nothing to predict; name another "
        f"column under dataset.target, or none (dataset.target=null)"
    )
