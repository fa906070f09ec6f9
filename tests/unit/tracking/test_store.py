from __future__ import annotations

import http.server
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tabveil.errors import ConfigError, TrackingError
from tabveil.tracking.registry import find_version, load_model, register
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import connect, open_tracking, prepare_store


@pytest.fixture
def not_mlflow() -> Iterator[str]:
    """A web server that knows no path."""

    class Nothing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_telemetry_is_off_before_mlflow_is_imported() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_looking_at_a_store_makes_nothing(tmp_path: Path) -> None:
    uri = open_tracking(None, root=tmp_path / "store")
    with pytest.raises(TrackingError, match="no tracking store at"):
        connect(uri)
    assert not list(tmp_path.iterdir())


def test_an_unreachable_server_is_said_within_seconds(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(TrackingError, match="no tracking server answers"):
        open_tracking("http://127.0.0.1:1/", root=tmp_path)
    assert time.monotonic() - start < 10
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_no_mlflow_is_told_apart(not_mlflow: str, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="404"):
        open_tracking(not_mlflow, root=tmp_path)


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/x", "ftp://host", ""])
def test_a_uri_that_mlflow_cannot_write_to_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tracking\.uri="):
        open_tracking(uri, root=tmp_path)


def test_an_unreachable_database_hides_the_password(tmp_path: Path) -> None:
    uri = "postgresql+psycopg2://me:secret@127.0.0.1:1/x"
    with pytest.raises(TrackingError) as caught:
        open_tracking(uri, root=tmp_path)
    assert "secret" not in str(caught.value)


def test_a_root_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / "store"
    with pytest.raises(TrackingError, match="could not open the tracking store"):
        prepare_store(open_tracking(None, root=root), "study", root=root)


def test_preparing_twice_gives_the_same_experiment(uri: str, root: Path) -> None:
    assert prepare_store(uri, "study", root=root) == prepare_store(uri, "study", root=root)
    assert prepare_store(uri, "another/ü", root=root) != prepare_store(uri, "study", root=root)


def test_a_deleted_experiment_is_named(uri: str, root: Path, experiment_id: str) -> None:
    connect(uri).delete_experiment(experiment_id)
    with pytest.raises(TrackingError, match="restore"):
        prepare_store(uri, "study", root=root)


def test_a_database_of_another_mlflow_is_told_apart(uri: str, root: Path, tmp_path: Path) -> None:
    with sqlite3.connect(root / "mlflow.db") as db:
        db.execute("UPDATE alembic_version SET version_num = 'of_the_future'")
    db.close()
    moved = root.rename(tmp_path / "future")  # MLflow keeps the stores it has opened by their URI
    with pytest.raises(TrackingError, match="another MLflow version"):
        prepare_store(open_tracking(None, root=moved), "study", root=moved)


def test_a_moved_store_keeps_its_artifacts_and_models(
    uri: str, root: Path, experiment_id: str, saved: Path, tmp_path: Path
) -> None:
    with Runs(uri, experiment_id).start_sweep("sweep", owner="host:1:1") as run:
        run.log_text("hello", "notes/a.txt")
    register(uri, run.run_id, saved, "rows", tags={"study": "s", "trial": 0})
    rows = load_model(uri, "models:/rows/1").sample(5, seed=3)

    moved = root.rename(tmp_path / "elsewhere")
    uri = open_tracking(None, root=moved)

    text = connect(uri).download_artifacts(run.run_id, "notes/a.txt", str(tmp_path))
    assert Path(text).read_text() == "hello"
    assert moved.as_uri() in find_version(uri, "models:/rows/1").place
    assert load_model(uri, "models:/rows/1").sample(5, seed=3).equals(rows)
    with Runs(uri, experiment_id).start_sweep("again", owner="host:1:1") as run:
        run.log_text("new", "b.txt")
    assert not root.exists()
