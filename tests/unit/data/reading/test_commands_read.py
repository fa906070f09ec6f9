"""Do the commands read whatever a table may be written in?"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from tabveil.cli import main
from tabveil.data.prepared import load_prepared

TABLE = pd.DataFrame({"age": [20 + i % 50 for i in range(80)], "sex": ["f", "m"] * 40})


@pytest.fixture
def places(tmp_path: Path) -> dict[str, list[str]]:
    """The same table, written in several ways, and how `inspect` is told of each."""
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    TABLE.to_csv(tmp_path / "t.csv.zst", index=False, sep=";", compression=None, encoding="utf-16")
    TABLE.to_json(tmp_path / "t.jsonl.gz", orient="records", lines=True)
    TABLE.to_parquet(tmp_path / "t.parquet")
    with sqlite3.connect(tmp_path / "t.db") as connection:
        TABLE.to_sql("people", connection, index=False)
    connection.close()
    names = ["t.csv", "t.csv.zst", "t.jsonl.gz", "t.parquet"]
    url = f"url=sqlite:///{tmp_path}/t.db"
    return {name: [f"path={tmp_path}/{name}"] for name in names} | {"t.db": [url, "query=people"]}


def test_inspect_reads_each_of_them(
    places: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words in places.items():
        assert main(["inspect", *words]) == 0
        shown = capsys.readouterr().out
        assert f"{name}: 80 rows, 2 columns" in shown
        assert "numeric" in shown


def test_inspect_asks_for_a_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect"]) == 2
    assert "name one source: a file by path=…" in capsys.readouterr().err


def test_inspect_takes_encoding_and_decimal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_bytes("name;fee\nJosé;1,234\nAnna;5,678\n".encode("mac-roman"))
    words = ["inspect", f"path={tmp_path}/t.csv"]
    assert main(words) == 2
    assert "set dataset.encoding" in capsys.readouterr().err
    assert main([*words, "encoding=mac-roman", "decimal=','"]) == 0
    assert "numbers written 1234,500" in capsys.readouterr().out
    assert main([*words, "decimal=5"]) == 2
    assert "decimal" in capsys.readouterr().err


def test_a_database_is_prepared_and_its_password_stands_nowhere(
    places: dict[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    monkeypatch.setenv("TABVEIL_DATASET_URL", url)
    words = ["dataset=sql", "dataset.name=clinic", "dataset.query=people", "split.release=0.2"]
    assert main(["prepare", *words, f"out={tmp_path}/prepared", f"root={tmp_path}/root"]) == 0
    about = load_prepared(tmp_path / "prepared").about
    assert (about.name, about.source) == ("clinic", "t.db")
    monkeypatch.setenv("TABVEIL_DATASET_URL", "postgresql+psycopg2://me:hush@127.0.0.1:9/clinic")
    assert main(["prepare", *words, f"root={tmp_path}/root"]) == 2
    assert main(["prepare", *words, "--cfg", "job"]) == 0
    captured = capsys.readouterr()
    assert "hush" not in captured.err + captured.out
    assert "cannot be opened" in captured.err


def test_a_database_without_its_url_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TABVEIL_DATASET_URL", raising=False)
    assert main(["prepare", "dataset=sql", "dataset.name=clinic", "dataset.query=people"]) == 2
    captured = capsys.readouterr()
    assert "TABVEIL_DATASET_URL" in captured.err
    assert captured.err.count("\n") == 1


def test_the_same_table_from_each_source_is_prepared_once(
    places: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = set()
    for i, name in enumerate(["t.csv", "t.csv.zst", "t.jsonl.gz", "t.parquet"]):
        words = ["dataset=csv", f"dataset.path={tmp_path}/{name}", f"out={tmp_path}/{i}"]
        assert main(["prepare", *words, f"root={tmp_path}/root"]) == 0
        digests.add(load_prepared(tmp_path / str(i)).about.digest)
    assert len(digests) == 1
    assert json.dumps(sorted(digests))
