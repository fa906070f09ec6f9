"""A column's format is decided from all its cells, and what does not fit is told."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tabveil.data.formats.cells import Cells
from tabveil.data.formats.format_inference import Inferred, Told, infer_format
from tabveil.errors import DataError

NUMBERS = [str(i) for i in range(1, 101)]


def infer(texts: list[str | None], **told: object) -> Inferred:
    return infer_format(Cells.from_arrow(pa.array(texts, pa.string())), Told(**told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "sort"),
    [
        (["01234", "94110", "02139"], "code"),
        (["1E2", "2E3", "100"], "code"),
        (["900000000000207008", "9007199254740993"], "code"),
        ([*NUMBERS, None, "NA"], "whole"),
        ([*NUMBERS, "-"], "whole"),
        (["1", "2", "3", None], "whole"),
        (["true", "false", None], "truth"),
        (["TRUE", "FALSE"], "truth"),
        (["yes", "no"], "text"),
        (["NA", "ZA", "BW", None], "text"),
        (["None", "full", "half"], "text"),
        (["1.10", "1.1", "2.0"], "text"),
        (["250.83", "V27", "401"] * 20, "text"),
        (["20230623", "20230701", "20230815", "20231231", "20240229", "20240101"], "datetime"),
        (["23:15", "00:00", "7:05"], "time"),
        (["23:15", "00:00", "07:05"], "time"),
        (["36:15:00", "01:02:03"], "duration"),
        (["0 days 00:12:33", "2 days 03:00:00"], "duration"),
        (["192.168.1.1", "10.0.0.7"], "text"),
        ([None, None], "text"),
        ([" ", ""], "text"),
    ],
)
def test_the_sort_of_a_column(texts: list[str | None], sort: str) -> None:
    inferred = infer(texts)
    assert [f.sort for f in inferred.formats] == [sort]


def test_words_mean_missing_beside_numbers_and_are_levels_beside_words() -> None:
    numbers = infer([*NUMBERS, *["NA"] * 10])
    assert numbers.formats[0].missing == {"NA": 1.0}
    assert numbers.notes == ("taken for missing: 'NA' (10 cells)",)
    words = infer(["NA", "ZA"] * 10)
    assert words.formats[0].missing is None
    assert words.notes == ()


def test_words_that_a_person_names_are_missing_everywhere_and_the_others_nowhere() -> None:
    told = infer(["unknown", "ZA"] * 10, missing=["unknown"])
    assert told.formats[0].missing == {"unknown": 1.0}
    assert infer([*NUMBERS, "NA"], missing=[]).notes == (
        "1 of 101 cells are no numbers; 1 become missing",
    )


def test_gaps_are_written_as_they_were_at_their_shares() -> None:
    found = infer([*NUMBERS, *["-"] * 30, *[None] * 10]).formats[0]
    assert found.missing == {"": 0.25, "-": 0.75}


def test_odd_cells_that_enough_rows_hold_stay_such_cells_and_the_others_are_not_named() -> None:
    found = infer([*NUMBERS * 3, *["<5"] * 20, "Mrs Jones"])
    assert found.formats[0].sort == "whole"
    assert found.formats[0].missing == {"<5": 1.0}
    assert found.notes == (
        "21 of 321 cells are no numbers ('<5' stay such cells); 1 become missing",
    )


def test_dates_of_which_two_readings_fit_are_left_open_and_one_row_decides() -> None:
    texts: list[str | None] = ["05-03-2019", "01-02-2020", "11-12-2021"]
    assert [f.pattern for f in infer(texts).formats] == ["%d-%m-%Y", "%m-%d-%Y"]
    assert [f.pattern for f in infer([*texts, "25-03-2019"]).formats] == ["%d-%m-%Y"]
    assert [f.pattern for f in infer([*texts, "03-25-2019"]).formats] == ["%m-%d-%Y"]


def test_what_a_person_says_counts_before_anything_is_inferred() -> None:
    assert (
        infer(["05-03-2019"], kind="datetime", pattern="%m-%d-%Y").formats[0].pattern == "%m-%d-%Y"
    )
    assert infer(NUMBERS, kind="categorical").formats[0].sort == "text"
    assert infer(["1.234", "5.678"], kind="numeric", pattern="1.234,5").formats[0].sort == "whole"


@pytest.mark.parametrize(
    ("texts", "told", "said"),
    [
        (["x", "y"], {"kind": "numeric"}, "2 of its 2 cells are no numbers"),
        (["x", "y"], {"kind": "datetime"}, "2 of its 2 cells are no dates"),
        (["a", "b", "c"], {"kind": "boolean"}, "3 different texts"),
        (["31/12/2020"], {"kind": "datetime", "pattern": "%m/%d/%Y"}, "1 of its cells are not"),
        (["31/12/2020"], {"kind": "datetime", "pattern": "%m/%d"}, "has no year"),
    ],
)
def test_a_kind_that_the_cells_do_not_fit_is_refused(
    texts: list[str | None], told: dict[str, str], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        infer(texts, **told)


def test_offsets_that_a_zone_explains_are_that_zone() -> None:
    winter = [f"2021-01-{day:02d}T10:00:00+01:00" for day in range(1, 29)]
    summer = [f"2021-07-{day:02d}T10:00:00+02:00" for day in range(1, 29)]
    assert infer([*winter, *summer]).formats[0].zone == "Europe/Berlin"
    mixed = [*winter, *(text.replace("+01:00", "-05:00") for text in winter)]
    found = infer(mixed).formats[0]
    assert found.zone == "UTC"
    assert found.offsets == {-300: 0.5, 60: 0.5}
