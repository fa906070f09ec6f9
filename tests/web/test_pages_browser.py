"""Each page in a browser: nothing serious for axe, no console error, no sideways scrolling."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from browser import Visit, needs_chromium, visiting
from made_service import Made, made_history
from web_server import ANN, Running

from tabveil.web.database import JOBS

pytestmark = needs_chromium
LOOKS = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 740}},
    "dark": {"color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def made(server: Running) -> Made:
    return made_history(server.service, "ann")


@pytest.fixture
def visit(server: Running, made: Made) -> Iterator[Visit]:
    with visiting(server.url) as found:
        enter(found)
        yield found


def enter(visit: Visit) -> None:
    visit.go("/enter")
    visit.page.get_by_label("Token").fill(ANN)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.wait_for_url("**/")


def pages(made: Made) -> list[str]:
    return [
        "/",
        *(f"/uploads/{one}" for one in (made.upload, made.unreadable, made.reading, made.wide)),
        *(f"/jobs/{one}" for one in (made.sweep, made.running, made.lost, made.failed)),
        *(f"/jobs/{one}" for one in (made.confirm, made.sample)),
        f"/jobs/{made.sweep}/trials/3",
        f"/jobs/{made.running}/trials/1",
        f"/jobs/{made.sweep}/log",
        f"/releases/{made.passed}",
        f"/releases/{made.refused}",
        "/ledger",
        "/events",
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_used_by_everybody(server: Running, made: Made, look: str) -> None:
    with visiting(server.url, **LOOKS[look]) as visit:
        visit.go("/enter")
        visit.check("/enter")
        enter(visit)
        for path in pages(made):
            visit.go(path)
            visit.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            visit.check(f"{path} ({look})")


def test_a_running_job_is_renewed_without_taking_the_focus_or_closing_what_is_open(
    server: Running, made: Made, visit: Visit
) -> None:
    page = visit.page
    visit.go(f"/jobs/{made.running}")
    page.locator("#experts > summary").click()
    point = page.locator("a.point").last
    point.focus()
    label = point.get_attribute("aria-label")
    with page.expect_response("**/live"):
        pass
    with page.expect_response("**/live"):
        pass
    assert page.locator("#experts").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == label

    end_job(server, made.running, "cancelled")
    page.get_by_role("button", name="Resume where it stopped").wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert not asked
    assert page.locator("#say").text_content() == "Search: cancelled."
    visit.check("ended")
    end_job(server, made.running, "running")


def test_who_is_signed_out_meanwhile_is_told_so(made: Made, visit: Visit) -> None:
    visit.go(f"/jobs/{made.running}")
    visit.page.context.clear_cookies()
    visit.page.get_by_text("You were signed out").wait_for()
    assert visit.page.locator("#live").count() == 1


def test_a_service_that_does_not_answer_is_said_and_waited_for(made: Made, visit: Visit) -> None:
    visit.go(f"/jobs/{made.running}")
    visit.page.route("**/live", lambda route: route.abort())
    visit.page.get_by_text("The service does not answer").wait_for()
    visit.page.unroute("**/live")
    visit.page.locator("#lost-touch").wait_for(state="hidden")
    assert visit.page.locator("#live progress").count() == 1


def test_a_wide_form_sends_only_what_was_changed(made: Made, visit: Visit) -> None:
    page = visit.page
    visit.go(f"/uploads/{made.wide}")
    page.get_by_label("Show columns whose name holds").fill("column 217")  # the 225th
    assert page.locator("tr[data-name]:visible").count() == 1
    page.get_by_label("Kind of column column 217").select_option(label="identifier")
    page.get_by_label("What stands in column 217").select_option(label="left out")
    page.get_by_label("column 217 is sensitive").check()
    with page.expect_request("**/sweep") as sent:
        page.get_by_role("button", name="Start the search").click()
    fields = dict(pair.split("=") for pair in sent.value.post_data.split("&"))
    assert fields == {
        "kind-224": "identifier",
        "mask-224": "drop",
        "sensitive": "224",
        "target": "",
        "group": "",
        "effort": "quick",
        "trials": "",
        "seed": "0",
    }
    page.wait_for_url("**/jobs/*")
    assert page.locator("h1").text_content() == 'Search: x"><img src=x onerror=alert(1)>.csv'
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("cancelled while it waited", exact=False).wait_for()


def test_everything_but_liveliness_works_without_scripts(
    server: Running, made: Made, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = tmp_path_factory.mktemp("files") / "people.csv"
    table.write_bytes(b"age\n30\n")
    with visiting(server.url, java_script_enabled=False) as visit:
        page = visit.page
        enter(visit)
        page.locator("#file").set_input_files(table)
        page.get_by_role("button", name="Upload").click()
        page.get_by_role("link", name="Look again").wait_for()
        visit.go(f"/uploads/{made.upload}")
        page.get_by_label("visits is sensitive").check()
        page.get_by_label("Thorough").check()
        page.get_by_role("button", name="Start the search").click()
        page.get_by_role("link", name="Look again").wait_for()
        order = server.service.jobs.get("ann", page.url.rpartition("/")[2]).order
        assert (order["columns"], order["sensitive"]) == ({}, ["income", "visits"])
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Resume where it stopped").wait_for()
        visit.go(f"/jobs/{made.sweep}")
        page.get_by_role("link", name="Trial 3").first.click()
        page.get_by_role("heading", name="Confirm this model").wait_for()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    large = tmp_path_factory.mktemp("files") / "large.csv"
    large.write_bytes(b"a\n" * 1_100_000)
    visit.go("/")
    visit.page.locator("#file").set_input_files(large)
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.get_by_role("button", name="Upload").click()
    visit.page.get_by_text("The file has 2.2 MB; the limit is 2.0 MB.").wait_for()
    assert not asked


def test_what_the_service_refuses_is_said_in_its_words(
    visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    odd = tmp_path_factory.mktemp("files") / "table.exe"
    odd.write_bytes(b"a\n1\n")
    visit.go("/")
    visit.page.locator("#file").set_input_files(odd)
    visit.page.get_by_role("button", name="Upload").click()
    visit.page.get_by_text("It was not taken:").wait_for()


def test_the_report_opens_and_cannot_run_anything(made: Made, visit: Visit) -> None:
    visit.go(f"/releases/{made.passed}")
    with visit.page.expect_popup() as opened:
        visit.page.get_by_role("link", name="Read the report").click()
    opened.value.wait_for_load_state()
    assert opened.value.title() == "Report"
    assert opened.value.locator("p").evaluate("p => getComputedStyle(p).color") == "rgb(255, 0, 0)"


def end_job(server: Running, job: str, state: str) -> None:
    with server.service.database.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.id == job).values(state=state))
