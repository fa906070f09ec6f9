"""From what the attacks found to a verdict and to files."""

import json
import os
from dataclasses import replace

import pytest

from tabveil import audit
from tabveil.audit import Audit, conclude, to_dict
from tabveil.commands.audit import _rows, sentence
from tabveil.commands.audit_folder import prepare, write
from tabveil.contracts import Advantage, Score
from tabveil.controls import Control
from tabveil.errors import DataError
from tabveil.evaluate import Evaluation, Result
from tabveil.measure.identifiers import Released
from tabveil.search.objective import Objective


def risk(low: float, high: float = 0.2, component: str = "learnt/auc") -> Objective:
    return Objective((low + high) / 2, low, high, component)


def control(name: str, *, seen: bool, planted: int = 10, far: bool = False) -> Control:
    advantages = {"learnt/auc": Advantage(0.5 if far else 0.0, 0.05)}
    what = f"{planted} rows: {name}"
    return Control(name, what, planted, risk(0.1 if seen else 0), advantages, {})


ALL_SEEN = (
    control("copies_1pct", seen=True),
    control("near_2pct", seen=True, planted=20),
    control("fresh", seen=False, planted=0),
)
FAILED = Result("privacy", "inference", error="Traceback\nCannotTell: cannot tell: 3 rows")
ALSO = replace(FAILED, name="k_map")


NULL_FAR = (*ALL_SEEN[:2], control("fresh", seen=True, planted=0, far=True))


@pytest.mark.parametrize(
    ("found", "leak", "failed", "controls", "verdict", "said"),
    [
        (0.0, 0.0, (), ALL_SEEN, "nothing shown", "at most 0.200 (learnt/auc)"),
        (0.1, 0.1, (), ALL_SEEN, "leak shown", "learnt/auc beats guessing; the risk is at least"),
        (0.1, 0.1, (FAILED,), ALL_SEEN, "leak shown", "at least 0.100, at most 0.200"),
        (0.1, 0.1, (), (), "leak shown", "at least"),
        (0.0, 0.0, (FAILED,), ALL_SEEN, "cannot tell", "inference gave no number: 3 rows"),
        (None, None, (FAILED,), (), "cannot tell", "inference gave no number: 3 rows"),
        (0.0, 0.0, (), (), "cannot tell", "none could be planted"),
        (0.0, 0.0, (), (control("copies_1pct", seen=False), *ALL_SEEN[1:]), "cannot tell",
         "unseen: 10 rows: copies_1pct; seen were training rows at no size, near-copies of "
         "training rows from 2 % on"),
        (0.0, 0.0, (), (control("near_1pct", seen=False), *ALL_SEEN), "nothing shown", "at most"),
        (0.0, 0.0, (), (ALL_SEEN[0], control("near_5pct", seen=False)), "nothing shown", "at most"),
        (0.0002, 0.0002, (), ALL_SEEN, "leak shown", "the risk is above 0 (by < 0.001), at most"),
        (None, None, (FAILED, ALSO), (), "cannot tell", "inference, k_map gave no number: 3"),
        (0.3, None, (), NULL_FAR, "cannot tell", "train and control differ by themselves"),
        (0.3, 0.0, (), NULL_FAR, "cannot tell", "train and control differ by themselves"),
        (0.0, 0.0, (), NULL_FAR, "cannot tell", "train and control differ by themselves"),
        (0.3, 0.1, (), NULL_FAR, "leak shown", "at least 0.100"),
        (0.1, 0.0, (), (*ALL_SEEN[:2], control("fresh", seen=True, planted=0)), "cannot tell",
         "told apart with 0 rows: fresh"),
    ],
)  # fmt: skip
def test_the_verdict(found, leak, failed, controls, verdict, said):
    told, reason = conclude(
        None if found is None else risk(found),
        None if leak is None else risk(leak, 0.15),
        failed,
        controls,
    )
    assert told == verdict
    assert said in reason


def made(verdict="nothing shown", low=0.0) -> Audit:
    score = Score(
        "auc", 0.5, 0.45, 0.55, Advantage(0.0, 0.05), {"roc": {"fpr": [0, 1], "tpr": [0, 1]}}
    )
    broken = Result("privacy", "k_map", error="Traceback\nValueError at k_map.py:3")
    skipped = Result("privacy", "inference", skipped=True)
    results = (Result("privacy", "learnt", (score, Score("epsilon", 0, 0, 3))), broken, skipped)
    return Audit(
        verdict,
        "because",
        risk(low),
        Evaluation(results),
        (),
        frozenset({"learnt"}),
        frozenset({"learnt/auc"} if low else ()),
        ALL_SEEN,
        (Released("ssn", 0.5, 0.0, 0.2),),
        {
            name: {"rows": 9, "columns": 2, "digest": "d"}
            for name in ("synthetic", "train", "control")
        },
        ("a note",),
        7,
    )


def test_scores_are_keyed_by_attack_and_score_and_every_one_has_an_interval():
    told = to_dict(made())
    assert told["scores"]["privacy/learnt/auc"] == {
        "attack": "learnt",
        "score": "auc",
        "value": 0.5,
        "low": 0.45,
        "high": 0.55,
        "advantage": {"value": 0.0, "se": 0.05, "se_above": None},
        "leak_shown": False,
    }
    assert told["scores"]["privacy/learnt/epsilon"]["leak_shown"] is None
    assert told["risk"] == {"value": 0.1, "low": 0.0, "high": 0.2, "component": "learnt/auc"}
    assert told["failed"] == [
        {"attack": "k_map", "reason": "ValueError at k_map.py:3", "makes_the_risk": False}
    ]
    assert told["skipped"] == ["inference"]
    assert [c["seen"] for c in told["controls"]] == [True, True, False]
    assert [c["risk"]["low"] for c in told["controls"]] == [0.1, 0.1, 0]
    assert (told["verdict"], told["reason"], told["seed"]) == ("nothing shown", "because", 7)


def test_files_are_written_beside_what_is_there(tmp_path):
    (tmp_path / "mine.txt").write_text("stays")
    prepare(tmp_path)
    write(made(), tmp_path, plots=True)
    assert sorted(os.listdir(tmp_path)) == [
        "mine.txt", "risk.png", "risk.svg", "roc.png", "roc.svg", "scores.json",
    ]  # fmt: skip
    prepare(tmp_path)
    write(made("leak shown", 0.1), tmp_path, plots=False)
    assert sorted(os.listdir(tmp_path)) == ["mine.txt", "scores.json"]
    assert json.loads((tmp_path / "scores.json").read_text())["verdict"] == "leak shown"


@pytest.mark.parametrize("content", ["{}", "not json", "[1]", '"verdict"', "3"])
def test_scores_of_somebody_else_are_not_overwritten(tmp_path, content):
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(DataError, match="not written by an audit"):
        prepare(tmp_path)


def test_a_file_is_no_place_for_results(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match="is a file"):
        prepare(tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made"):
        prepare(tmp_path / "file" / "out")
    assert prepare(tmp_path / "new" / "out")
    assert not prepare(tmp_path / "new" / "out")


def test_the_sentence_says_what_was_attacked_and_what_would_have_been_seen():
    text = sentence(made())
    assert text.startswith("Nothing shown: 9 synthetic rows, attacked with 9 rows of train")
    seen = "training rows from 1 % on, near-copies of training rows from 2 % on"
    assert f"Of leaks planted in it were seen: {seen}." in text
    assert "not a proof" in text
    assert "planted" not in sentence(made("leak shown", 0.1))
    assert "planted" not in sentence(made("cannot tell"))
    asked = sentence(replace(made("cannot tell"), reason="are they swapped?"))
    assert asked.endswith("are they swapped?")


def test_attacks_that_only_report_say_nothing_of_a_leak():
    only_reports = replace(made(), makes_the_risk=frozenset())
    assert to_dict(only_reports)["scores"]["privacy/learnt/auc"]["leak_shown"] is None
    assert "no" not in [row[-1] for row in _rows(made().evaluation.results[0], only_reports, set())]


def test_a_reason_that_attacks_share_is_said_once():
    said = set()
    rows = [_rows(one, made(), said) for one in (FAILED, ALSO)]
    assert [row[2] for (row,) in rows] == ["3 rows", "likewise"]


def test_every_verdict_has_a_place_in_the_code():
    from typing import get_args

    from tabveil.commands.audit import _EXIT_CODES

    assert set(_EXIT_CODES) == set(get_args(audit.Verdict))
