"""Nobody gets in without a token, and nobody can see, sample or guess what is another's."""

from __future__ import annotations

import re
import uuid

import pytest
import requests
from fastapi.routing import iter_route_contexts
from web_server import ANN, BOB, furnish

from tabveil.web.app import create_app
from tabveil.web.settings import LOCAL

_DOORS = {"/api/v1/health", "/enter", "/static"}
_BODIES = {"/api/v1/releases/{id}/samples": {"json": {"n": 1}}}
_SEEN = {"sec-fetch-site": "same-origin"}


def _routes(server):
    """Every route of the application with each of its methods, whoever added it."""
    for route in iter_route_contexts(create_app(server.service).routes):
        for method in sorted(route.methods or {"GET"}):
            yield method, route.path


def _address(path, number):
    """A route's address: its first parameter is the id, any other a small number."""
    first = re.sub(r"\{[^}]*\}", number, path, count=1)
    return re.sub(r"\{[^}]*\}", "0", first)


def test_every_route_but_the_doors_asks_for_a_token(server):
    asked = [(method, path) for method, path in _routes(server) if path not in _DOORS]
    assert len(asked) > 30
    for method, path in asked:
        for token in (None, "wrong-token-of-nobody"):
            answer = server.ask(method, _address(path, uuid.uuid4().hex), token)
            assert answer.status_code == 401, (method, path)
            assert "WWW-Authenticate" in answer.headers


def test_what_is_not_there_is_denied_to_strangers_and_not_found_by_users(server):
    for path in ("/nothing", "/api/v1/nothing", "/api/v1/uploads/", "/static/../web.db"):
        assert server.ask("GET", path, None).status_code in (401, 404)
        assert server.ask("GET", path).status_code == 404
    assert server.ask("GET", "/nothing", None).status_code == 401


def test_anothers_id_and_a_random_one_get_the_very_same_answer_on_every_route(server):
    bobs, before = furnish(server.service, "bob"), len(server.service.jobs.all("ann"))
    with_ids = [(method, path) for method, path in _routes(server) if "{" in path]
    assert len(with_ids) > 15
    for method, path in with_ids:
        for number in (*bobs.all(), "0" * 32):
            random = uuid.uuid4().hex
            theirs, nothing = (
                server.ask(method, _address(path, one), **_BODIES.get(path, {}))
                for one in (number, random)
            )
            assert theirs.status_code == 404, (method, path, theirs.text)
            assert nothing.status_code == 404, (method, path)
            assert theirs.text.replace(number, "") == nothing.text.replace(random, "")
            told = [
                {k: v for k, v in one.headers.items() if k != "date"} for one in (theirs, nothing)
            ]
            assert told[0] == told[1]
    assert len(server.service.jobs.all("ann")) == before


def test_an_id_in_an_order_or_a_filter_is_no_way_in(server):
    bobs, random = furnish(server.service, "bob"), uuid.uuid4().hex
    for order in (
        {"kind": "sweep", "upload": bobs.upload},
        {"kind": "confirm", "sweep": bobs.sweep},
        {"kind": "sample", "release": bobs.release, "n": 1},
        {"kind": "withdraw", "release": bobs.release, "why": "because"},
    ):
        name = next(key for key, value in order.items() if len(str(value)) == 32)
        theirs = server.ask("POST", "/api/v1/jobs", json=order)
        nothing = server.ask("POST", "/api/v1/jobs", json=order | {name: random})
        assert theirs.status_code == nothing.status_code == 404
        assert theirs.text == nothing.text
        assert server.ask("POST", "/api/v1/jobs", BOB, json=order).status_code == 201
    for query in (f"jobs?upload={bobs.upload}", f"releases?job={bobs.confirmation}"):
        assert server.ask("GET", f"/api/v1/{query}").json() == []
        assert server.ask("GET", f"/api/v1/{query}", BOB).json() != []


def test_the_owner_does_see_it(server):
    bobs = furnish(server.service, "bob")
    for path in (
        f"uploads/{bobs.upload}",
        f"uploads/{bobs.upload}/schema",
        f"jobs/{bobs.sweep}/front",
        f"jobs/{bobs.sweep}/trials.csv",
        f"jobs/{bobs.sweep}/config",
        f"jobs/{bobs.rows}/rows",
        f"releases/{bobs.release}/verdict",
        f"releases/{bobs.release}/report",
    ):
        assert server.ask("GET", f"/api/v1/{path}", BOB).status_code == 200, path


def test_a_token_in_a_link_or_a_form_becomes_a_cookie_that_scripts_cannot_read(server):
    for answer in (
        server.ask("GET", f"/enter?token={ANN}", None),
        server.ask("POST", "/enter", None, data={"token": ANN}, headers=_SEEN),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))
        assert ANN not in cookie
        jar = {"Cookie": cookie.partition(";")[0]}
        assert server.ask("GET", "/api/v1/jobs", None, headers=jar).status_code == 200
        broken = {"Cookie": cookie.partition(";")[0][:-2] + "xx"}
        assert server.ask("GET", "/api/v1/jobs", None, headers=broken).status_code == 401
    refused = server.ask("GET", "/enter?token=wrong", None)
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil", "/a\nb"])
def test_the_way_in_does_not_lead_out(server, where):
    answer = server.ask("GET", "/enter", None, params={"token": ANN, "next": where})
    assert answer.headers["location"] == "/"


def test_a_cookie_alone_writes_nothing_for_a_page_of_another_origin(server):
    entered = server.ask("GET", f"/enter?token={ANN}", None)
    jar = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    here = server.url.removeprefix("http://")
    body = {"data": b"a\n1\n", "params": {"name": "a.csv"}}
    for headers, status in (
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": f"http://{here}"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": f"http://{here}"}, 201),
    ):
        answer = server.ask("PUT", "/api/v1/uploads", None, headers=jar | headers, **body)
        assert answer.status_code == status, headers
    linked = server.ask(
        "GET", f"/enter?token={ANN}", None, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert linked.status_code == 403


def test_a_withdrawn_token_ends_its_cookies(server, changed_server):
    entered = server.ask("GET", f"/enter?token={ANN}", None)
    jar = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    with changed_server(tokens={}) as other:
        assert other.ask("GET", "/api/v1/jobs", None, headers=jar).status_code == 401


def test_other_names_of_the_machine_are_not_answered(server, changed_server):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil:80", "[::2]"):
        answer = server.ask("GET", "/api/v1/health", None, headers={"Host": host})
        assert answer.status_code == 400, host
        assert answer.headers["content-type"] == "application/problem+json"
    for host in ("localhost:1", "[::1]:5", "127.0.0.1"):
        assert server.ask("GET", "/api/v1/health", None, headers={"Host": host}).ok
    with changed_server(names=("tables.example",)) as named:
        assert named.ask("GET", "/api/v1/health", None, headers={"Host": "Tables.example"}).ok


def test_a_server_without_tokens_has_one_user_and_still_refuses_other_origins(changed_server):
    with changed_server(tokens={}, open_to_all=True) as running:
        body = {"data": b"a\n1\n", "params": {"name": "a.csv"}}
        assert running.ask("PUT", "/api/v1/uploads", None, **body).status_code == 201
        assert [one.user for one in running.service.uploads.all(LOCAL)] == [LOCAL]
        foreign = {"Origin": "http://evil.example"}
        answer = running.ask("PUT", "/api/v1/uploads", None, headers=foreign, **body)
        assert answer.status_code == 403


def test_too_many_requests_are_told_when_to_come_again(changed_server):
    with changed_server(per_minute=5) as running:
        for _ in range(5):
            assert running.ask("GET", "/api/v1/jobs").status_code == 200
        answer = running.ask("GET", "/api/v1/jobs")
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 12
        assert running.ask("GET", "/api/v1/jobs", BOB).status_code == 200
        guesses = [running.ask("GET", "/", f"guess-{i}").status_code for i in range(7)]
        assert guesses == [401] * 5 + [429] * 2


def test_a_browser_without_a_cookie_is_shown_the_way_in(server):
    answer = server.ask("GET", "/", None, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/enter?next=/")


def test_every_answer_forbids_foreign_and_inline_parts(server):
    for path in ("/api/v1/health", "/nothing", "/enter", "/static/vendor/swagger-ui/start.js"):
        answer = requests.get(server.url + path, timeout=20, allow_redirects=False)
        assert "default-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
