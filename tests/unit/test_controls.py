"""Planted leaks are seen by attacks that see, and the null shows what is there without a leak."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from planted_tables import given, people

from tabveil.contracts import Advantage, EvalInput, Limits, Score
from tabveil.controls import (
    Control,
    Suite,
    run_controls,
    smallest_seen,
    unseen,
)
from tabveil.errors import CannotTell
from tabveil.evaluate import Evaluation, Result
from tabveil.measure.intervals import difference_of_proportions
from tabveil.planting import PLANTED
from tabveil.search.objective import Objectives

TABLES = ("train", "control", "reference", "synthetic")


@dataclass(frozen=True)
class Copies:
    """Sees exact copies, and nothing else."""

    name: ClassVar[str] = "copies"
    direction: ClassVar[str] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = "somebody who looks for rows that they know"

    def evaluate(self, data: EvalInput) -> list[Score]:
        if len(data.synthetic) < 20:
            raise CannotTell("cannot tell: few rows")
        n = [int(t["x"].isin(data.synthetic["x"]).sum()) for t in (data.train, data.control)]
        found = difference_of_proportions(
            members=n[0], n_members=len(data.train), others=n[1], n_others=len(data.control)
        )
        return [
            Score("excess", found.value, found.low, found.high, Advantage(found.value, found.se))
        ]


@dataclass(frozen=True)
class Apart(Copies):
    """Tells train from control by what they are, whatever the synthetic table."""

    name: ClassVar[str] = "apart"

    def evaluate(self, data: EvalInput) -> list[Score]:
        gap = float(data.train["x"].mean() - data.control["x"].mean())
        return [Score("gap", gap, gap - 0.1, gap + 0.1, Advantage(min(1.0, gap), 0.05))]


@dataclass(frozen=True)
class Blind(Copies):
    """Sees nothing."""

    name: ClassVar[str] = "blind"

    def evaluate(self, data: EvalInput) -> list[Score]:
        return [Score("none", 0.0, -0.1, 0.1, Advantage(0.0, 0.05))]


def suite(*attacks, **more) -> Suite:
    return Suite({one.name: one for one in attacks}, Objectives({}, **more))


def controls(data, whole, *, found=False):
    return run_controls(data, whole, found=found, n_tried=1)


def test_an_attack_that_sees_copies_sees_them_and_no_near_copies_and_nothing_where_none_is():
    found = controls(given(), suite(Copies()))
    seen = {"copies_1pct": True, "outliers_1pct": True, "fresh": False, "blind": False}
    near = {f"near_{n}pct": False for n in (1, 2, 5, 10)}
    unlike = {one.name: one.seen for one in found if one.kind != "disguised"}
    assert unlike == seen | near
    assert unseen(found) == ()
    assert smallest_seen(found)["near"] is None


@dataclass(frozen=True)
class NearCopies(Copies):
    """Sees rows that are like those of `far_out`, from 1.5 % of the rows on."""

    name: ClassVar[str] = "near_copies"

    def evaluate(self, data: EvalInput) -> list[Score]:
        share = float((data.synthetic["x"] > 50).mean())
        return [Score("share", share, 0, 1, Advantage(max(0.0, share - 0.015), 0.0001))]


def far_out(n: int, seed: int):
    return people(n, seed).assign(x=lambda t: t["x"] + 100)


def test_a_larger_leak_is_planted_only_until_one_is_seen_and_the_smallest_is_named():
    data = given(train=far_out(1000, 0))
    found = controls(data, suite(NearCopies()))
    near = {one.name: one.seen for one in found if one.kind == "near"}
    assert near == {"near_1pct": False, "near_2pct": True}
    assert smallest_seen(found)["near"].name == "near_2pct"
    assert [one.name for one in unseen(found)] == ["copies_1pct", "outliers_1pct"]


def test_what_is_seen_is_corrected_for_all_components_of_the_audit():
    @dataclass(frozen=True)
    class Weak(Copies):
        name: ClassVar[str] = "weak"

        def evaluate(self, data):
            return [Score("x", 0.1, 0.0, 0.2, Advantage(0.1, 0.05))]  # two standard errors

    alone, among = (
        run_controls(given(), suite(Weak()), found=False, n_tried=n)[0].seen for n in (1, 20)
    )
    assert (alone, among) == (True, False)


def test_where_train_and_control_differ_by_themselves_only_other_findings_count():
    data = given(train=people(1000, 0, shift=2))
    found = controls(data, suite(Copies(), Apart()), found=True)
    assert [one.as_wanted for one in found][-2:] == [False, False]
    assert all(one.as_wanted for one in found if one.kind in ("copies", "outliers"))
    leaks = {"copies/excess": Advantage(0.1, 0.01), "apart/gap": Advantage(0.9, 0.01)}
    assert set(suite(Copies(), Apart()).unexplained(leaks, found)) == {"copies/excess"}


def control(value: float, key: str = "learnt/auc") -> Control:
    return Control("fresh", "", 0, None, {key: Advantage(value, 0.01)}, {})


@pytest.mark.parametrize(
    ("nothing_leaks", "found", "explained"),
    [
        (control(0.0), 0.1, False),  # nothing there: whatever is found comes from the table
        (control(0.03), 0.04, True),  # no more than there
        (control(0.03), 0.2, False),  # much more than there
        (control(0.3), 0.9, True),  # far beyond chance: sizes mean nothing any more
        (control(0.3, "copies/excess"), 0.9, False),  # of another kind
        (control(0.3, "blind/auc"), 0.9, True),  # the same score of the blind attack
    ],
)
def test_a_finding_is_explained_by_as_much_where_nothing_leaks(nothing_leaks, found, explained):
    assert nothing_leaks.explains("learnt/auc", Advantage(found, 0.01), z=2.0) == explained


def test_controls_attack_few_targets_with_the_attacks_that_make_the_risk_only():
    seen = []

    @dataclass(frozen=True)
    class Watching(Copies):
        name: ClassVar[str] = "watching"

        def evaluate(self, data):
            seen.append(data.limits.max_targets)
            return Copies().evaluate(data)

    @dataclass(frozen=True)
    class Other(Copies):
        name: ClassVar[str] = "other"

        def evaluate(self, data):
            raise AssertionError("not asked for")

    whole = suite(Watching(), Other(), risk_from=["watching"])
    # Near-copies are looked for among as many as in the audit, copies among fewer. What was found
    # must be explained by as many.
    near = [10_000] * 4 + [10_000] * len(PLANTED["disguised"].percents)
    controls(given(), whole)
    assert seen[:2] == [2000] * 2
    assert set(seen[2:-1]) == {10_000}
    assert len(seen[2:-1]) <= len(near)
    assert seen[-1] == 2000
    seen.clear()
    controls(given(), whole, found=True)
    assert seen[-1] == 10_000
    seen.clear()
    controls(replace(given(), limits=Limits(max_targets=50)), whole)
    assert set(seen) == {50}


def test_a_failed_attack_takes_nothing_from_what_another_shows_and_is_not_forgotten():
    failed = Result("privacy", "blind", error="Traceback\nCannotTell: cannot tell: too few")
    leak = Result("privacy", "copies", (Score("excess", 0.5, 0.4, 0.6, Advantage(0.5, 0.05)),))
    whole, both = suite(Copies(), Blind()), Evaluation((failed, leak))
    risk = whole.risk(whole.advantages(both))
    assert risk is not None
    assert risk.low > 0.3
    assert whole.failed(both) == (failed,)
    assert whole.risk(whole.advantages(Evaluation((failed,)))) is None


def test_the_component_is_what_shows_most_or_else_what_excludes_least():
    leak = {"a/x": Advantage(0.2, 0.01), "b/y": Advantage(0.1, 0.2)}
    none = {"a/x": Advantage(-0.2, 0.01), "b/y": Advantage(0.0, 0.2)}
    risks = [suite(Copies()).risk(one) for one in (leak, none)]
    assert [risk.component for risk in risks if risk] == ["a/x", "b/y"]


def test_what_shows_a_leak_is_corrected_for_how_many_were_tried():
    one = Score("a", 0.6, 0.5, 0.7, Advantage(0.10, 0.05))  # two standard errors
    alone = Evaluation((Result("privacy", "copies", (one,)),))
    assert suite(Copies()).shown(alone) == {"copies/a"}
    others = tuple(Score(f"b{i}", 0.5, 0.4, 0.6, Advantage(0.0, 0.05)) for i in range(9))
    among = Evaluation((Result("privacy", "copies", (one, *others)),))
    assert suite(Copies()).shown(among) == frozenset()


def test_without_a_lineup_there_are_no_controls():
    with pytest.raises(CannotTell):
        controls(given(train=people(5, 0)), suite(Copies()))


def test_attacks_that_only_report_show_no_leak():
    leak = Score("excess", 0.5, 0.4, 0.6, Advantage(0.5, 0.05))
    both = Evaluation((Result("privacy", "copies", (leak,)), Result("privacy", "apart", (leak,))))
    assert suite(Copies(), Apart(), risk_from=["copies"]).shown(both) == {"copies/excess"}


def test_what_is_left_stays_corrected_for_all_that_were_tried():
    whole, far = suite(Copies()), control(0.9, "a/0")
    tried = {f"a/{i}": Advantage(0.9, 0.05) for i in range(1)} | {
        f"b/{i}": Advantage(0.1 if i == 0 else 0.0, 0.05) for i in range(19)
    }  # two standard errors: beyond chance alone, not among twenty
    explained = [far, control(0.0, "b/1")]
    leak = whole.leak(tried, explained)
    assert set(whole.unexplained(tried, explained)) == set(tried) - {"a/0"}
    assert (leak.component, leak.low, leak.high) == ("b/0", 0.0, whole.risk(tried).high)
    assert whole.leak({"b/0": tried["b/0"]}, ()).low > 0
