"""A person at a browser: Chromium, moved by mouse or by keyboard alone, that complains aloud.

Whatever a page writes to the console as an error, and every request that leaves the host, is
remembered; `Visit.check` holds a page against axe-core and looks for sideways scrolling.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium on the PATH")
_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_GRAVE = ("serious", "critical")
_MOST_TABS = 900
_SEES_FOCUS = """e => e.matches(':focus-visible')
  && (getComputedStyle(e).outlineStyle !== 'none' || !!e.querySelector('.hit'))"""


class Visit:
    """A page in a browser, and what went wrong on it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.wrong: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._asked)
        # Who listens from the start has the choosers intercepted before the first key is pressed.
        page.on("filechooser", lambda chooser: None)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def check(self, name: str) -> None:
        """Raise AssertionError for what axe calls serious, for errors, for sideways scrolling."""
        found = self.page.evaluate(
            f"{_AXE}; axe.run(document, {{resultTypes: ['violations']}}).then(r => r.violations)"
        )
        grave = [
            (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in _GRAVE
        ]
        assert not grave, f"{name}: {grave}"
        beyond = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert beyond <= 0, f"{name} scrolls sideways by {beyond} pixels"
        assert not self.wrong, f"{name}: {self.wrong}"

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(self.url).netloc:
            self.wrong.append(f"left the host: {request.url}")


@contextmanager
def visiting(url: str, **how: Any) -> Iterator[Visit]:
    """A fresh browser, closed in the end; `how` goes to Playwright's new_context."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)
        try:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
            page = context.new_page()
            page.set_default_timeout(20_000)
            yield Visit(page, url)
        finally:
            browser.close()


class Hand(Protocol):
    """How a person reaches what is on a page."""

    def press(self, visit: Visit, target: Any) -> None: ...
    def tick(self, visit: Visit, target: Any) -> None: ...
    def choose(self, visit: Visit, target: Any, label: str) -> None: ...
    def write(self, visit: Visit, target: Any, text: str) -> None: ...
    def bring(self, visit: Visit, target: Any, path: Path) -> None: ...


class Mouse:
    """Points and clicks."""

    def press(self, visit: Visit, target: Any) -> None:
        target.click()

    def tick(self, visit: Visit, target: Any) -> None:
        target.check()

    def choose(self, visit: Visit, target: Any, label: str) -> None:
        target.select_option(label=label)

    def write(self, visit: Visit, target: Any, text: str) -> None:
        target.click()
        target.fill(text)

    def bring(self, visit: Visit, target: Any, path: Path) -> None:
        with visit.page.expect_file_chooser() as chooser:
            target.click()
        chooser.value.set_files(path)


class Keyboard:
    """Tab, Enter, space, arrows and letters; what has no visible focus is not reached."""

    def press(self, visit: Visit, target: Any) -> None:
        self._reach(visit, target)
        visit.page.keyboard.press("Enter")

    def tick(self, visit: Visit, target: Any) -> None:
        if target.get_attribute("type") == "radio":
            self._arrow_to(visit, target)
        elif not target.is_checked():
            self._reach(visit, target)
            visit.page.keyboard.press("Space")
        assert target.is_checked()

    def choose(self, visit: Visit, target: Any, label: str) -> None:
        self._reach(visit, target)
        visit.page.keyboard.type(label)
        assert target.evaluate("e => e.selectedOptions[0].label") == label

    def write(self, visit: Visit, target: Any, text: str) -> None:
        self._reach(visit, target)
        visit.page.keyboard.press("Control+a")
        visit.page.keyboard.type(text)

    def bring(self, visit: Visit, target: Any, path: Path) -> None:
        self._reach(visit, target)
        with visit.page.expect_file_chooser() as chooser:
            visit.page.keyboard.press("Enter")
        chooser.value.set_files(path)

    def _arrow_to(self, visit: Visit, target: Any) -> None:
        """A group of radio buttons is one stop; arrows move within it."""
        name = target.get_attribute("name")
        self._reach(visit, visit.page.locator(f"input[name='{name}']:checked"))
        for _ in range(10):
            if target.is_checked():
                return
            visit.page.keyboard.press("ArrowDown")

    def _reach(self, visit: Visit, target: Any) -> None:
        """Tab until the target has the focus, and the focus can be seen."""
        target.wait_for(state="visible")
        for _ in range(_MOST_TABS):
            if target.evaluate("e => e === document.activeElement"):
                assert target.evaluate(_SEES_FOCUS), "the focus cannot be seen"
                return
            visit.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")
