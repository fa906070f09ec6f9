"""Is what is said of a candidate whole, the same for the same, and plain?"""

from __future__ import annotations

import json

from tabveil.confirmation import Attempt, conclude
from tabveil.contracts import Advantage
from tabveil.gate import Gate
from tabveil.statement import in_brief, in_words, reasons, statement, summary, tags, to_text

GATE = Gate("test", "It promises little.", {"*/auc": 0.1}, planted=())
FIRST = {"controls": [], "utility_without": [0.5] * 5, "below_k": None, "rare_levels": {}}
ABOUT = {
    "study": "study",
    "sweep_utility": 0.6,
    "data_digest": "d1",
    "config_digest": "d2",
    "code_digest": "d3",
}


def said(auc: float) -> dict[str, object]:
    models = [
        Attempt(4, i, i, f"run{i}", True, 0.5, {"learnt/auc": Advantage(auc, 0.02)}, first=FIRST)
        for i in range(3)
    ]
    confirmed = conclude(models, GATE, sweep_utility=0.6, sweep_risks={})
    return statement(confirmed, GATE, about=ABOUT, attacks={"learnt": "Someone"})


def test_the_document_is_json_and_its_tags_agree_with_it() -> None:
    document = said(0.0)
    assert json.loads(to_text(document)) == json.loads(json.dumps(document))
    found = tags(document)
    assert (found["trial"], found["verdict"], found["gate"]) == (4, "pass", "test")
    assert float(found["risk_low"]) <= float(found["risk"]) <= float(found["risk_high"])
    assert summary([document])[0][:2] == (4, "pass")


def test_words_say_the_verdict_first_then_the_promise_then_why() -> None:
    words = in_words(said(0.0))
    assert words[:2] == ["Passes the policy 'test'.", "It promises little."]
    assert any("four times in five" in sentence for sentence in words)
    assert any("0.100 higher" in sentence for sentence in words)
    failed = said(0.5)
    assert in_words(failed)[0].startswith("Fails the policy 'test'")
    assert reasons(failed) == [rule["why"] for rule in failed["rules"] if rule["outcome"] == "fail"]  # type: ignore[attr-defined]


def test_in_brief_a_verdict_is_three_lines_at_most_with_its_figures_first() -> None:
    for advantage, verdict in ((0.0, "Passes"), (0.5, "Fails")):
        document = said(advantage)
        lines = in_brief(document)
        assert len(lines) <= 3
        assert lines[0].startswith(verdict)
        assert "at most" in lines[0]
        assert ("would have shown" in lines[-1]) == any(
            rule["could_show"]
            for rule in document["rules"]  # type: ignore[attr-defined]
        )
        if verdict == "Fails":
            assert reasons(document)[0][1:] in lines[1]
