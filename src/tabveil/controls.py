"""Would these attacks have seen a leak in this very table, and do they see one where none is?

A report that shows nothing means nothing unless it would have shown something. So every audit
attacks this synthetic table again, with training rows planted in it, and looks twice where
nothing can leak:

    control          what is attacked                                      must
    ---------------  ----------------------------------------------------  ---------------------
    copies_<n>pct    it, and 1 (10) % as many training rows                be seen, at 1 %
    outliers_1pct    it, and 1 % as many outlying training rows            be seen
    near_<n>pct      it, and 1 (2, 5, 10) % as many training rows with a   be told, if seen
                     little noise on their numbers
    disguised_<n>pct likewise rounded, shifted or partly changed ones      be told, if seen
    fresh            half of the reference, against the other half         show nothing
    permuted         (the reference is small) it, with train and control   show nothing
                     shuffled
    blind            nothing: membership is guessed from the people's own  show nothing
                     values (measure/blind.py)

A larger leak of a kind is planted only where the smaller one stayed unseen. Where one of the last
three shows a leak, train and control differ by themselves, and a finding of that kind cannot be
laid at the generator's door. Planted leaks are attacked by those attacks that make the risk and
recognise rows: what they see, the whole suite sees too. Copies, which one count shows, are attacked
on fewer targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from tabveil.contracts import Advantage, Attack, EvalInput, MembershipAttack
from tabveil.evaluate import Evaluation, Result, evaluate
from tabveil.measure.blind import NAME, guess_blindly
from tabveil.measure.lineup import lineup_of
from tabveil.planting import PLANTED, Planted, kind_of, null, percent_of, planted
from tabveil.search.objective import Objective, Objectives

NULL = "null"
MAX_TARGETS = 2_000
"""Members, and as many others, in a control: enough to see 1 % of copies among 10,000 rows."""
FAR = 4.0
"""Standard errors beyond which the null's finding is no chance: of thirty components in each of a
thousand audits of tables without a leak, about one lies so far out."""


@dataclass(frozen=True)
class Suite:
    """The attacks, and how they make the risk."""

    attacks: Mapping[str, Attack]
    objectives: Objectives

    @property
    def components(self) -> dict[str, Attack]:
        """The attacks that make the risk."""
        chosen = self.objectives.risk_from
        return {name: a for name, a in self.attacks.items() if not chosen or name in chosen}

    @property
    def recognising(self) -> dict[str, Attack]:
        """Those of them that recognise rows, which is what sees planted ones; or else all."""
        every = self.components
        return {n: a for n, a in every.items() if isinstance(a, MembershipAttack)} or every

    def failed(self, evaluation: Evaluation) -> tuple[Result, ...]:
        """The attacks that make the risk and gave no number."""
        return tuple(r for r in evaluation.failed("privacy") if r.name in self.components)

    def advantages(self, evaluation: Evaluation) -> dict[str, Advantage]:
        """The components of the risk by those attacks that gave a number."""
        return {key: one for key, one in _advantages(evaluation) if _attack(key) in self.components}

    def risk(
        self, advantages: Mapping[str, Advantage], *, n_tried: int | None = None
    ) -> Objective | None:
        """The risk that these components make together; None where there are none.

        `n_tried`: for how many its lower bound is corrected; None: for their number.

        Its component is the one that shows most, or, where none shows anything, the one that
        excludes least. A failed attack takes nothing from what another one shows; whoever says
        that nothing was shown must look at `failed` first.
        """
        if not advantages:
            return None
        estimate = replace(self.objectives, risk_by="estimate").risk_of(advantages, n_tried=n_tried)
        by = "shown" if estimate.low > 0 else "at_most"
        worst = replace(self.objectives, risk_by=by).risk_of(advantages)  # type: ignore[arg-type]
        return replace(estimate, component=worst.component)

    def shown(self, evaluation: Evaluation) -> frozenset[str]:
        """The components of the risk that show a leak by themselves.

        Corrected for their number, as the risk is: where one does, the risk does.
        """
        advantages = self.advantages(evaluation)
        z = self.z(len(advantages))
        return frozenset(key for key, one in advantages.items() if one.value - z * one.se > 0)

    def leak(
        self, advantages: Mapping[str, Advantage], controls: Sequence[Control]
    ) -> Objective | None:
        """The risk by those components only that do better than where nothing leaks.

        Its bounds stay corrected for all that were tried; what cannot be excluded stays too.
        """
        whole, z = self.risk(advantages), self.z(len(advantages))
        left = self.unexplained(advantages, controls)
        if whole is None or not left:
            return None
        most = max(left, key=lambda key: left[key].value - z * left[key].se)
        value, low = (max(0.0, left[most].value - k * left[most].se) for k in (0, z))
        return replace(whole, value=value, low=low, component=most)

    def unexplained(
        self, advantages: Mapping[str, Advantage], controls: Sequence[Control]
    ) -> dict[str, Advantage]:
        """The components of the risk that do better than where nothing leaks."""
        z = self.z(len(advantages))
        nothing_leaks = [one for one in controls if not one.n_planted]
        return {
            key: one
            for key, one in advantages.items()
            if not any(control.explains(key, one, z=z) for control in nothing_leaks)
        }

    def z(self, n: int) -> float:
        """Standard errors of a one-sided bound that holds for `n` numbers at once."""
        return float(norm.isf((1 - self.objectives.confidence) / max(1, n)))


def _advantages(evaluation: Evaluation) -> Iterator[tuple[str, Advantage]]:
    for result in evaluation.results:
        for score in result.scores:
            if score.advantage is not None:
                yield f"{result.name}/{score.name}", score.advantage


def _attack(key: str) -> str:
    return key.partition("/")[0]


@dataclass(frozen=True)
class Control:
    """What the suite says where the answer is known.

    Attributes:
        name: as in the table above.
        what: the same in words.
        n_planted: training rows put into the table; 0: it leaks nothing.
        risk: by the attacks that gave a number; None where none did.
        advantages: its components.
        failed: attack → reason.
    """

    name: str
    what: str
    n_planted: int
    risk: Objective | None
    advantages: Mapping[str, Advantage]
    failed: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Of `PLANTED`, where something was planted."""
        return kind_of(self.name)

    @property
    def seen(self) -> bool:
        """Whether a leak was shown."""
        return self.risk is not None and self.risk.low > 0

    @property
    def far(self) -> bool:
        """Whether a component lies beyond chance by `FAR` standard errors."""
        return any(one.value - FAR * one.se > 0 for one in self.advantages.values())

    @property
    def as_wanted(self) -> bool:
        """Whether this planted leak was seen, or nothing beyond chance where there is none."""
        return self.seen if self.n_planted else not self.far

    def explains(self, key: str, found: Advantage, *, z: float) -> bool:
        """Whether `<attack>/<score>` succeeds no better than here, where nothing leaks.

        Far beyond chance, sizes mean nothing any more: then anything of its kind is explained.
        """
        return explains(self.advantages, key, found, far=self.far, z=z)


def explains(
    nothing_leaks: Mapping[str, Advantage], key: str, found: Advantage, *, far: bool, z: float
) -> bool:
    """Whether attacks where nothing leaks, some of them `far` beyond chance, do as well."""
    same = {key, f"{NAME}/{key.partition('/')[2]}"} & set(nothing_leaks)
    for one in (nothing_leaks[name] for name in same):
        if one.value - z * one.se <= 0:
            continue
        spread = float(np.hypot(one.se, found.se))
        if far or found.value - one.value - z * spread <= 0:
            return True
    return False


def run_controls(
    data: EvalInput, suite: Suite, *, found: bool, n_tried: int
) -> tuple[Control, ...]:
    """Make each of the controls above.

    Args:
        data: what the audit attacks; its lineup must be possible.
        suite: the attacks.
        found: whether the audit has shown something, which the controls without a leak must then
            be able to explain with as many targets.
        n_tried: components of the risk in the audit, for which what is seen is corrected.

    Raises:
        CannotTell: as `measure.lineup.lineup_of`.
    """
    made = [
        control
        for name in (*PLANTED, NULL)
        for control in run_control(data, suite, name, found=found, n_tried=n_tried)
    ]
    return (*made, guess(data, suite))


def run_control(
    data: EvalInput, suite: Suite, name: str, *, found: bool, n_tried: int
) -> tuple[Control, ...]:
    """Make the controls of one kind: leaks until one is seen; none where there is no row to plant.

    Args:
        data: as for `run_controls`, likewise what follows.
        suite: the attacks.
        name: one of PLANTED, or NULL.
        found: whether the audit has shown something; matters to NULL only.
        n_tried: components of the risk in the audit; matters to planted leaks only.
    """
    most = min(MAX_TARGETS, data.limits.max_targets or MAX_TARGETS)
    small = replace(data, limits=replace(data.limits, max_targets=most))
    if name == NULL:
        called, what, without = null(data if found else small)
        evaluation = evaluate(without, metrics={}, attacks=suite.components)
        return (_control(called, what, 0, evaluation, suite),)
    attacked = small if PLANTED[name].needed else data
    made: list[Control] = []
    for leak in planted(data, name):
        made.append(_with_leak(leak, attacked, suite, n_tried))
        if made[-1].seen:
            break
    return tuple(made)


def _with_leak(leak: Planted, data: EvalInput, suite: Suite, n_tried: int) -> Control:
    """Attack by attack, until one sees it."""
    leaking = data.with_rows(leak.rows)
    results: tuple[Result, ...] = ()
    for name, attack in suite.recognising.items():
        results += evaluate(leaking, metrics={}, attacks={name: attack}).results
        about = leak.name, leak.words, len(leak.rows)
        control = _control(*about, Evaluation(results), suite, n_tried=n_tried)
        if control.seen:
            break
    return control


def _control(
    name: str,
    what: str,
    n: int,
    evaluation: Evaluation,
    suite: Suite,
    *,
    n_tried: int | None = None,
) -> Control:
    advantages = suite.advantages(evaluation)
    return Control(
        name=name,
        what=what,
        n_planted=n,
        risk=suite.risk(advantages, n_tried=n_tried),
        advantages=advantages,
        failed={result.name: result.reason for result in evaluation.results if result.error},
    )


def guess(data: EvalInput, suite: Suite) -> Control:
    """The control that attacks no table. Raises CannotTell as `run_controls`."""
    advantages = {
        f"{NAME}/{score.name}": score.advantage
        for score in guess_blindly(lineup_of(data))
        if score.advantage is not None
    }
    what = "no table: guesses from people's own values"
    return Control(NAME, what, 0, suite.risk(advantages), advantages, failed={})


def unseen(controls: Sequence[Control]) -> tuple[Control, ...]:
    """Of each kind that must be seen, the smallest planted leak if it was not."""
    missed = []
    for kind in (name for name, about in PLANTED.items() if about.needed):
        smallest = next((one for one in controls if one.n_planted and one.kind == kind), None)
        if smallest and not smallest.seen:
            missed.append(smallest)
    return tuple(missed)


def smallest_seen(controls: Sequence[Control]) -> dict[str, Control | None]:
    """Kind of planted leak → the smallest that was seen; None: none of those that were planted."""
    kinds = {one.kind: None for one in controls if one.n_planted}
    return kinds | {one.kind: one for one in controls if one.n_planted and one.seen}


def seen_from(controls: Sequence[Control]) -> str:
    """From which size on each kind of planted leak was seen, in words."""
    said = []
    for kind, smallest in smallest_seen(controls).items():
        size = f"from {percent_of(smallest.name)} % on" if smallest else "at no size"
        said.append(f"{PLANTED[kind].words} {size}")
    return ", ".join(said)
