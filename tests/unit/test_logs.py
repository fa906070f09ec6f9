"""What is logged is a line of JSON with the ids that are known at that place, and no secret."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tabveil import logs, progress
from tabveil.surroundings import tell


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(logs.VARIABLE, str(tmp_path / "log.jsonl"))
    monkeypatch.delenv(logs.JOB, raising=False)
    return tmp_path / "log.jsonl"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_ids_stand_on_everything_inside_and_on_nothing_after(file: Path) -> None:
    with logs.bind(sweep="s", trial=3, study=None):
        with logs.bind(run="r"):
            logs.event("begins")
        logs.event("ends", utility=float("nan"))
    logs.event("over")
    inner, outer, after = lines(file)
    assert (inner["sweep"], inner["trial"], inner["run"]) == ("s", 3, "r")
    assert "study" not in inner
    assert "run" not in outer
    assert outer["utility"] is None
    assert not {"sweep", "trial", "run", "job"} & set(after)
    assert {"at", "level", "event", "host", "pid"} <= set(after)


def test_the_log_is_its_owners(file: Path) -> None:
    logs.event("begins")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_job_is_told_by_its_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.JOB, "f" * 32)
    logs.event("begins")
    assert lines(file)[0]["job"] == "f" * 32


def test_progress_is_logged_under_the_logs_own_names_but_not_each_epoch(file: Path) -> None:
    progress.note("trial", number=4, run_id="r", state="complete")
    progress.note("stage", name="trials")
    progress.now_and_then("epoch", number=4)(epoch=1)
    trial, stage = lines(file)
    assert (trial["trial"], trial["run"], trial["state"]) == (4, "r", "complete")
    assert stage["name"] == "trials"


def test_pythons_own_logging_ends_there_too_and_passwords_nowhere(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.Logger("tabveil.worker")
    logger.addHandler(logs.Handler())
    logger.warning("job %s was lost", "j", extra={"told": {"job": "j"}})
    tell("postgresql://me:secret@host/db does not answer")
    lost, away = lines(file)
    assert (lost["event"], lost["level"], lost["job"]) == ("tabveil.worker", "warning", "j")
    assert lost["message"] == "job j was lost"
    assert "secret" not in file.read_text(encoding="utf-8")
    assert away["message"] == "postgresql://me:***@host/db does not answer"
    assert "secret" not in capfd.readouterr().err


def test_lines_of_many_threads_do_not_mix(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: logs.event("x", i=i, text="y" * 500), range(200)))
    assert sorted(line["i"] for line in lines(file)) == list(range(200))


def test_standard_error_is_a_place_too_and_none_is_none(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(logs.VARIABLE, logs.STDERR)
    logs.event("seen")
    monkeypatch.delenv(logs.VARIABLE)
    logs.event("unseen")
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "seen"


def test_a_place_that_cannot_be_written_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(logs.VARIABLE, str(tmp_path / "missing" / "log.jsonl"))
    logs.event("lost")
