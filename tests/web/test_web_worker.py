"""Does a job come through whatever dies: runner, command, worker?

Real runners and real commands; `reading` jobs, because they take seconds.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import processes
import psutil
import pytest
from servers import Postgres
from test_web_orders import receive
from web_server import settings_at

from tabveil.logs import VARIABLE
from tabveil.web import worker as worker_module
from tabveil.web.database import JOBS, UPLOADS, now
from tabveil.web.jobs import MOST_TRIES, SILENCE, Job
from tabveil.web.orders import SweepOrder
from tabveil.web.service import Service
from tabveil.web.worker import Worker

TABLE = "age,city\n" + "".join(f"{20 + i % 50},{'Rome' if i % 3 else 'Bonn'}\n" for i in range(400))


MADE: list[Worker] = []


def new_worker(service: Service) -> Worker:
    MADE.append(Worker(service))
    return MADE[-1]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service.open(settings_at(tmp_path))
    yield service
    for process in runners(service):
        process.kill()
    while MADE:
        for runner in MADE.pop()._runners:
            runner.wait(20)
    service.database.engine.dispose()


def runners(service: Service) -> list[psutil.Process]:
    """What works for this service: runners, and the commands that they started."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = " ".join(process.info["cmdline"] or [])
        if "tabveil" in words and (
            str(service.settings.root) in words
            or str(service.settings.root) in str(process.info["environ"] or "")
        ):
            found.append(process)
    return found


def until(service: Service, worker: Worker, done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, [(j.kind, j.state) for j in service.jobs.all("ann")]
        worker.once()
        time.sleep(0.2)


def job(service: Service, number: str) -> Job:
    return service.jobs.get("ann", number)


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[Service]:
    database = Postgres()
    service = Service.open(replace(settings_at(tmp_path), database=database.url()))
    try:
        yield service
    finally:
        service.database.engine.dispose()
        database.remove()


def test_postgresql_holds_jobs_and_times_their_hearts(
    on_postgres: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = now() + timedelta(hours=1)  # this machine's clock does not matter
    monkeypatch.setattr("tabveil.web.database.now", lambda: wrong)
    monkeypatch.setattr(worker_module, "now", lambda: wrong)
    upload = receive(on_postgres, TABLE.encode())
    worker = new_worker(on_postgres)
    until(on_postgres, worker, lambda: job(on_postgres, upload.inspection).has_ended)
    ended = job(on_postgres, upload.inspection)
    assert (ended.state, ended.exit_code) == ("done", 0)
    values = {"state": "running", "tries": MOST_TRIES}
    for silence, state in ((SILENCE / 2, "running"), (2 * SILENCE, "lost")):
        heartbeat = on_postgres.database.clock(ago=silence)
        with on_postgres.database.begin() as connection:
            connection.execute(JOBS.update().values(**values, heartbeat=heartbeat))
        worker.once()  # the first look after a pause leaves hearts the time to beat
        worker.once()
        assert job(on_postgres, upload.inspection).state == state
    for runner in MADE.pop()._runners:
        runner.wait(20)


def test_a_table_is_read_by_a_process_of_its_own(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "log.jsonl"))
    upload = receive(service, TABLE.encode())
    worker = new_worker(service)
    until(service, worker, lambda: job(service, upload.inspection).has_ended)
    ended = job(service, upload.inspection)
    assert (ended.state, ended.exit_code, ended.message) == ("done", 0, "")
    found = service.uploads.inspection("ann", upload.id)
    assert found is not None
    assert (found["n_rows"], [c["kind"] for c in found["columns"]]) == (
        400,
        ["numeric", "categorical"],
    )
    assert found["head"][0] == ["20", "Bonn"]
    assert len(found["head"]) == 20
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    told = [(line["event"], line["job"]) for line in lines if line["event"] != "stage"]
    expected = ["command begins", "command ended", "job ended"]
    assert told == [(event, upload.inspection) for event in expected]


def test_a_table_that_cannot_be_read_says_why_in_a_line(service: Service) -> None:
    upload = receive(service, b"age,city\n1,2,3\n")
    until(service, new_worker(service), lambda: job(service, upload.inspection).has_ended)
    ended = job(service, upload.inspection)
    assert (ended.state, ended.exit_code) == ("failed", 2)
    assert "line 2" in ended.message


def test_reading_may_not_take_all_memory(service: Service) -> None:
    """The limit holds for the command, not for the server."""
    mean = replace(service, settings=replace(service.settings, memory_bytes=200_000_000))
    upload = receive(mean, TABLE.encode())
    until(mean, new_worker(mean), lambda: job(service, upload.inspection).has_ended)
    assert job(service, upload.inspection).state == "failed"


def a_sweep(service: Service, worker: Worker, trials: int) -> str:
    rows = "".join(f"{20 + i % 50},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(2000))
    upload = receive(service, b"age,visits,sick\n" + rows.encode())
    until(service, worker, lambda: job(service, upload.inspection).has_ended)
    asked = SweepOrder(upload=upload.id, effort="glance", trials=trials)
    return service.jobs.create("ann", asked).id


@pytest.mark.slow
def test_a_sweep_goes_on_when_runner_and_command_are_killed_and_keeps_its_trials(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the machine dies: nothing is left but what was written down."""
    monkeypatch.setattr(worker_module, "SILENCE", timedelta(seconds=6))
    worker = new_worker(service)
    sweep = a_sweep(service, worker, trials=3)
    first = lambda: len(service.jobs.progress(job(service, sweep)).trials) >= 1  # noqa: E731
    until(service, worker, first)
    for process in runners(service):
        os.kill(process.pid, signal.SIGKILL)
    kept = service.jobs.progress(job(service, sweep)).trials[0]
    again = new_worker(service)
    until(service, again, lambda: job(service, sweep).tries == 2)
    until(service, again, lambda: job(service, sweep).has_ended)
    ended = job(service, sweep)
    assert (ended.state, ended.message) == ("done", "")
    trials = service.jobs.progress(ended).trials
    assert sum(trial.state == "complete" for trial in trials) == 3
    (same,) = [trial for trial in trials if trial.number == kept.number]
    assert (same.utility, same.run_id) == (pytest.approx(kept.utility), kept.run_id)


@pytest.mark.slow
def test_a_command_outlives_its_worker_and_a_cancelled_one_ends_and_can_go_on(
    service: Service,
) -> None:
    worker = new_worker(service)
    sweep = a_sweep(service, worker, trials=50)
    until(service, worker, lambda: bool(service.jobs.progress(job(service, sweep)).trials))
    # from here on nobody claims or watches
    before = job(service, sweep).heartbeat
    assert before is not None
    assert processes.until(lambda: (job(service, sweep).heartbeat or before) > before)
    service.jobs.cancel("ann", sweep)
    assert processes.until(lambda: job(service, sweep).has_ended)
    ended = job(service, sweep)
    assert (ended.state, ended.message) == ("cancelled", "cancelled")
    assert ended.exit_code == 130  # by itself, with all that it had tidied up
    assert processes.all_end(runners(service))
    assert service.jobs.progress(ended).trials
    service.jobs.resume("ann", sweep)
    resumed = new_worker(service)
    until(service, resumed, lambda: job(service, sweep).state == "running")
    service.jobs.cancel("ann", sweep)
    until(service, resumed, lambda: job(service, sweep).has_ended)


def test_what_is_lost_too_often_waits_for_a_person(service: Service) -> None:
    upload = receive(service, TABLE.encode())
    long_ago = now() - timedelta(hours=1)
    with service.database.begin() as connection:
        this = JOBS.update().where(JOBS.c.id == upload.inspection)
        values: dict[str, Any] = {"state": "running", "heartbeat": long_ago, "tries": MOST_TRIES}
        connection.execute(this.values(**values, owner="gone"))
    new_worker(service).once()
    lost = job(service, upload.inspection)
    assert (lost.state, lost.message) == ("lost", "the machine, or its process, died")
    assert service.jobs.resume("ann", upload.inspection).state == "queued"


def test_two_workers_never_start_one_job_twice_nor_more_than_may_run(service: Service) -> None:
    for _ in range(3):
        receive(service, TABLE.encode())
    workers = [new_worker(service), new_worker(service)]
    claimed = [one._claim("short", 1) for one in workers]
    assert sum(one is not None for one in claimed) == 1
    assert [job.state for job in service.jobs.all("ann")].count("running") == 1


def test_old_tables_are_deleted(service: Service) -> None:
    keeping = replace(service, settings=replace(service.settings, keep_days=7))
    old, new = receive(keeping, TABLE.encode()), receive(keeping, TABLE.encode())
    for one in keeping.jobs.all("ann"):
        keeping.jobs.cancel("ann", one.id)
    with keeping.database.begin() as connection:
        this = UPLOADS.update().where(UPLOADS.c.id == old.id)
        connection.execute(this.values(created=now() - timedelta(days=8)))
    worker_module.forget_old(keeping)
    assert [one.id for one in keeping.uploads.all("ann")] == [new.id]
    assert json.dumps([e.action for e in keeping.events.all("ann")]).count("delete upload") == 1
