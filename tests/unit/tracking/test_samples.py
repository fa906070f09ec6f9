from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tabveil.data.masking import Masking
from tabveil.data.schema import Column, Schema, infer_schema
from tabveil.data.tables import read_table
from tabveil.errors import ConfigError
from tabveil.tracking.models import Generator, load_generator
from tabveil.tracking.samples import write_samples

SCHEMA = Schema(
    (
        Column("whole", "numeric", "int64", 0),
        Column("real", "numeric", "float32"),
        Column("flag", "boolean", "bool"),
        Column("maybe", "boolean", "object"),
        Column("level", "categorical", "object"),
        Column("grade", "categorical", "category"),
        Column("day", "datetime", "datetime64[ns]"),
        Column("zoned", "datetime", "datetime64[us, Europe/Berlin]"),
    )
)


class Frames:
    """Draws the frames it was given, then fails if it was told to."""

    def __init__(self, *frames: pd.DataFrame, fails: bool = False) -> None:
        self.frames, self.fails = frames, fails

    def iter_sample(self, n: int, **asked: Any) -> Iterator[pd.DataFrame]:
        yield from self.frames
        if self.fails:
            raise KeyboardInterrupt


def generator(*frames: pd.DataFrame, fails: bool = False) -> Generator:
    return Generator(Masking(SCHEMA), {}, Frames(*frames, fails=fails))  # type: ignore[arg-type]


def full() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": [1, 2],
            "real": np.array([0.5, 1.5], dtype="float32"),
            "flag": [True, False],
            "maybe": [True, False],
            "level": ["a", 'ü, "q"'],
            "grade": pd.Categorical(["x", "y"]),
            "day": pd.to_datetime(["2020-01-01 00:00:00", "2020-01-02 03:04:05"]),
            "zoned": pd.to_datetime(["2020-01-01", "2020-06-01"]).tz_localize("Europe/Berlin"),
        }
    )


def with_gaps() -> pd.DataFrame:
    gaps = full()
    gaps["whole"] = [np.nan, 4.0]
    for name in ("maybe", "level"):
        gaps[name] = pd.Series([None, None], dtype=object)
    gaps["grade"] = pd.Categorical(["z", None])
    gaps.loc[0, ["day", "real"]] = None
    return gaps


@pytest.mark.parametrize("order", [(full, with_gaps), (with_gaps, full)])
def test_parquet_types_come_from_the_schema_whichever_frame_is_first(
    order: tuple[Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "rows.parquet"
    first, second = (make() for make in order)
    assert write_samples(generator(first, second), path, 4, seed=0) == 4
    rows = pq.read_table(path)
    assert [str(field.type) for field in rows.schema] == [
        "int64",
        "float",
        "bool",
        "bool",
        "string",
        "string",
        "timestamp[ns]",
        "timestamp[us, tz=Europe/Berlin]",
    ]
    expected = pd.concat([first, second])
    assert rows["whole"].to_pylist() == [None if v != v else int(v) for v in expected["whole"]]
    assert rows["level"].null_count == rows["maybe"].null_count == 2
    assert rows["grade"].null_count == rows["day"].null_count == rows["real"].null_count == 1


@pytest.mark.parametrize("order", [(full, with_gaps), (with_gaps, full)])
def test_csv_writes_whole_numbers_whole_and_one_header(
    order: tuple[Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    write_samples(generator(*(make() for make in order)), path, 4, seed=0)
    back = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert sorted(back["whole"]) == ["", "1", "2", "4"]
    assert sorted(back["level"])[2:] == ["a", 'ü, "q"']
    assert sorted(set(back["day"])) == ["", "2020-01-01 00:00:00", "2020-01-02 03:04:05"]


def drawn_from(table: pd.DataFrame) -> Generator:
    return Generator(Masking(infer_schema(table)), {}, Frames(table))  # type: ignore[arg-type]


def test_a_return_in_a_name_or_a_text_ends_no_row(tmp_path: Path) -> None:
    table = pd.DataFrame({"a\rb": ["x", "y\rz"], "n": [1, 2]})
    write_samples(drawn_from(table), tmp_path / "rows.csv", 2, seed=0)
    assert read_table(tmp_path / "rows.csv").equals(table)


def test_a_number_beyond_int64_is_written_whole(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": np.array([1, 2**64 - 1], dtype="uint64")})
    write_samples(drawn_from(table), tmp_path / "rows.csv", 2, seed=0)
    assert (tmp_path / "rows.csv").read_text().split() == ["n", "1", str(2**64 - 1)]


def test_a_date_of_the_year_9999_is_written_as_it_is(tmp_path: Path) -> None:
    days = pd.Series(np.array(["2020-01-01", "9999-12-31"], dtype="datetime64[ms]"))
    write_samples(drawn_from(days.to_frame("until")), tmp_path / "rows.parquet", 2, seed=0)
    assert pd.read_parquet(tmp_path / "rows.parquet")["until"].equals(days.rename("until"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_file_holds_the_rows_that_sample_gives(
    suffix: str, saved: Path, tmp_path: Path
) -> None:
    drawn, seen = load_generator(saved), []
    path = tmp_path / f"rows.{suffix}"
    path.write_text("an older file")
    assert write_samples(drawn, path, 12_345, seed=7, progress=seen.append) == 12_345
    back = pd.read_csv(path, parse_dates=["visit"]) if suffix == "csv" else pd.read_parquet(path)
    expected = drawn.sample(12_345, seed=7)
    pd.testing.assert_frame_equal(back.fillna("-"), expected.fillna("-"), check_dtype=False)
    assert seen == sorted(seen)
    assert seen[-1] == 12_345
    assert len(seen) > 1


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_interrupted_draw_leaves_the_older_file_and_nothing_else(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_text("an older file")
    with pytest.raises(KeyboardInterrupt):
        write_samples(generator(full(), fails=True), path, 4, seed=0)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "an older file"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rows.ods", r"must end in \.csv or"),
        ("rows", "must end in"),
        ("no folder/rows.csv", "there is no folder"),
        ("folder.csv", "is a folder"),
    ],
)
def test_a_target_that_cannot_be_written_is_refused(
    name: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match=message):
        write_samples(generator(full()), tmp_path / name, 2, seed=0)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.csv"]


def test_parquet_is_written_in_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_samples(generator(full(), full(), full()), path, 6, seed=0)
    assert pq.ParquetFile(path).num_row_groups == 3
    assert pa.types.is_string(pq.read_schema(path).field("level").type)
