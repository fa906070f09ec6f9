"""Somebody brings a table, and goes the whole way: by mouse, and by keyboard alone.

The server and its worker are those of `tabveil serve`; the table is the repository's own. Every
page on the way is held against axe-core; no request may leave the host.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
from browser import Hand, Keyboard, Mouse, Visit, needs_chromium, visiting
from web_server import settings_at

from tabveil.web.database import JOBS
from tabveil.web.service import Service

pytestmark = needs_chromium
_TABLE = Path(__file__).parents[2] / "data" / "randhie.parquet"
_OWN_POLICY = Path(__file__).parents[1] / "integration" / "conf"
_READ, _SEARCH = 60_000, 600_000
"""Milliseconds that reading, and a search or a confirmation, may take on a loaded machine."""
HANDS = pytest.mark.parametrize("hand", [Mouse(), Keyboard()], ids=["mouse", "keyboard"])
ONE_NOW = pytest.mark.parametrize(
    "hand",
    [pytest.param(Mouse(), marks=pytest.mark.slow), Keyboard()],
    ids=["mouse", "keyboard"],
)
"""A walk takes most of a minute: every run has the one that is easier to break."""


@dataclass(frozen=True)
class Served:
    """A service of its own process: where it keeps things, and the link that it printed."""

    root: Path
    door: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Server and worker, as `tabveil serve` starts them."""
    root = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "tabveil", "serve", f"root={root}", "web.port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            door = next(line.split()[-1] for line in process.stdout if "/enter?token=" in line)
            yield Served(root, door)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first rows of the repository's table."""
    if not _TABLE.exists():
        pytest.skip("needs data/randhie.parquet: dvc pull")
    path = tmp_path_factory.mktemp("table") / "insured.csv"
    pd.read_parquet(_TABLE).head(1_200).to_csv(path, index=False)
    return path


@pytest.fixture
def visit(served: Served) -> Iterator[Visit]:
    with visiting(served.door.partition("/enter")[0]) as found:
        found.page.goto(served.door)
        yield found


@ONE_NOW
def test_a_table_is_brought_looked_at_searched_and_the_search_cancelled(
    visit: Visit, table: Path, hand: Hand
) -> None:
    bring(visit, table, hand)
    start(visit, hand)
    page = visit.page
    page.get_by_text("You can leave this page and come back").wait_for()
    search = page.url
    page.locator("progress").wait_for(timeout=_READ)
    visit.check("a search that runs")

    visit.go("/")
    visit.check("the start page beside it")
    hand.press(visit, page.locator("#lists").get_by_role("link", name="Search: insured.csv").first)
    page.wait_for_url(search)
    hand.press(visit, page.get_by_role("button", name="Cancel"))
    page.get_by_role("button", name="Resume where it stopped").wait_for(timeout=_READ)
    page.locator("#live:not([hx-get])").wait_for()
    visit.check("a search that was cancelled")


@pytest.mark.slow
@HANDS
def test_a_table_goes_in_and_rows_of_nobody_come_out(
    visit: Visit, table: Path, hand: Hand, served: Served, tmp_path: Path
) -> None:
    page = visit.page
    bring(visit, table, hand)
    start(visit, hand)
    page.get_by_role("heading", name="Next: confirm").wait_for(timeout=_SEARCH)
    visit.check("a search that ended")

    hand.press(visit, page.locator("a.point:not([tabindex])").first)
    page.get_by_role("heading", name="Privacy risk").wait_for()
    page.get_by_text("so they flatter it", exact=False).wait_for()
    visit.check("a trial")
    hand.press(visit, page.get_by_role("button", name=re.compile("Confirm trial")))
    page.locator(".verdicts .badge").wait_for(timeout=_SEARCH)
    visit.check("a confirmation")
    assert page.locator(".verdicts .badge").text_content() in ("fail", "cannot tell")
    hand.press(visit, page.get_by_role("link", name="Read why"))
    page.get_by_text("No rows are drawn from it", exact=False).wait_for()
    visit.check("a verdict that is not pass")

    pass_a_policy_of_its_own(served, page.url)
    hand.press(visit, page.locator(".top").get_by_role("link", name="Tables and releases"))
    hand.press(visit, page.locator("tr", has_text="pass").get_by_role("link").first)
    page.get_by_role("heading", name="Confirmed risk").wait_for()
    visit.check("a release")
    with page.expect_popup() as opened:
        hand.press(visit, page.get_by_role("link", name="Read the report"))
    opened.value.wait_for_load_state()
    assert "trial" in opened.value.locator("h1").text_content()
    opened.value.close()

    hand.write(visit, page.get_by_label("How many rows"), "200")
    hand.choose(visit, page.get_by_label("Format"), "CSV")
    hand.choose(visit, page.get_by_label("Condition 1: column"), "age")
    hand.choose(visit, page.get_by_label("Condition 1: comparison"), "is at least")
    hand.write(visit, page.get_by_label("Condition 1: value"), "30")
    hand.press(visit, page.get_by_role("button", name="Draw rows"))
    link = page.get_by_role("link", name=re.compile("^Download"))
    link.wait_for(timeout=_SEARCH)
    visit.check("drawn rows")
    with page.expect_download() as arriving:
        hand.press(visit, link)
    arriving.value.save_as(tmp_path / "rows.csv")
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert list(rows.columns) == list(pd.read_csv(table, nrows=1).columns)
    assert len(rows) == 200
    assert rows["age"].min() >= 30


def pass_a_policy_of_its_own(served: Served, refused: str) -> None:
    """Judge what was confirmed by a lenient policy: so short trainings pass none that is offered.

    The same command but for the policy; what it found is noted as a confirmation of the same
    search.
    """
    service = Service.open(settings_at(served.root))
    release = service.shelf.get("local", refused.rpartition("/")[2])
    job = service.jobs.get("local", release.job)
    number = uuid4().hex
    folder = service.settings.job_folder(number)
    (folder / "out").mkdir(parents=True)
    line = [one for one in job.command if not one.startswith(("gate=", "out="))]
    own = ["gate=lenient", f"out={folder / 'out'}", f"--config-dir={_OWN_POLICY}"]
    subprocess.run([sys.executable, "-m", "tabveil", *line, *own], check=True, timeout=600)
    row = {key: getattr(job, key) for key in JOBS.c.keys()}  # noqa: SIM118  (columns, no mapping)
    with service.database.begin() as connection:
        connection.execute(JOBS.insert().values(**{**row, "id": number}))
    assert service.shelf.note("local", number, release.upload) == 1
    service.database.engine.dispose()


def bring(visit: Visit, table: Path, hand: Hand) -> None:
    """Upload the table and wait for its columns."""
    page = visit.page
    page.get_by_role("heading", name=re.compile("Turn a sensitive table")).wait_for()
    visit.check("the start page")
    hand.bring(visit, page.locator("#file"), table)
    hand.press(visit, page.get_by_role("button", name="Upload"))
    page.get_by_role("button", name="Start the search").wait_for(timeout=_READ)
    page.locator(".facts", has_text="1,200 rows · 20 columns").wait_for()
    visit.check("a table")


def start(visit: Visit, hand: Hand) -> None:
    """Correct a column, say what matters, and start the smallest search."""
    page = visit.page
    hand.choose(visit, page.get_by_label("Kind of column family_size"), "category")
    assert page.locator("tr.changed").count() == 1
    hand.tick(visit, page.get_by_label("doctor_visits is sensitive"))
    hand.tick(visit, page.get_by_label("A first look"))
    hand.press(visit, page.get_by_role("button", name="Start the search"))
    page.wait_for_url("**/jobs/*")
