"""The API says what the service does: uploads, jobs, rows, events, counters, its description."""

from __future__ import annotations

import json

import psutil
import pytest
import requests
from processes import CAP, until
from web_server import ANN, ROWS, furnish

from tabveil.web.api import job_stream
from tabveil.web.database import JOBS

TABLE = b"age,city\n30,Rome\n"


def _set(server, job, **values):
    with server.service.database.begin() as connection:
        connection.execute(JOBS.update().where(JOBS.c.id == job).values(**values))


def test_a_table_comes_in_is_listed_and_goes(server):
    told = server.ask("PUT", "/api/v1/uploads?name=../x/péople.csv", data=TABLE).json()
    assert (told["name"], told["format"], told["n_bytes"]) == ("péople.csv", "csv", len(TABLE))
    assert "user" not in told
    assert told in server.ask("GET", "/api/v1/uploads").json()
    reading = server.ask("GET", f"/api/v1/uploads/{told['id']}/schema")
    assert (reading.status_code, reading.json()["detail"]) == (409, "the table is being read")
    assert server.ask("DELETE", f"/api/v1/uploads/{told['id']}").status_code == 409
    server.ask("POST", f"/api/v1/jobs/{told['inspection']}/cancel")
    gone = server.ask("DELETE", f"/api/v1/uploads/{told['id']}").json()
    assert gone["state"] == "deleted"
    assert not server.service.settings.upload_folder(told["id"]).exists()


def test_a_table_that_cannot_be_read_says_why(server):
    told = server.ask("PUT", "/api/v1/uploads?name=a.csv", data=TABLE).json()
    _set(server, told["inspection"], state="failed", message="line 3 has 4 fields")
    answer = server.ask("GET", f"/api/v1/uploads/{told['id']}/schema")
    assert (answer.status_code, answer.json()["detail"]) == (422, "line 3 has 4 fields")


@pytest.mark.parametrize(
    ("query", "more", "status"),
    [
        ("", {}, 422),
        ("?name=", {}, 422),
        ("?name=a.exe", {}, 422),
        ("?name=" + "a" * 300 + ".csv", {}, 422),
        ("?name=a.csv", {"data": b""}, 422),
        ("?name=a.csv", {"headers": {"Content-Encoding": "gzip"}}, 415),
    ],
)
def test_uploads_that_are_refused_leave_nothing(server, query, more, status):
    before = server.service.uploads.all("ann")
    answer = server.ask("PUT", f"/api/v1/uploads{query}", **({"data": TABLE} | more))
    assert answer.status_code == status
    assert server.service.uploads.all("ann") == before
    known = {one.id for user in ("ann", "bob") for one in server.service.uploads.all(user)}
    folders = server.service.settings.upload_folder("x").parent.iterdir()
    assert {folder.name for folder in folders} <= known


def test_a_large_upload_does_not_go_through_memory(changed_server):
    with changed_server(max_upload_bytes=300_000_000) as running:
        chunk = b"1234567,abcdefg\n" * 65_536
        before = psutil.Process().memory_info().rss
        seen = []

        def body():
            for _ in range(200):
                seen.append(psutil.Process().memory_info().rss)
                yield chunk

        told = running.ask("PUT", "/api/v1/uploads?name=a.csv", data=body()).json()
        assert told["n_bytes"] == 200 * len(chunk)
        assert max(seen) - before < 60_000_000


def test_rows_are_one_whole_file_that_says_how_many_they_are(server):
    rows = furnish(server.service, "ann").rows
    answer = server.ask("GET", f"/api/v1/jobs/{rows}/rows", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.text) == (200, ROWS)
    assert answer.headers["X-Tabveil-Rows"] == "2"
    assert answer.headers["Content-Length"] == str(len(ROWS))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    head = server.ask("HEAD", f"/api/v1/jobs/{rows}/rows")
    assert (head.status_code, head.content) == (200, b"")
    same = ("Content-Length", "X-Tabveil-Rows", "Content-Disposition", "Content-Type")
    assert [head.headers[name] for name in same] == [answer.headers[name] for name in same]
    noted = [one["action"] for one in server.ask("GET", "/api/v1/events").json()]
    assert noted.count("download rows") == 1


def test_rows_that_are_not_there_are_a_conflict(server):
    mine = furnish(server.service, "ann")
    _set(server, mine.rows, state="running")
    assert server.ask("GET", f"/api/v1/jobs/{mine.rows}/rows").status_code == 409
    assert server.ask("GET", f"/api/v1/jobs/{mine.sweep}/rows").status_code == 404


def test_a_sample_is_asked_for_by_its_release(server):
    release = furnish(server.service, "ann").release
    path = f"/api/v1/releases/{release}/samples"
    job = server.ask("POST", path, json={"n": 5, "where": {"city": "Rome"}}).json()
    assert (job["kind"], job["release"], job["order"]["n"]) == ("sample", release, 5)
    assert job["command"][0] == "sample"
    for body in ({}, {"n": 0}, {"n": 1, "release": release}, {"n": 1, "format": "xls"}):
        assert server.ask("POST", path, json=body).status_code == 422
    assert server.ask("POST", path, json={"n": 100_001}).status_code == 422


def test_a_report_is_shown_in_a_box_of_its_own(server):
    release = furnish(server.service, "ann").release
    answer = server.ask("GET", f"/api/v1/releases/{release}/report")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_ledger_is_read_and_not_made(changed_server):
    with changed_server() as server:
        assert server.ask("GET", "/api/v1/ledger").json() == []
        assert not server.service.settings.root_of("ann").exists()
        from tabveil.tracking.ledger import Ledger, Line

        root = server.service.settings.root_of("ann")
        for n in (1, 2):
            Ledger.at(None, root=root).append(Line("sample", "d", f"table/{n}", {"n": n}))
        lines = server.ask("GET", "/api/v1/ledger?n=1").json()
        assert [(line["model"], line["detail"]) for line in lines] == [("table/2", {"n": 2})]


def test_a_stream_tells_each_change_once_and_ends_with_the_job(server, monkeypatch):
    monkeypatch.setattr(job_stream, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(job_stream, "HEARTBEAT_SECONDS", 0.2)
    sweep = furnish(server.service, "ann").sweep
    _set(server, sweep, state="running")

    def learn():
        progress = server.service.settings.job_folder(sweep) / "progress.jsonl"
        losses = [{"event": "epoch", "number": 0, "epoch": e, "losses": {"g": 1.0}} for e in (1, 2)]
        progress.write_text("".join(json.dumps(line) + "\n" for line in losses))

    lines = []
    headers = {"Authorization": f"Bearer {ANN}"}
    address = f"{server.url}/api/v1/jobs/{sweep}/events"
    with requests.get(address, headers=headers, stream=True, timeout=CAP) as answer:
        for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line == ": still here" and line not in lines:  # what there was has been told
                learn()
            lines.append(line)
            if lines.count("event: progress") == 2 and line.startswith("data: "):
                _set(server, sweep, state="done")
    names = [line.removeprefix("event: ") for line in lines if line[:6] == "event:"]
    assert names == ["job", "progress", "progress", "job", "end"]
    told = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert told[2]["losses"] == {"0": [[2, {"g": 1.0}]]}
    assert told[-1]["state"] == "done"


def opened_when_there_is_room(address, headers):
    """The server notices with its next look that somebody has left."""
    answers = []

    def opened():
        answers.append(requests.get(address, headers=headers, stream=True, timeout=CAP))
        if answers[-1].status_code == 429:
            answers[-1].close()
            return False
        return answers[-1].status_code == 200

    assert until(opened)
    return answers[-1]


def test_a_stream_is_left_when_nobody_listens(server, monkeypatch):
    monkeypatch.setattr(job_stream, "POLL_SECONDS", 0.05)
    sweep = furnish(server.service, "ann").sweep
    _set(server, sweep, state="running")
    headers = {"Authorization": f"Bearer {ANN}"}
    address = f"{server.url}/api/v1/jobs/{sweep}/events"
    for _ in range(20):  # more than may be open at a time
        with opened_when_there_is_room(address, headers) as answer:
            next(answer.iter_lines())
    _set(server, sweep, state="done")


def test_only_so_many_streams_are_open_at_a_time(server):
    sweep = furnish(server.service, "bob").sweep
    _set(server, sweep, state="running")
    address = f"{server.url}/api/v1/jobs/{sweep}/events"
    headers = {"Authorization": "Bearer bob-token-of-the-tests"}
    opened, lines = [], []
    try:
        for _ in range(16):
            opened.append(requests.get(address, headers=headers, stream=True, timeout=20))
            lines.append(opened[-1].iter_lines())  # a dropped iterator closes its stream
            next(lines[-1])
        refused = requests.get(address, headers=headers, stream=True, timeout=20)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    finally:
        for one in opened:
            one.close()
        _set(server, sweep, state="done")


def test_counters_know_routes_and_no_ids(server):
    sweep = furnish(server.service, "ann").sweep
    server.ask("GET", f"/api/v1/jobs/{sweep}")
    text = server.ask("GET", "/api/v1/metrics").text
    assert 'route="/api/v1/jobs/{id}",status="200"' in text
    assert "process_resident_memory_bytes" in text
    assert 'tabveil_jobs{kind="sweep",state="done"}' in text
    assert sweep not in text


def test_the_description_shows_every_route_and_the_problem(server):
    told = server.ask("GET", "/api/v1/openapi.json").json()
    assert told["components"]["schemas"]["Problem"]["required"] == [
        "title",
        "status",
        "detail",
        "instance",
    ]
    assert "HTTPValidationError" not in told["components"]["schemas"]
    for path, methods in told["paths"].items():
        assert path.startswith("/api/v1/")
        for operation in methods.values():
            assert operation["summary"]
            if path != "/api/v1/health":
                assert {"401", "422", "429", "500"} <= set(operation["responses"])
    assert (
        "sweep"
        in told["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]["application/json"][
            "schema"
        ]["discriminator"]["mapping"]
    )


def test_what_was_written_as_no_number_is_told_as_null(server):
    mine = furnish(server.service, "ann")
    jobs = server.service.settings.job_folder
    nan = '{"a": NaN, "b": [-Infinity]}'
    (jobs(mine.sweep) / "out" / "front.json").write_text(nan)
    (jobs(mine.confirmation) / "out" / "trial-0" / "verdict.json").write_text(nan)
    (jobs(mine.inspection) / "out" / "inspect.json").write_text(nan)
    for path in (
        f"jobs/{mine.sweep}/front",
        f"releases/{mine.release}/verdict",
        f"uploads/{mine.upload}/schema",
    ):
        assert server.ask("GET", f"/api/v1/{path}").text == '{"a":null,"b":[null]}', path


def test_too_many_jobs_are_told_when_to_come_again(changed_server):
    with changed_server() as running:
        upload = furnish(running.service, "ann").upload
        order = {"kind": "sweep", "upload": upload}
        answers = [running.ask("POST", "/api/v1/jobs", json=order) for _ in range(30)]
        assert {one.status_code for one in answers} == {201, 429}
        assert answers[-1].headers["Retry-After"] == "60"
