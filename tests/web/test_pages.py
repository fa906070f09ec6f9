"""What pages say and refuse, asked for as a browser without scripts does."""

from __future__ import annotations

import re

import pytest
from made_service import Made, made_history, unshown_trial
from made_tables import HOSTILE
from web_server import ANN, BOB, Running

_PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def made(server: Running) -> Made:
    return made_history(server.service, "ann")


def read(server: Running, path: str, token: str | None = ANN) -> str:
    answer = server.ask("GET", path, token, headers=_PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


def send(server: Running, path: str, token: str = ANN, **fields: object) -> object:
    return server.ask("POST", path, token, headers=_PAGE, data=fields)


def test_pages_hold_no_inline_script_style_or_handler(server: Running, made: Made) -> None:
    for path in ("/", f"/uploads/{made.wide}", f"/jobs/{made.running}", f"/releases/{made.passed}"):
        text = read(server, path)
        assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", text)
        assert not re.search(r"<[a-z][^>]*\s(style|on\w+)=", text)
        assert "<style" not in text


def test_whatever_a_column_or_a_file_is_called_it_stays_text(server: Running, made: Made) -> None:
    text = read(server, f"/uploads/{made.wide}")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in text
    assert "{{7*7}}" in text
    assert "column 3 (no name)" in text
    assert HOSTILE[4] not in text.replace(f'data-name="{HOSTILE[4]}"', "")
    assert "<b>1</b>" not in text
    assert "<b>what it said</b>" not in read(server, f"/jobs/{made.sweep}/log")
    assert "<b>no</b>" not in read(server, f"/jobs/{made.running}")


def test_a_table_that_cannot_be_read_says_why_and_shows_no_form(
    server: Running, made: Made
) -> None:
    text = read(server, f"/uploads/{made.unreadable}")
    assert "Line 7: 3 cells, not 4." in text
    assert "Start the search" not in text


def test_a_running_job_is_polled_and_an_ended_one_is_not(server: Running, made: Made) -> None:
    assert f'hx-get="/jobs/{made.running}/live"' in read(server, f"/jobs/{made.running}/live")
    assert "hx-get" not in read(server, f"/jobs/{made.sweep}/live")
    assert "hx-get" not in read(server, f"/jobs/{made.lost}")


def test_a_reading_that_ended_loads_the_page_again(server: Running, made: Made) -> None:
    going = server.ask("GET", f"/uploads/{made.reading}/reading")
    ended = server.ask("GET", f"/uploads/{made.upload}/reading")
    assert "HX-Refresh" not in going.headers
    assert ended.headers["HX-Refresh"] == "true"


def test_nothing_shown_is_never_called_safe(server: Running, made: Made) -> None:
    trial, most = unshown_trial()
    text = read(server, f"/jobs/{made.sweep}/trials/{trial}")
    assert "The attacks proved nothing. That is not the same as safe." in text
    assert f"A gain of up to {most:.3f} could not be excluded." in text
    assert "so they flatter it" in text


def test_what_did_not_pass_is_drawn_from_by_a_plain_yes_only(server: Running, made: Made) -> None:
    assert "I know that this model" not in read(server, f"/releases/{made.passed}")
    refused = read(server, f"/releases/{made.refused}")
    assert "I know that this model passed no gate" in refused
    assert "That is not “safe”" in refused
    answer = send(server, f"/releases/{made.refused}/samples", n="10", seed="1", format="csv")
    assert answer.status_code == 409
    assert "passed no gate" in answer.text
    meant = {"n": "10", "seed": "1", "format": "csv", "unconfirmed": "yes"}
    answer = send(server, f"/releases/{made.refused}/samples", **meant)
    assert "/jobs/" in str(answer.url) + answer.headers.get("location", "")


def test_corrections_reach_the_order_and_nothing_else_does(server: Running, made: Made) -> None:
    answer = send(
        server,
        f"/uploads/{made.upload}/sweep",
        **{"kind-0": "identifier", "mask-0": "token", "kind-5": "numeric", "kind-1": "numeric"},
        sensitive=["4"],
        quasi=["1", "2"],
        target="3",
        group="0",
        rule="0",
        effort="thorough",
        trials="7",
        seed="5",
    )
    assert answer.status_code == 303
    job = server.service.jobs.get("ann", answer.headers["Location"].rpartition("/")[2])
    assert job.order == {
        "kind": "sweep",
        "upload": made.upload,
        "columns": {
            "person": {"kind": None, "format": None, "mask": "token"},
            "visits": {"kind": "numeric", "format": None, "mask": None},
        },
        "target": "health",
        "sensitive": ["income"],
        "quasi_identifiers": ["age", "sex"],
        "group": "person",
        "rules": [0],
        "effort": "thorough",
        "trials": 7,
        "seed": 5,
    }
    send(server, f"/jobs/{job.id}/cancel")
    assert server.service.jobs.get("ann", job.id).state == "cancelled"
    assert send(server, f"/jobs/{job.id}/cancel").status_code == 409
    assert send(server, f"/jobs/{job.id}/resume").status_code == 303
    send(server, f"/jobs/{job.id}/cancel")
    assert send(server, f"/jobs/{job.id}/delete").headers["Location"] == "/"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"effort": "huge"}, "effort"),
        ({"target": "99"}, "a column that this table has not"),
        ({"trials": "many"}, "must be a whole number"),
        ({"trials": "501"}, "less than or equal to 500"),
        ({"kind-1": "<b>odd</b>"}, "columns"),
        ({"rule": "9"}, "suggestions"),
    ],
)
def test_a_field_that_does_not_fit_is_named_and_its_value_not_repeated(
    server: Running, made: Made, fields: dict[str, str], said: str
) -> None:
    answer = send(server, f"/uploads/{made.upload}/sweep", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert "<b>odd</b>" not in answer.text
    assert "Nothing was changed" in answer.text


def test_conditions_are_read_as_their_columns_have_them(server: Running, made: Made) -> None:
    answer = send(
        server,
        f"/releases/{made.passed}/samples",
        **{
            "n": "50",
            "seed": "3",
            "format": "csv",
            "escape_formulas": "yes",
            "where-column": ["0", "0", "2"],
            "where-how": ["min", "max", "any"],
            "where-value": ["30", "40.5", "good, poor"],
        },
    )
    assert answer.status_code == 303, answer.text
    job = server.service.jobs.get("ann", answer.headers["Location"].rpartition("/")[2])
    assert job.order["where"] == {"age": {"min": 30, "max": 40.5}, "health": ["good", "poor"]}
    assert (job.order["n"], job.order["seed"], job.order["escape_formulas"]) == (50, 3, True)
    send(server, f"/jobs/{job.id}/cancel")


def test_a_confirmation_names_its_trial_and_its_policy(server: Running, made: Made) -> None:
    answer = send(server, f"/jobs/{made.sweep}/confirm", trial="3", gate="small")
    job = server.service.jobs.get("ann", answer.headers["Location"].rpartition("/")[2])
    assert (job.order["trials"], job.order["gate"]) == ([3], "small")
    send(server, f"/jobs/{job.id}/cancel")
    assert send(server, f"/jobs/{made.sweep}/confirm", trial="x").status_code == 422
    assert send(server, f"/jobs/{made.running}/confirm", trial="3").status_code == 409


def test_a_file_comes_in_by_the_form_alone(server: Running) -> None:
    parts = {"file": ("people.csv", b"age\n30\n41\n", "text/csv")}
    answer = server.ask("POST", "/uploads", headers=_PAGE, files=parts)
    assert answer.status_code == 303, answer.text
    number = answer.headers["Location"].rpartition("/")[2]
    upload = server.service.uploads.get("ann", number)
    assert (upload.name, upload.n_bytes) == ("people.csv", 10)
    assert "is being read" in read(server, f"/uploads/{number}")
    roomy = {"file": ("roomy.csv", b"a\n" * 900_000)}  # more than a body may otherwise have
    assert server.ask("POST", "/uploads", headers=_PAGE, files=roomy).status_code == 303
    empty = server.ask("POST", "/uploads", headers=_PAGE, files={"file": ("", b"")})
    assert empty.status_code == 422
    large = {"file": ("large.csv", b"a\n" * 1_200_000)}
    assert server.ask("POST", "/uploads", headers=_PAGE, files=large).status_code == 413


def test_another_user_sees_nothing_of_it(server: Running, made: Made) -> None:
    for path in (f"/uploads/{made.upload}", f"/jobs/{made.sweep}", f"/releases/{made.passed}"):
        answer = server.ask("GET", path, BOB, headers=_PAGE)
        assert answer.status_code == 404
        assert "randhie" not in answer.text
    assert "randhie" not in read(server, "/", BOB)
    assert send(server, f"/uploads/{made.upload}/delete", BOB).status_code == 404


def test_a_deleted_table_says_so_and_keeps_its_history(server: Running) -> None:
    mine = made_history(server.service, "bob")
    with_jobs = send(server, f"/uploads/{mine.upload}/delete", BOB)
    assert with_jobs.status_code == 409
    assert send(server, f"/uploads/{mine.wide}/delete", BOB).status_code == 303
    assert "The file was deleted" in read(server, f"/uploads/{mine.wide}", BOB)
