"""Cells become values and values become cells."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tabveil.data.formats.cells import Cells
from tabveil.data.formats.column_format import Format
from tabveil.data.formats.conversion import read_one, to_texts, to_values
from tabveil.data.formats.format_inference import Told, infer_format


def there_and_back(texts: list[str | None]) -> list[str | None]:
    cells = Cells.from_arrow(pa.array(texts, pa.string()))
    found = infer_format(cells, Told()).formats[0]
    assert Format.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    values = pd.Series(to_values(cells, found))
    written: list[str | None] = to_texts(values, found, np.arange(len(texts))).to_pylist()
    return written


@pytest.mark.parametrize(
    "texts",
    [
        ["3", None, "12"],
        ["true", None, "false"],
        ["01234", "94110", None],
        ["$1,234.50", "$3.00", None],
        ["31-12-2020", None, "01-02-2021"],
        ["9999-12-31", "2020-01-01"],
        ["14:30", "07:05", None],
        ["0 days 00:12:33", "2 days 03:00:00"],
        ["2021-03-05T01:02:03Z", "2021-03-05T01:02:04Z"],
        ["2021-01-05 10:00:00.001", "2021-01-05 10:00:00.250"],
        ["a", "NA", None, "b "],
    ],
)
def test_a_column_comes_back_as_it_was(texts: list[str | None]) -> None:
    assert there_and_back(texts) == texts


def test_words_for_missing_come_back_at_their_shares_by_the_rows_place() -> None:
    format_ = Format("whole", missing={"": 0.25, "-": 0.75})
    gaps = pd.Series(np.full(8000, np.nan))
    written = to_texts(gaps, format_, np.arange(8000)).to_pylist()
    assert abs(written.count("-") / 8000 - 0.75) < 0.02
    assert set(written) == {"-", None}
    tail = to_texts(gaps[4000:], format_, np.arange(4000, 8000)).to_pylist()
    assert tail == written[4000:]


@pytest.mark.parametrize(
    ("text", "format_", "value"),
    [
        ("31-12-2020", Format("datetime", pattern="%d-%m-%Y"), pd.Timestamp("2020-12-31")),
        ("14:30", Format("time", pattern="%H:%M", unit=60), 870),
        ("nonsense", Format("datetime", pattern="%d-%m-%Y"), None),
    ],
)
def test_one_cell_is_read_in_its_columns_form(text: str, format_: Format, value: object) -> None:
    assert read_one(text, format_) == value
