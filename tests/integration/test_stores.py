"""`stores=team` in one place, by the environment; its passwords are written nowhere."""

import os
import subprocess

import pytest
from drivers import CHAOS
from servers import Postgres, mlflow_server

from conftest import ROOT, TABVEIL, tabveil

HUSH = "hush%2Fhush%40hush"
"""A password with what separates the parts of a URL in it."""


@pytest.fixture
def stores(tmp_path):
    database = Postgres()
    server = mlflow_server(tmp_path / "mlflow", database=database.create("mlflow"))
    try:
        yield database, server
    finally:
        server.stop()
        database.remove()


def run(*words, env):
    return subprocess.run(
        [*TABVEIL, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )


def holds(folder):
    """The files below a folder in which the password stands."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and (b"hush" in path.read_bytes() or "hush" in path.name)
    ]


@pytest.mark.slow
def test_a_team_writes_to_its_stores_and_no_password_is_written_anywhere(tmp_path, randhie, stores):
    database, server = stores
    env = {
        "TABVEIL_DATABASE": database.url(password=HUSH),
        "TABVEIL_TRACKING": server.url.replace("//", "//me:hush@"),
    }
    root = tmp_path / "store"
    words = [*CHAOS, "stores=team", "sweep.trials=1", f"root={root}"]
    shown = run("sweep", *words, "--cfg", "job", env=env)
    assert "storage: postgresql+psycopg2://tabveil:***@127.0.0.1" in shown.stdout
    swept = run("sweep", *words, env=env)
    assert swept.returncode == 0, swept.stderr
    assert "stores=team" in swept.stdout.splitlines()[-1]
    refused = run("confirm", *words, "confirm.trials=[7]", env=env)
    assert refused.returncode == 2
    noted = run("ledger", "stores=team", f"root={root}", env=env)
    assert noted.returncode == 0, noted.stderr
    assert not (root / "studies.db").exists()
    assert not (root / "ledger.db").exists()
    assert not (root / "mlflow.db").exists()
    dumps = [database.dump(), database.dump("mlflow")]
    assert "sweep.storage" in dumps[1]
    assert "COMPLETE" in dumps[0]
    assert "tabveil_ledger" in dumps[0]
    database.stop()
    away = run("ledger", "stores=team", f"root={root}", env=env)
    closed = run("sweep", *words, env={**env, "TABVEIL_PATIENCE": "1"})
    assert (away.returncode, closed.returncode) == (1, 2), away.stderr + closed.stderr
    database.start()
    for done in (shown, swept, refused, noted, away, closed):
        assert "hush" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert not [text for text in dumps if "hush" in text]
    assert not holds(root)
    assert not holds(tmp_path / "mlflow" / "artifacts")


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        ("sweep", {}, "TABVEIL_DATABASE"),
        ("sweep", {"TABVEIL_DATABASE": "postgresql://h/d"}, "TABVEIL_TRACKING"),
        ("serve", {}, "TABVEIL_DATABASE"),
    ],
)
def test_a_variable_that_is_not_set_is_named(command, given, missing, monkeypatch, capsys):
    from tabveil.cli import main

    for name in ("TABVEIL_DATABASE", "TABVEIL_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert main([command, "stores=team"]) == 2
    assert f"the environment variable {missing} is not set" in capsys.readouterr().err


def test_without_a_word_everything_is_as_it_was(tmp_path):
    shown = tabveil("sweep", "--cfg", "job").stdout
    assert "uri: null" in shown
    assert "storage: null" in shown
    assert "url: null" in shown
