"""Every error is a problem, says what to do, and quotes nothing of what was sent."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import pytest
from web_server import ANN, furnish

from tabveil.web.app import create_app
from tabveil.web.limits import OpenStreams, RateLimit, TooFast
from tabveil.web.problems import LastResort

SECRET = "Smith-4711"


def _problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(told)
    assert told["status"] == status
    assert SECRET not in answer.text
    return told


def test_what_the_framework_refuses_is_a_problem_too(server):
    _problem(server.ask("GET", "/api/v1/nothing"), 404)
    wrong = server.ask("PATCH", "/api/v1/jobs")
    _problem(wrong, 405)
    assert wrong.headers["Allow"]
    _problem(server.ask("TRACE", "/api/v1/jobs"), 405)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": SECRET},
        {"kind": "sweep", "upload": SECRET},
        {"kind": "sweep", "upload": "0" * 32, "trials": SECRET},
        {"kind": "sweep", "upload": "0" * 32, "trials": 501},
        {"kind": "sweep", "upload": "0" * 32, "effort": SECRET},
        {"kind": "sample", "release": "0" * 32, "n": 1, "shares": {"city": {"Rome": SECRET}}},
        {"kind": "sample", "release": "0" * 32, "n": 1, "format": SECRET},
        {"kind": "inspect", "upload": "0" * 32},
        [SECRET],
        SECRET,
        None,
    ],
)
def test_a_body_that_does_not_fit_is_told_where_and_not_quoted(server, body):
    told = _problem(server.ask("POST", "/api/v1/jobs", json=body), 422)
    assert told["mistakes"][0]["where"].startswith("body")


_SAMPLE = b'{"kind": "sample", "release": "%s", "n": 1, "where": {"a": VALUE}}'


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b'"x\\u0000"',
        b'{"\\ud800": 1}',
        b"9" * 40,
        b"9" * 5_000,
        b"[" * 30 + b"]" * 30,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 20_000,
        b"\xff\xfe",
    ],
    ids=lambda value: value[:12].decode("latin-1"),
)
def test_json_that_nothing_keeps_is_refused(server, value):
    release = furnish(server.service, "ann").release.encode()
    body = (_SAMPLE % release).replace(b"VALUE", value)
    headers = {"Content-Type": "application/json"}
    answer = server.ask("POST", "/api/v1/jobs", data=body, headers=headers)
    _problem(answer, 400 if answer.status_code == 400 else 422)  # the parser gives up at some of it
    kept = server.ask("POST", "/api/v1/jobs", data=body.replace(value, b"1"), headers=headers)
    assert kept.status_code == 201


def test_bodies_have_a_limit_on_every_route_declared_or_not(server):
    big = b'{"kind": "' + b"a" * 1_100_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    for path in ("/api/v1/jobs", f"/api/v1/releases/{'0' * 32}/samples"):
        _problem(server.ask("POST", path, data=big, headers=headers), 413)
        chunks = iter([big[:600_000], big[600_000:]])
        _problem(server.ask("POST", path, data=chunks, headers=headers), 413)
    for data in (b"a" * 2_000_001, iter([b"a" * 1_500_000, b"a" * 1_500_000])):
        answer = server.ask("PUT", "/api/v1/uploads?name=a.csv", data=data)
        _problem(answer, 413)


def test_a_fault_tells_nothing_and_its_message_is_not_logged(tmp_path, changed_server, caplog):
    with changed_server() as running:
        app = create_app(running.service)

        def fail():
            raise ValueError(SECRET)

        app.add_api_route("/api/v1/fault", fail)
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/fault",
            "raw_path": b"/api/v1/fault",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {ANN}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        with caplog.at_level(logging.INFO):
            asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 500
    told = json.loads(sent[1]["body"])
    assert told["title"] == "Internal Server Error"
    assert SECRET not in json.dumps(told)
    assert "ValueError at test_web_problems.py" in caplog.text
    assert SECRET not in caplog.text


def test_half_an_answer_is_left_visibly_cut(caplog):
    sent = []

    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(SECRET)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(LastResort(broken)({"type": "http", "method": "GET"}, None, send))
    assert sent == ["http.response.start"]
    assert SECRET not in caplog.text


def test_a_request_that_is_no_http_is_refused_and_the_server_stays(server):
    host, port = server.url.removeprefix("http://").split(":")
    for raw in (b"\x16\x03\x01\x00\xff", b"GET /\x00 HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(raw)
            assert b" 500 " not in connection.recv(1000).splitlines()[0]
    assert server.ask("GET", "/api/v1/health", None).json() == {"status": "ok"}


def test_a_bucket_holds_a_minute_and_refills_evenly():
    now = [0.0]
    rate = RateLimit(60, clock=lambda: now[0])
    for _ in range(60):
        rate.spend("ann")
    with pytest.raises(TooFast) as refused:
        rate.spend("ann")
    assert refused.value.retry_after == 1
    rate.spend("bob")
    now[0] = 2.0
    rate.spend("ann")
    rate.spend("ann")
    with pytest.raises(TooFast):
        rate.spend("ann")


def test_streams_are_counted_while_they_are_open():
    streams = OpenStreams(most=1)
    with streams.held("ann"):
        with pytest.raises(TooFast):
            streams.check("ann")
        streams.check("bob")
    streams.check("ann")
