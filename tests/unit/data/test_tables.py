from __future__ import annotations

import datetime
import gzip
import pickle
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tabveil.data.opening import Wishes
from tabveil.data.tables import Place, digest, read_table
from tabveil.errors import DataError

SECRET = "Mrs Jones"


def write(folder: Path, content: bytes | str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n"])
def test_a_csv_is_read_whatever_its_delimiter(tmp_path: Path, delimiter: str, start: str) -> None:
    text = '"a, b",größe\r\n0.1,"x\ny"\r\n,z\r\n'.replace(",", delimiter)
    table = read_table(write(tmp_path, start + text))
    expected = pd.DataFrame({f"a{delimiter} b": [0.1, np.nan], "größe": ["x\ny", "z"]})
    pd.testing.assert_frame_equal(table, expected)


def test_a_gzipped_csv_and_a_parquet_file_give_the_same_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2], "x": [0.1, None], "t": ["a", "b"], "b": [True, False]})
    csv, parquet = tmp_path / "t.csv.gz", tmp_path / "t.parquet"
    table.to_csv(csv, index=False)
    table.to_parquet(parquet)
    pd.testing.assert_frame_equal(read_table(csv), table)
    pd.testing.assert_frame_equal(read_table(parquet), table)
    csv.rename(tmp_path / "t.dat")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.dat", format="csv"), table)


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": np.random.default_rng(0).lognormal(0, 9, 500)})
    table.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table, check_exact=True)


def test_iso_dates_become_dates_and_what_only_looks_like_them_stays_text(tmp_path: Path) -> None:
    text = (
        "day,time,zone,mixed,impossible,far\n"
        "2020-01-02,2020-01-02T03:04:05.5,2020-01-02T00:00+02:00,2020-01-02,2020-02-30,2020-01-01\n"
        ",2020-01-02T03:04:05.1,2020-01-02T00:00+00:00,unknown,2020-01-01,9999-12-31\n"
    )
    table = read_table(write(tmp_path, text))
    dtypes = table.dtypes.astype(str).tolist()
    assert dtypes[:3] == ["datetime64[ns]", "datetime64[ns]", "datetime64[ns, UTC]"]
    assert dtypes[3:] == ["object", "object", "datetime64[s]"]
    assert table["day"].isna().tolist() == [False, True]
    assert table["time"][0] == pd.Timestamp("2020-01-02T03:04:05.5")
    assert table["zone"][0] == pd.Timestamp("2020-01-01T22:00", tz="UTC")


def test_parquet_types_that_pandas_keeps_as_objects_become_plain(tmp_path: Path) -> None:
    columns = {
        "decimal": [Decimal("1.50"), None],
        "date": [datetime.date(2020, 1, 2), None],
        "text date": ["2020-01-02", None],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert [dtype.kind for dtype in table.dtypes] == ["f", "M", "M"]


def test_a_folder_name_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "year=2020"
    folder.mkdir()
    pd.DataFrame({"x": [1.5]}).to_parquet(folder / "t.parquet")
    assert read_table(folder / "t.parquet").columns.tolist() == ["x"]


def test_a_named_index_in_a_parquet_file_is_a_column(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index(["a", "b"], name="who"))
    table.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").columns.tolist() == ["x", "who"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b,a\n1,2,3\n", "unique; repeated: a"),
        (f"a,b\n1,2\n1,2,{SECRET}\n", "line 3: 3 values under 2"),
        (f"a,b\n1,2\n{SECRET}\n", "line 3: 1 values under 2"),
        (f"a,b\n1,2,{SECRET}\n1,2,3\n", "line 2: 3 values under 2"),
        (f'a,b\n1,"{SECRET}\n', "line 2: a quote opens"),
        (bytes(range(256)) * 9, "binary file"),
        ("a,b\n1,\0\n", "binary file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "not UTF-8|binary file"),
        (pickle.dumps([1.5] * 99), "not UTF-8|binary file"),
        ("name,x\nJosé,1\n".encode("mac-roman"), "line 2: not UTF-8"),
        ("name,x\nAnna,1\n".encode("utf-16-le"), "dataset.encoding=utf-16-le"),
        # mtime: without, the file and so the test's name would hold the second it was made in.
        (gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:30], "damaged gzip"),
        (b"\x1f\x8b" + b"nonsense" * 9, "damaged gzip"),
    ],
)
def test_a_bad_csv_gets_one_clear_message(
    tmp_path: Path, content: bytes | str, message: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_path_that_is_no_table_gets_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file at"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="is a directory"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"known: \.csv, .*set dataset\.format"):
        read_table(write(tmp_path, "a\n1\n", "t.xyz"))
    with pytest.raises(DataError, match="'json' is not known"):
        read_table(write(tmp_path, "a\n1\n"), format="json")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table(write(tmp_path, "a\n1\n", "t.parquet"))
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table(write(tmp_path, "", "t.parquet"))


def test_a_parquet_file_that_cannot_be_modelled_gets_one_clear_message(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    for table, message in (
        (pa.table({"l": [[1, 2]]}), "'l' holds list"),
        (pa.table({"b": [b"\x00"]}), "'b' holds binary"),
        (
            pa.table({"p": pd.period_range("2020-01", periods=2, freq="M")}),
            "'p' holds pandas.period",
        ),
        (pa.table({"a": pa.array([], pa.int64())}), "no rows"),
        (twice, "unique; repeated: a"),
    ):
        pq.write_table(table, path)
        with pytest.raises(DataError, match=message):
            read_table(path)


def test_a_place_is_a_file_or_a_database(tmp_path: Path) -> None:
    path = write(tmp_path, "a;b\n1,5;é\n".encode("cp1252"))
    table = Place(path=path, encoding="cp1252").open(Wishes(decimal=",")).table
    assert table.to_dict("list") == {"a": [1.5], "b": ["é"]}
    assert Place(path=path).title == "t.csv"
    for place in (Place(), Place(path=path, url="sqlite://", query="t")):
        with pytest.raises(DataError, match="name one source"):
            place.open()
    for place in (Place(path=path, query="t"), Place(url="sqlite://")):
        with pytest.raises(DataError, match="belong together"):
            place.open()


def test_a_place_in_a_database_is_called_by_the_database_alone() -> None:
    assert Place(url="postgresql+psycopg2://me:secret@h/clinic", query="t").title == "clinic"
    assert Place(url="sqlite:////data/clinic.db", query="t").title == "clinic.db"
    assert Place(url="sqlite://", query="t").title == "database"


def test_the_same_rows_are_the_same_table_whatever_they_are_written_in(tmp_path: Path) -> None:
    table = pd.DataFrame({"n": [1, 2], "x": [0.1, None], "t": ["a", None], "b": [True, False]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_csv(tmp_path / "t.tsv", index=False, sep="\t", encoding="utf-16")
    table.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    table.to_parquet(tmp_path / "t.parquet")
    with sa.create_engine(f"sqlite:///{tmp_path}/t.db").begin() as connection:
        table.to_sql("t", connection, index=False)
    made = [read_table(tmp_path / f"t.{end}") for end in ("csv", "tsv", "jsonl", "parquet")]
    assert {digest(each) for each in made} == {digest(table)}
    # SQLite has no truth values.
    from_sql = Place(url=f"sqlite:///{tmp_path}/t.db", query="t").open().table
    assert digest(from_sql.astype({"b": bool})) == digest(table)


TABLE = pd.DataFrame(
    {"x": [1.5, None, -0.25], "n": [1, 2, 3], "t": ["a", None, "ä"], "b": [True, False, True]}
)


def test_the_digest_is_known() -> None:
    assert digest(TABLE) == "08392600ff82d2d50e09603dbfff11e30245b63e9793639e38573e51689d34a4"


def test_the_digest_is_of_contents_not_of_the_index() -> None:
    assert digest(TABLE.set_index(pd.Index([5, 6, 7]))) == digest(TABLE)


@pytest.mark.parametrize(
    "changed",
    [
        TABLE.assign(x=[1.5, None, -0.250001]),
        TABLE.assign(t=["a", "", "ä"]),
        TABLE.assign(n=TABLE["n"].astype("int32")),
        TABLE.assign(t=TABLE["t"].astype("category")),
        TABLE.rename(columns={"x": "y"}),
        TABLE[["n", "x", "t", "b"]],
        TABLE.rename(columns={"x": "n", "n": "x"}),
        TABLE.iloc[[1, 0, 2]],
        TABLE.head(2),
        TABLE.drop(columns="b"),
    ],
)
def test_any_change_of_contents_changes_the_digest(changed: pd.DataFrame) -> None:
    assert digest(changed) != digest(TABLE)
