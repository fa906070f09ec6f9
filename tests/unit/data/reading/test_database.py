from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.reading.bounds import Bounds
from tabveil.data.reading.database import read_query
from tabveil.data.reading.statement import as_select
from tabveil.data.tables import Place
from tabveil.errors import DataError

SECRET = "Mrs Jones"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A clinic with 25,000 patients."""
    connection = sqlite3.connect(tmp_path / "clinic.db")
    connection.execute("create table patients (id integer, name text, fee real, born text)")
    rows = [
        (i, f"n{i}", None if i == 7 else i / 4, f"2000-01-{1 + i % 28:02d}") for i in range(25_000)
    ]
    connection.executemany("insert into patients values (?, ?, ?, ?)", rows)
    connection.execute('create table "odd name" (v)')
    connection.executemany('insert into "odd name" values (?)', [(1,), (SECRET,)])
    connection.execute("create view old as select * from patients where id < 10")
    connection.commit()
    connection.close()
    return f"sqlite:///{tmp_path}/clinic.db"


def read(url: str, query: str) -> pd.DataFrame:
    return Place(url=url, query=query).open().table


@pytest.mark.parametrize("query", ["patients", "main.patients", "select * from patients;\n"])
def test_a_whole_table_is_read(url: str, query: str) -> None:
    table = read(url, query)
    assert table.shape == (25_000, 4)
    kinds = ["int64", "object", "float64", "datetime64[ns]"]
    assert table.dtypes.astype(str).tolist() == kinds
    assert table["fee"].isna().sum() == 1


def test_a_statement_is_read(url: str) -> None:
    assert len(read(url, "old")) == 10
    assert read(url, "SELECT count(*) AS n FROM patients")["n"].tolist() == [25_000]
    query = "with few as (select id from patients where id < 5) select * from few order by id desc"
    assert read(url, query)["id"].tolist() == [4, 3, 2, 1, 0]
    texts = read(url, "select '100%' as a, ':x; delete' as b -- ; drop table patients")
    assert texts.to_numpy().tolist() == [[100, ":x; delete"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("delete from patients", "neither a table's name nor a SELECT"),
        ("drop table patients", "neither"),
        ("pragma query_only = off", "neither"),
        ("odd name", "neither"),
        ("", "neither"),
        ("select 1; drop table patients", "several statements"),
        ("select 1 /* ; */; select 2", "several statements"),
        ("with x as (delete from patients returning *) select * from x", "holds DELETE"),
        ("select * into copy from patients", "holds INTO"),
        ("select * from patients for update", "holds UPDATE"),
        ("select 1 /*! into outfile 'x' */", "holds INTO"),
        ("select E'\\''; drop table patients; --'", "backslashes"),
        ("select $$ ' $$; drop table patients; select $$ ' $$", "backslashes before quotes and"),
        ("patient", "has no table 'patient'; it has: odd name, old, patients"),
        ("select nothing from patients", "the query failed with OperationalError"),
        ("select * from patients where 0", "holds no rows"),
        ("select 1 as a, 2 as a", "unique; repeated: a"),
        ("select x'00' as a", "row 1: 'a' holds bytes"),
        ('select * from "odd name"', "row 2: 'v' holds a text here and a number elsewhere"),
        ("select 1 as ''", "a column has no name"),
    ],
)
def test_a_query_that_does_not_only_read_a_table_is_refused(
    url: str, query: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(url, query)
    assert SECRET not in str(caught.value)
    assert len(read(url, "patients")) == 25_000


def test_the_database_itself_refuses_to_write(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabveil.data.reading.database.as_select", lambda query, _: query)
    with pytest.raises(DataError, match="the query failed"):
        read(url, "delete from patients returning id")
    monkeypatch.undo()
    assert len(read(url, "patients")) == 25_000


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("clinic.db", "no database URL"),
        ("nothing://host/clinic", "knows no database 'nothing'"),
        ("sqlite:///absent.db", "no file at absent.db"),
        ("sqlite:///.", "is a directory"),
        ("mysql+mysqldb://me:hush@host/clinic", "needs the Python package 'MySQLdb'"),
        ("postgresql+psycopg2://me:hush@127.0.0.1:9/clinic", "cannot be opened .OperationalError"),
        ("postgresql+psycopg2://me:hu/sh@host/clinic", "cannot be opened .OperationalError"),
        ("postgresql+psycopg2://me:hu@sh@host/clinic", "could not be hidden"),
        ("postgresql+psycopg2://me@host/clinic?password=hush", "among its parameters"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dhush", "among its parameters"),
    ],
)
def test_a_wrong_url_is_one_clear_error_without_the_password(url: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(url, "patients")
    text = str(caught.value)
    assert "hush" not in text
    assert "hu/sh" not in text
    assert "sh@" not in text
    assert "\n" not in text


def test_a_missing_database_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file at"):
        read(f"sqlite:///{tmp_path}/absent.db", "patients")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_and_a_parameter_that_is_none_are_refused(
    url: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="parameters that its driver does not know"):
        read(f"{url}?nonsense=1", "patients")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n" * 999)
    with pytest.raises(DataError, match="cannot be opened"):
        read(f"sqlite:///{tmp_path}/t.csv", "patients")


def test_an_answer_beyond_the_bounds_is_refused(url: str) -> None:
    for bounds, message in (
        (Bounds(rows=20_000), "more than 20,000 rows"),
        (Bounds(columns=3), "4 columns, more than 3"),
        (Bounds(field=4), "row 1001: a value of 'name' is longer than 4|'name'"),
    ):
        with pytest.raises(DataError, match=message):
            read_query(url, "patients", bounds=bounds)


def test_a_table_is_quoted_part_by_part() -> None:
    assert as_select(" public.Patients ", "<{}>".format) == "SELECT * FROM <public>.<Patients>"
