"""Numbers are read to the last bit and written back as they were; by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tabveil.data.formats.number_spelling import find_spellings, settled


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["3", "-4", "12"], [3, -4, 12]),
        (["0.5", "3.0", "12.25"], [0.5, 3, 12.25]),
        (["$1,234.50", "-$3.00", "$12.00"], [1234.5, -3, 12]),
        (["$-3.00", "$12.00"], [-3, 12]),
        (["12.5%", "3.0%"], [12.5, 3]),
        (["(33.10)", "12.00"], [-33.1, 12]),
        (["20.00 EUR", "1,234.00 EUR"], [20, 1234]),
        (["EUR 20.00", "EUR 5.10"], [20, 5.1]),
        (["1.234,56", "-12,00"], [1234.56, -12]),
        (["1'234.50", "3.20"], [1234.5, 3.2]),
        (["1 234,50", "3,20"], [1234.5, 3.2]),
        (["5-", "3"], [-5, 3]),
        (["+5", "-3"], [5, -3]),
        ([" 7", "12"], [7, 12]),
        ([" 7.25", " -12.50"], [7.25, -12.5]),
        ([".5", "-.25"], [0.5, -0.25]),
        (["1e-05", "0.25", "2.5e+20"], [1e-5, 0.25, 2.5e20]),
        (["0.1", "0.30000000000000004"], [0.1, 0.30000000000000004]),
        (["12 kg", "7 kg"], [12, 7]),
        (["1,234,567", "89"], [1234567, 89]),
    ],
)
def test_numbers_are_read_and_written_back(texts: list[str], numbers: list[float]) -> None:
    cells = pa.array(texts)
    (spelling,) = find_spellings(texts)
    spelling = settled(spelling, cells)
    read = spelling.read(cells)
    assert read.tolist() == numbers
    assert spelling.write(read).to_pylist() == texts


@pytest.mark.parametrize("texts", [["1,234", "5,678"], ["1.234", "5.678"]])
def test_three_digits_behind_one_mark_leave_it_open(texts: list[str]) -> None:
    readings = [spelling.read(pa.array(texts)).tolist() for spelling in find_spellings(texts)]
    assert sorted(readings) == [[1.234, 5.678], [1234, 5678]]


@pytest.mark.parametrize(
    "texts",
    [
        ["D01", "D02"],
        ["Rome"],
        ["1,23,45"],
        ["12-34"],
        ["1.2.3.4"],
        ["0x1F"],
        ["1_000"],
        ["12:30"],
    ],
)
def test_what_is_no_number_has_no_spelling(texts: list[str]) -> None:
    fitting = [s for s in find_spellings(texts) if not np.isnan(s.read(pa.array(texts))).any()]
    assert fitting == []


def test_a_drawn_number_gets_the_places_of_the_source() -> None:
    texts = ["12.50", "3.25"]
    spelling = settled(find_spellings(texts)[0], pa.array(texts))
    assert spelling.write(np.array([7.0, -0.004, 1e6])).to_pylist() == [
        "7.00",
        "0.00",
        "1000000.00",
    ]
