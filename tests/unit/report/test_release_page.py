"""Does the page say the verdict first, ask nobody for anything, and quote nothing as markup?"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tabveil.report.model_card import model_card
from tabveil.report.release_page import page

WORDS = ("Passes the policy 'test'.", "It promises <little>.")


def document(**changes: Any) -> dict[str, Any]:
    bound = {"mean": 0.02, "low": -0.01, "high": 0.05, "lower": -0.005, "upper": 0.045}
    bound |= {"values": [0.02], "spread": 0.0, "row_ses": [0.01], "shown": 0.0}
    rule = {
        "name": "*/auc",
        "component": "learnt/auc",
        "figure": 0.045,
        "limit": 0.05,
        "outcome": "pass",
        "why": "learnt/auc: at most 0.045, within 0.05",
        "could_show": 0.04,
    }
    point = {
        "number": 3,
        "objective/utility": 0.6,
        "objective/risk": 0.1,
        "objective/risk_low": 0.0,
        "objective/risk_high": 0.2,
    }
    control = {
        "name": "copies_10pct",
        "what": "10 of 100 rows replaced by training rows",
        "n_planted": 10,
        "seen": True,
        "far": True,
        "low": 0.1,
        "advantages": {"learnt/auc": 0.31},
    }
    return {
        "tabveil": "0.1.0",
        "at": "2026-01-01T00:00:00+00:00",
        "verdict": "pass",
        "gate": {"name": "test", "promise": "little", "confidence": 0.95, "k": 5},
        "rules": [rule],
        "could_show": 0.04,
        "candidate": {
            "study": "a <b>study</b>",
            "trial": 3,
            "model": "rows",
            "dataset": "rows",
            "values": {"synthesizer.epochs": 10},
            "sweep_utility": 0.6,
            "point": [0.6, 0.1, 0.0, 0.2],
            "data_digest": "d1",
            "config_digest": "d2",
            "code_digest": "d3",
            "model_digest": "d4",
            "openings": 1,
            "front": {"front": [point]},
            "versions": {"python": "3.11"},
        },
        "models": [{"seed": 7, "run_id": "run", "utility": 0.55}],
        "utility": {**bound, "mean": 0.55, "lower": 0.5},
        "risk": {"mean": 0.02, "low": 0.0, "high": 0.045},
        "risks": {"learnt/auc": bound, "learnt/auc_outliers": {**bound, "upper": 0.2}},
        "attacks": {"learnt": "Someone who knows a lot"},
        "scores": {"quality/overall": 0.9},
        "flattery": {"utility": 0.05},
        "controls": [control],
        "rows": {"train": 100, "release": 40, "reference": 30, "synthetic": 500},
        "below_k": None,
        "notes": ["900 of the 1,000 rows have twins"],
        "skipped": ["k_map"],
        **changes,
    }


class _Outline(HTMLParser):
    """Headings, images and tables, as a reader without eyes meets them."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.images: list[dict[str, str | None]] = []
        self.opened: list[str] = []
        self.captions = self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch(r"h\d", tag):
            self.levels.append(int(tag[1]))
        self.images += [dict(attrs)] if tag == "img" else []
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag not in ("img", "meta"):
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def outline(html: str) -> _Outline:
    found = _Outline()
    found.feed(html)
    assert not found.opened
    return found


def test_the_verdict_stands_first_and_every_figure_beside_its_planted_leak() -> None:
    html = page(document(), words=WORDS, pictures={"columns": "<svg/>"})
    assert html.index("Passes the policy") < html.index("<h2>")
    for text in ("0.310", "learnt/auc", "Someone who knows a lot.", "opened 1 time when", "k_map"):
        assert text in html, text


def test_nothing_is_asked_of_anybody_and_nothing_is_taken_for_markup() -> None:
    html = page(document(), words=WORDS)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", html)
    assert "<script" not in html
    assert "a &lt;b&gt;study" in html
    assert "&lt;little&gt;" in html


def test_it_can_be_read_without_eyes() -> None:
    found = outline(page(document(), words=WORDS, pictures={"columns": "<svg/>"}))
    assert found.levels[0] == 1
    assert all(b - a <= 1 for a, b in zip(found.levels, found.levels[1:], strict=False))
    assert all(image.get("alt") for image in found.images)
    assert len(found.images) == 3
    assert found.captions == found.tables > 3


@pytest.mark.parametrize("verdict", ["fail", "cannot tell", "pass"])
def test_what_did_not_pass_says_in_red_that_it_is_no_release(verdict: str) -> None:
    html = page(document(verdict=verdict), words=WORDS)
    assert f'class="verdict {verdict.replace(" ", "-")}"' in html
    assert ("This version is no release" in html) == (verdict != "pass")


def test_a_candidate_behind_the_front_is_drawn_too_and_missing_parts_leave_no_gap() -> None:
    behind = document(risks={}, controls=[], scores={}, flattery={"utility": 0.1, "risk": -0.02})
    behind["candidate"]["trial"] = 9
    html = page(behind, words=WORDS)
    assert "There were too few of them to say anything" in html
    assert "0.020 lower than" in html


def test_a_table_that_somebody_else_made_has_a_page_without_a_sweep() -> None:
    audited = document(models=[], utility=None, scores={}, flattery={})
    audited["candidate"] = {"dataset": "a.csv", "versions": {}, "synthetic_digest": "d9"}
    html = page(audited, words=WORDS)
    outline(html)
    for text in ("a.csv: an audited table", "d9"):
        assert text in html
    for text in ("Where this model stands", "Usefulness", "had been opened"):
        assert text not in html


def test_what_the_figures_must_be_read_with_stands_beside_the_attacks() -> None:
    assert "<p>Note: 900 of the 1,000 rows have twins.</p>" in page(document(), words=WORDS)


def test_the_model_card_is_short_and_names_the_way_to_draw() -> None:
    text = model_card(document(), words=WORDS)
    assert text.startswith("# A generator of synthetic rows like those of rows")
    assert "tabveil sample model=models:/rows/VERSION" in text
    assert "| */auc | learnt/auc | 0.045 | 0.050 | pass |" in text
    assert "`d4`" in text
