"""The Python client against a real server: what it gives, and what it refuses to believe."""

from __future__ import annotations

import socket
import threading
import time

import pandas as pd
import pytest
from web_server import BOB, ROWS, furnish

from tabveil.client import Client, CutShort, JobEnded, ServerProblem
from tabveil.client.arrived import check_whole
from tabveil.web.database import JOBS


def _set(server, job, **values):
    with server.service.database.begin() as connection:
        connection.execute(JOBS.update().where(JOBS.c.id == job).values(**values))


@pytest.fixture
def client(server):
    with server.client() as one:
        yield one


def test_a_table_is_brought_and_read(server, client, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("age\n1\n")
    upload = client.upload(path)
    assert (upload.name, upload.n_bytes) == ("people.csv", 6)
    with pytest.raises(ServerProblem) as early:
        client.schema(upload.id)
    assert early.value.status == 409
    with pytest.raises(TimeoutError):
        client.wait(upload.inspection, seconds=0)
    _set(server, upload.inspection, state="failed", message="no table")
    with pytest.raises(JobEnded, match="no table") as ended:
        client.wait(upload.inspection)
    assert ended.value.job.kind == "inspect"
    assert client.delete_upload(upload.id).state == "deleted"


def test_an_empty_file_is_refused_in_the_servers_words(client, tmp_path):
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ServerProblem, match="the file is empty"):
        client.upload(tmp_path / "empty.csv")


def test_sweep_confirmation_and_withdrawal_are_asked_for(server, client):
    mine = furnish(server.service, "ann")
    sweep = client.start_sweep(mine.upload, effort="glance", target="age", seed=3)
    assert (sweep.kind, sweep.order["target"], sweep.order["seed"]) == ("sweep", "age", 3)
    with pytest.raises(ServerProblem, match="no column 'cty'"):
        client.start_sweep(mine.upload, target="cty")
    assert client.confirm(mine.sweep, gate="small", trials=[0]).order["trials"] == [0]
    assert client.withdraw(mine.release, "an error in the table").kind == "withdraw"
    assert client.cancel(sweep.id).state == "cancelled"
    found = client.releases(job=mine.confirmation)
    assert [(one.id, one.released, one.risk) for one in found] == [(mine.release, True, 0.1)]


def test_a_job_is_followed_to_its_end(server, client):
    mine = furnish(server.service, "ann")
    events = list(client.follow(mine.sweep))
    assert [event.name for event in events] == ["job", "progress", "end"]
    assert events[-1].data["state"] == "done"
    assert client.progress(mine.sweep)["trials"][0]["state"] == "complete"


def test_rows_are_drawn_fetched_and_counted(server, client, tmp_path):
    mine = furnish(server.service, "ann")

    def worker():
        while (newest := server.service.jobs.all("ann", kind="sample")[0].id) == mine.rows:
            time.sleep(0.05)
        out = server.service.settings.job_folder(newest) / "out"
        (out / "rows.csv").write_text(ROWS)
        _set(server, newest, state="done")

    thread = threading.Thread(target=worker)
    thread.start()
    path = client.sample(mine.release, 2, tmp_path / "rows.csv", format="csv", seed=1)
    thread.join()
    assert path.read_text() == ROWS
    assert len(pd.read_csv(path)) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


def test_rows_that_are_fewer_than_announced_are_not_kept(server, client, tmp_path):
    mine = furnish(server.service, "ann")
    out = server.service.settings.job_folder(mine.rows) / "out"
    (out / "rows.csv").write_text("age,city\n31,Bonn\n")
    with pytest.raises(CutShort, match="2 rows were announced, 1 came"):
        client.rows(mine.rows, tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_every_format_are_counted(tmp_path):
    table = pd.DataFrame({"a": ["x\ny", 'say "hi"', "z"], "b": [1, 2, 3]})
    table.to_parquet(tmp_path / "rows.parquet")
    table.to_csv(tmp_path / "rows.csv", index=False)
    table.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    kinds = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv", "jsonl": "x/jsonl"}
    for ending, media_type in kinds.items():
        path = tmp_path / f"rows.{ending}"
        told = {"Content-Length": str(path.stat().st_size), "Content-Type": media_type}
        check_whole(path, told | {"X-Tabveil-Rows": "3"})
        with pytest.raises(CutShort):
            check_whole(path, told | {"X-Tabveil-Rows": "4"})
        path.write_bytes(path.read_bytes()[:-2])
        with pytest.raises(CutShort, match="bytes"):
            check_whole(path, told | {"X-Tabveil-Rows": "3"})


def test_a_connection_that_breaks_leaves_no_file(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))

    def cut():
        connection, _ = listener.accept()
        connection.recv(10_000)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Tabveil-Rows: 9\r\n"
            b"Content-Type: text/csv\r\n\r\nage\n1\n"
        )
        connection.close()

    thread = threading.Thread(target=cut)
    thread.start()
    with Client(f"http://127.0.0.1:{listener.getsockname()[1]}") as client, pytest.raises(CutShort):
        client.rows("0" * 32, tmp_path / "rows.csv")
    thread.join()
    listener.close()
    assert list(tmp_path.iterdir()) == []


def test_no_server_and_no_token_are_problems(server):
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServerProblem, match="reached"):
        client.releases()
    with Client(server.url, "wrong") as client, pytest.raises(ServerProblem) as refused:
        client.releases()
    assert refused.value.status == 401


def test_a_worker_reads_what_the_client_brings(server, tmp_path):
    from tabveil.web.worker import Worker

    worker = Worker(server.service)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        with server.client(BOB) as client:
            path = tmp_path / "people.csv"
            ages = "".join(f"{20 + i % 50},{'Rome' if i % 3 else 'Bonn'}\n" for i in range(300))
            path.write_text("age,city\n" + ages)
            upload = client.upload(path)
            events = [event.name for event in client.follow(upload.inspection)]
            assert client.wait(upload.inspection, seconds=60).state == "done"
            found = client.schema(upload.id)
            assert events[-1] == "end"
            assert found["n_rows"] == 300
            assert [column["kind"] for column in found["columns"]] == ["numeric", "categorical"]
            (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
            bad = client.upload(tmp_path / "bad.parquet")
            with pytest.raises(JobEnded, match="failed"):
                client.wait(bad.inspection, seconds=60)
    finally:
        worker.stopped.set()
        thread.join()
        for runner in worker._runners:  # they outlive the worker; not this test
            runner.wait()
