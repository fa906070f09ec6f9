"""Does today's code read what earlier versions wrote, and say clearly what newer ones did?

`scripts/make_golden.py` made the files, one folder a version. `before_revisions` holds databases
from before their tables had versions.
"""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import optuna
import pandas as pd
import pytest

from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, ConfigError, TrackingError
from tabveil.search.overview import overview
from tabveil.search.space import Dimension
from tabveil.search.study import Identity, load_study
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.models import load_generator
from tabveil.tracking.shards import shards_of, write_shard
from tabveil.web.database import EVENTS, JOBS, RELEASES, UPLOADS, Database

GOLDEN = Path(__file__).parents[1] / "golden_files"
ROW_NAMES = {"mail", "sex", "region", "insured", "enrolled", "visited", "weight", "plan"}
LEVELS = {"sex": {"f", "m"}, "plan": {"basic", "full", "none"}}


def found(pattern):
    paths = sorted(GOLDEN.glob(pattern))
    assert paths, f"no {pattern} in {GOLDEN}"
    return pytest.mark.parametrize("path", paths, ids=lambda p: str(p.relative_to(GOLDEN)))


@pytest.fixture
def copy(path, tmp_path):
    """Golden files are never written to."""
    if path.is_dir():
        return Path(shutil.copytree(path, tmp_path / path.name))
    return Path(shutil.copy(path, tmp_path))


def test_the_golden_files_are_small():
    assert sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file()) < 300_000


@found("*/*/meta.json")
def test_a_generator_loads_and_draws_rows_as_it_was_taught(path):
    generator = load_generator(path.parent)
    has_persons = path.parent.name.endswith("_persons")
    rows = generator.sample(300, seed=1)
    assert set(rows) == ROW_NAMES | ({"patient"} if has_persons else set())
    assert rows["mail"].str.contains("@").all()
    assert (rows["enrolled"] <= rows["visited"]).all()
    assert set(rows.loc[~rows["insured"], "plan"]) == {"none"}
    for name, levels in LEVELS.items():
        assert set(rows[name]) <= levels
    assert set(generator.sample(20, seed=2, where={"sex": "f"})["sex"]) == {"f"}
    if has_persons:
        assert (rows.groupby("patient")[["sex", "enrolled", "mail"]].nunique() == 1).all(axis=None)
        assert rows["mail"].nunique() == rows["patient"].nunique() > 100
    else:
        assert rows["mail"].is_unique


@found("*/*_persons/meta.json")
def test_persons_of_two_shards_are_different_ones(path, tmp_path):
    generator, shards = load_generator(path.parent), shards_of(600, 300)
    for shard in shards:
        write_shard(generator, tmp_path, shard, seed=1)
    first, second = (pd.read_parquet(tmp_path / shard.file) for shard in shards)
    assert len(first) == len(second) == 300
    for name in ("patient", "mail"):
        assert not set(first[name]) & set(second[name])
    assert (second.groupby("patient")["mail"].nunique() == 1).all()
    assert not first["weight"].equals(second["weight"])


@found("*/schema.json")
def test_a_schema_is_read(path):
    schema = Schema.from_json(path.read_text(encoding="utf-8"))
    assert set(schema.names) == ROW_NAMES | {"patient"}
    assert (schema.target, schema.group) == ("plan", "patient")


@found("*/ledger.db")
def test_a_ledger_keeps_its_lines_and_takes_more(path, copy):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT * FROM tabveil_ledger ORDER BY id").fetchall()
    ledger = Ledger(f"sqlite:///{copy}")
    told = [
        (x.number, x.at, x.event, x.who, x.data_digest, x.model, dict(x.detail))
        for x in ledger.lines()
    ]
    assert told == [(*row[:-1], json.loads(row[-1])) for row in before]
    assert "größe/1" in {line.model for line in ledger.lines(event="sample")}
    ledger.append(Line("sample", "b", "new/1"))
    assert [line.number for line in ledger.lines()] == [*range(1, len(before) + 2)]


@found("*/web.db")
def test_a_web_database_keeps_its_rows(path, copy):
    database = Database.at(f"sqlite:///{copy}")
    ((upload,), (job,), (release,), (event,)) = (
        database.rows(table.select()) for table in (UPLOADS, JOBS, RELEASES, EVENTS)
    )
    assert upload["name"] == "größe.csv"
    assert (job["state"], job["owner"]) == ("done", "host:1:1.00")
    assert job["created"].isoformat() == "2026-01-02T03:04:05+00:00"
    assert (release["model"], release["told"]) == ("größe", {"utility": 0.5})
    assert (event["action"], event["detail"]) == ("upload", {"n_bytes": 100})
    database.engine.dispose()


@found("*/studies.db")
def test_a_study_is_read(path, copy):
    (state,) = overview(f"sqlite:///{copy}")
    assert {state: n for state, n in state.states.items() if n} == {"complete": 3, "failed": 1}
    assert (state.utility, state.risk) == (0.2, pytest.approx(0.2))
    space = {"epochs": Dimension("int", 1, 9), "pac": Dimension("choice", choices=(1, 2))}
    identity = Identity(space, "a" * 64, {"synthesizer.pac": 1})
    study = load_study("study", f"sqlite:///{copy}", identity)
    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    assert [trial.values[0] for trial in complete] == [0, 0.1, 0.2]


def newest(name):
    return max(GOLDEN.glob(f"*/{name}"), key=lambda path: path.parent.name != "before_revisions")


@pytest.mark.parametrize("file", ["meta.json", "synthesizer/meta.json"])
def test_a_newer_generator_is_one_clear_error(file, tmp_path):
    copy = Path(shutil.copytree(newest("marginals"), tmp_path / "generator"))
    told = json.loads((copy / file).read_text())
    (copy / file).write_text(json.dumps(told | {"format": 99}))
    if file != "meta.json":  # as a newer tabveil would have written it
        from tabveil.tracking.models import _digests

        meta = json.loads((copy / "meta.json").read_text())
        (copy / "meta.json").write_text(json.dumps(meta | {"files": _digests(copy)}))
    with pytest.raises(ArtifactError, match="made by a newer tabveil") as caught:
        load_generator(copy)
    assert "\n" not in str(caught.value)


def test_newer_databases_are_one_clear_error_and_stay_as_they_are(tmp_path):
    for name, open_it, error in (
        ("ledger", lambda url: Ledger(url).lines(), TrackingError),
        ("web", Database.at, ConfigError),
    ):
        copy = Path(shutil.copy(newest(f"{name}.db"), tmp_path))
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute(f"UPDATE tabveil_{name}_version SET version_num = '9999'")
            connection.commit()
        with pytest.raises(error, match="made by a newer tabveil") as caught:
            open_it(f"sqlite:///{copy}")
        assert "\n" not in str(caught.value)
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            version = connection.execute(f"SELECT version_num FROM tabveil_{name}_version")
            assert version.fetchall() == [("9999",)]
