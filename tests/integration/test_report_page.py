"""The report opens in a real browser, from a file, with no network, and prints."""

import os
import shutil
import subprocess

import pytest

from conftest import tabveil

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # A proxy that nobody runs: whatever the page asked for, it could not get.
    *("--proxy-server=127.0.0.1:9", "--enable-logging=stderr", "--v=0"),
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here; .ci/run installs it")


@pytest.fixture(scope="module")
def report(confirmed_store, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    model = "model=models:/randhie-smoke@balanced"
    done = tabveil("report", model, f"out={out}", f"root={confirmed_store[0]}")
    assert done.returncode == 0, done.stderr
    return out


def browse(report, *flags):
    profile = report.parent / "profile"
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={profile}", *flags, f"file://{report}"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(report.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def test_it_opens_without_a_network_and_without_a_word_on_the_console(report):
    dom = browse(report, "--dump-dom")
    assert "Passes the policy" in dom
    assert dom.count("data:image/svg+xml") == 3


def test_it_prints(report):
    pdf = report.with_suffix(".pdf")
    browse(report, f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_size > 20_000
