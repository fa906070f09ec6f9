from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tabveil.errors import ConfigError, TrackingError
from tabveil.tracking.embedded import check_database, database_of, embedded_uri, relocate


def test_a_uri_names_its_database_and_back(tmp_path: Path) -> None:
    assert database_of(embedded_uri(tmp_path)) == tmp_path / "mlflow.db"


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite://", "sqlite:///:memory:", "sqlite:///a?b"])
def test_a_uri_without_a_file_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="FOLDER"):
        database_of(uri)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.write_text("not a database, but long enough to be looked at as one " * 20)
    before = database.read_bytes()
    with pytest.raises(TrackingError, match="cannot be used as a tracking store"):
        check_database(database)
    assert database.read_bytes() == before


def test_only_places_under_the_recorded_folder_are_rewritten(tmp_path: Path) -> None:
    old, new = "file:///old", tmp_path.as_uri()
    with sqlite3.connect(tmp_path / "mlflow.db") as db:
        db.execute("CREATE TABLE experiments (artifact_location)")
        db.execute("CREATE TABLE experiment_tags (key, value)")
        db.execute("CREATE TABLE runs (artifact_uri)")
        db.execute("CREATE TABLE logged_models (artifact_location)")
        db.execute("CREATE TABLE model_versions (source, storage_location)")
        db.execute("INSERT INTO experiment_tags VALUES ('tabveil.root', ?)", (old,))
        places = [f"{old}/mlartifacts/x", f"{old}er/mlartifacts/x", "s3://bucket/x", None]
        db.executemany("INSERT INTO runs VALUES (?)", [(place,) for place in places])
    db.close()

    assert relocate(tmp_path / "mlflow.db")
    assert not relocate(tmp_path / "mlflow.db")

    db = sqlite3.connect(tmp_path / "mlflow.db")
    found = [place for (place,) in db.execute("SELECT artifact_uri FROM runs")]
    db.close()
    assert found == [f"{new}/mlartifacts/x", *places[1:]]
