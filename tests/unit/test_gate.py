"""Does a gate pass what keeps its limits, refuse what was shown, and say when it cannot tell?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tabveil.errors import ConfigError
from tabveil.evidence import Evidence, Known
from tabveil.gate import Gate
from tabveil.measure.over_seeds import OverSeeds

GATE = Gate("test", "promises", {"*/auc": 0.05, "copies/*": 0.01}, planted=("copies_10pct",))
SEEN = Known("copies_10pct", "10 % copies", 10, seen=True, far=True, low=0.1)
UNSEEN = replace(SEEN, seen=False, far=False, low=0.0)
USEFUL = OverSeeds((0.6, 0.62, 0.58), (0.01,) * 3, row_df=4)


def risk(value: float, se: float = 0.01) -> OverSeeds:
    return OverSeeds((value,) * 3, (se,) * 3)


def evidence(risks: Mapping[str, OverSeeds], **changes: object) -> Evidence:
    filled = {"learnt/auc": risk(0.0), "copies/excess": risk(0.0, 0.002), **risks}
    return replace(Evidence(filled, USEFUL, controls=(SEEN,)), **changes)  # type: ignore[arg-type]


def test_bounds_within_the_limits_pass() -> None:
    verdict = GATE.judge(evidence({}))
    assert (verdict.outcome, verdict.reasons) == ("pass", [])
    assert {rule.component for rule in verdict.rules} >= {"learnt/auc", "copies/excess"}
    assert verdict.could_show == pytest.approx(
        min(rule.could_show for rule in verdict.rules if rule.could_show)
    )


def test_a_leak_above_the_limit_fails_and_names_the_attack() -> None:
    verdict = GATE.judge(evidence({"learnt/auc": risk(0.2)}))
    assert verdict.outcome == "fail"
    (reason,) = verdict.reasons
    assert reason.startswith("learnt/auc: a leak is shown, 0.200")


def test_a_leak_of_the_first_model_alone_fails() -> None:
    first = OverSeeds((0.4, 0.0, 0.0), (0.01,) * 3)
    assert GATE.judge(evidence({"learnt/auc": first})).outcome == "fail"


def test_what_the_rows_cannot_exclude_is_not_safe() -> None:
    verdict = GATE.judge(evidence({"learnt/auc": risk(0.0, 0.2)}))
    assert verdict.outcome == "cannot tell"
    assert "cannot be excluded" in verdict.reasons[0]


def test_a_small_leak_within_the_limit_passes() -> None:
    assert GATE.judge(evidence({"learnt/auc": risk(0.03, 0.005)})).outcome == "pass"


def test_an_unseen_planted_leak_or_one_where_nothing_leaks_cannot_tell() -> None:
    null = Known("fresh", "fresh rows", 0, seen=True, far=True, low=0.3)
    for controls in ((UNSEEN,), (), (SEEN, null)):
        assert GATE.judge(evidence({}, controls=controls)).outcome == "cannot tell"


def test_a_smaller_planted_leak_of_the_kind_will_do_and_a_larger_one_will_not() -> None:
    asked = replace(GATE, planted=("near_5pct",))
    steps = [replace(UNSEEN, name="near_1pct", n_planted=1)]
    for size, outcome in ((2, "pass"), (10, "cannot tell")):
        seen = replace(SEEN, name=f"near_{size}pct", n_planted=size)
        unseen = [] if size == 2 else [replace(UNSEEN, name="near_5pct", n_planted=5)]
        found = asked.judge(evidence({}, controls=(SEEN, *steps, *unseen, seen)))
        assert found.outcome == outcome
    changed = replace(SEEN, name="disguised_1pct")
    assert asked.judge(evidence({}, controls=(SEEN, changed))).outcome == "pass"  # none can be
    for controls in ((), (SEEN,)):
        assert asked.judge(evidence({}, controls=controls)).outcome == "cannot tell"
    with pytest.raises(ConfigError, match="near_3pct: no leak that is planted; there are copies_1"):
        replace(GATE, planted=("near_3pct",))


def test_a_leak_that_is_there_where_nothing_can_leak_is_not_laid_at_the_models_door() -> None:
    blind = Known(
        "blind", "nothing", 0, False, False, 0.1, {"blind/auc": 0.19}, {"blind/auc": 0.02}
    )
    leak = {"learnt/auc": risk(0.2)}
    found = GATE.judge(evidence(leak, controls=(SEEN, blind)))
    assert found.outcome == "cannot tell"
    assert "differ by themselves" in found.reasons[0]
    smaller = replace(blind, advantages={"blind/auc": 0.06})
    assert GATE.judge(evidence(leak, controls=(SEEN, smaller))).outcome == "fail"
    planted = replace(blind, n_planted=10)
    assert GATE.judge(evidence(leak, controls=(SEEN, planted))).outcome == "fail"


def test_a_policy_names_the_attacks_and_the_number_of_models_it_rests_on() -> None:
    asking = replace(GATE, attacks=("learnt", "inference"), models=3)
    found = asking.judge(evidence({}))
    assert found.outcome == "cannot tell"
    assert found.reasons == ["inference: this policy asks for that attack, and nobody made it"]
    assert asking.judge(evidence({}, skipped=("inference",))).outcome == "pass"
    one = OverSeeds((0.0,), (0.002,))
    few = {"learnt/auc": one, "copies/excess": one, "inference/x": one}
    found = asking.judge(evidence(few))
    assert found.reasons == ["1 models were trained, this policy asks for 3"]
    assert asking.judge(evidence(few, trained=False)).outcome == "pass"


def test_what_failed_with_other_models_fails_with_these() -> None:
    found = GATE.judge(evidence({}, failed_before=("2026-01-01",)))
    assert found.outcome == "fail"
    assert found.reasons == [
        "other models of the same configuration failed this policy (2026-01-01)"
    ]


def test_a_leak_is_a_leak_whatever_else_cannot_be_told() -> None:
    verdict = GATE.judge(evidence({"learnt/auc": risk(0.2)}, controls=(UNSEEN,)))
    assert verdict.outcome == "fail"


def test_an_attack_that_failed_or_never_ran_cannot_tell_and_one_without_work_is_excused() -> None:
    only = {"learnt/auc": risk(0.0)}
    base = Evidence(only, USEFUL, controls=(SEEN,))
    assert GATE.judge(base).outcome == "cannot tell"
    assert GATE.judge(replace(base, missing={"copies": "too few"})).outcome == "cannot tell"
    assert GATE.judge(replace(base, skipped=("copies",))).outcome == "pass"


def test_one_attack_without_work_excuses_no_other() -> None:
    found = Evidence({"copies/excess": risk(0.0, 0.002)}, USEFUL, controls=(SEEN,))
    assert GATE.judge(replace(found, skipped=("k_map",))).outcome == "cannot tell"
    nothing = replace(GATE, limits={}, risk=0.3, planted=())
    assert nothing.judge(Evidence({}, USEFUL)).outcome == "cannot tell"


def test_rare_levels_that_nobody_looked_for_are_not_ticked() -> None:
    rules = GATE.judge(evidence({}, rare_levels=None)).rules
    assert "rare_levels" not in {rule.name for rule in rules}


def test_the_tightest_fitting_limit_counts_and_one_limit_may_hold_for_all() -> None:
    gate = replace(GATE, limits={"*/auc": 0.5, "learnt/*": 0.02, "copies/*": 0.01}, risk=0.3)
    rules = {rule.component: rule for rule in gate.judge(evidence({"odd/x": risk(0)})).rules}
    assert (rules["learnt/auc"].name, rules["learnt/auc"].limit) == ("learnt/*", 0.02)
    assert (rules["odd/x"].name, rules["odd/x"].limit) == ("risk", 0.3)


def test_utility_rare_levels_and_small_groups_have_their_rules() -> None:
    gate = replace(GATE, utility=0.5, below_k=0.1)
    assert gate.judge(evidence({}, below_k=0.05)).outcome == "pass"
    assert gate.judge(evidence({}, below_k=0.2)).outcome == "fail"
    assert gate.judge(evidence({}, rare_levels={"job": 2})).outcome == "fail"
    poor = OverSeeds((0.2, 0.21, 0.2), (0.01,) * 3, row_df=4)
    assert gate.judge(evidence({}, utility=poor)).outcome == "fail"
    unsure = OverSeeds((0.5, 0.52, 0.51), (0.05,) * 3, row_df=4)
    assert gate.judge(evidence({}, utility=unsure)).outcome == "cannot tell"


def test_identifiers_of_real_people_fail_and_a_utility_that_nobody_measured_cannot_tell() -> None:
    found = GATE.judge(evidence({}, identifiers=("3 names of train stand in the table",)))
    assert (found.outcome, found.reasons) == ("fail", ["3 names of train stand in the table"])
    assert GATE.judge(evidence({}, utility=None)).outcome == "pass"
    assert replace(GATE, utility=0.5).judge(evidence({}, utility=None)).outcome == "cannot tell"


def test_a_policy_that_makes_no_sense_is_refused() -> None:
    for changes in ({"confidence": 0.4}, {"risk": 2.0}, {"limits": {}}):
        with pytest.raises(ConfigError, match="gate"):
            replace(GATE, **changes)


@pytest.mark.parametrize("path", sorted(Path("conf/gate").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_policy_is_a_gate_that_says_what_it_promises(path: Path) -> None:
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert given.pop("_target_") == "tabveil.gate.Gate"
    gate = Gate(**given)
    assert gate.name == path.stem
    assert "not" in gate.promise
