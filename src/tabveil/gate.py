"""May this model be released, by which rule, and with what left unsaid?

A gate is a policy: how much risk the attacks may leave possible, how much utility there must be,
which leaks the attacks must have been able to see. Every rule compares a bound, never an estimate,
and has one of three outcomes:

    pass          the bound keeps the limit
    fail          something was shown, and more than the limit
    cannot tell   neither: these rows cannot exclude what the limit forbids

The verdict is the worst of the rules': a table too small to show anything is not thereby safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from scipy.stats import norm

from tabveil.contracts import Advantage
from tabveil.errors import ConfigError
from tabveil.evidence import Evidence, Known
from tabveil.measure.over_seeds import OverSeeds
from tabveil.planting import PLANTED, kind_of, leak_name, percent_of

Outcome = Literal["pass", "fail", "cannot tell"]
_WORST_FIRST: tuple[Outcome, ...] = ("fail", "cannot tell", "pass")
EXIT_CODES: Mapping[Outcome, int] = {"pass": 0, "fail": 3, "cannot tell": 4}
"""With which a command ends that holds something against a gate."""
POWER = 0.8
"""How often what these rows could have shown would have been shown."""


@dataclass(frozen=True)
class Rule:
    """One rule of a gate, held against the evidence.

    Attributes:
        name: key of the limit in the policy.
        component: what was looked at, `<attack>/<score>`, or the name again.
        figure: the bound that is compared, None where there is none.
        limit: what it is compared with.
        outcome: of this rule.
        why: in words.
        could_show: of a risk: the smallest true advantage that these rows would have shown four
            times in five.
    """

    name: str
    component: str
    figure: float | None
    limit: float | None
    outcome: Outcome
    why: str
    could_show: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate passes a gate."""

    outcome: Outcome
    rules: tuple[Rule, ...]
    could_show: float | None
    """The smallest true advantage that any attack would have shown four times in five."""

    @property
    def reasons(self) -> list[str]:
        """Why it does not pass: the rules that failed, else those that cannot tell."""
        return [r.why for r in self.rules if r.outcome == self.outcome != "pass"]


@dataclass(frozen=True)
class Gate:
    """A policy.

    Attributes:
        name: of the policy.
        promise: what passing it means, and what it does not, in words for the report.
        limits: pattern of `<attack>/<score>` → most that the advantage may be, by its upper bound.
            Where several patterns fit a score the tightest counts.
        risk: the same for all components at once; None: no such limit.
        utility: least that the utility must be, by its lower bound; None: no such limit.
        attacks: those that must have been made; without them a limit on "any attack" is empty.
        models: trainings of a candidate, at least: one tells nothing of how they differ.
        planted: planted leaks (`<kind>_<percent>pct`, `planting.py`) that the attacks must have
            seen, or a smaller one of the kind.
        rare_below: training rows below which a level is rare; none may be sampled. 0: any may.
        k: least size of a group of sampled rows with equal quasi-identifiers, for `below_k`.
        below_k: most of the sampled rows that may stand in smaller groups; None: not looked at.
        confidence: of all bounds, one-sided, in (0.5, 1).
    """

    name: str
    promise: str
    limits: Mapping[str, float]
    risk: float | None = None
    utility: float | None = None
    attacks: Sequence[str] = ()
    models: int = 1
    planted: Sequence[str] = ("copies_10pct",)
    k: int = 5
    below_k: float | None = None
    rare_below: int = 5
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ConfigError(f"gate.confidence={self.confidence} must be in (0.5, 1)")
        for name, limit in {**self.limits, "risk": self.risk, "utility": self.utility}.items():
            if limit is not None and not 0 <= limit <= 1:
                raise ConfigError(f"gate: the limit of {name}, {limit}, must lie in [0, 1]")
        known = [leak_name(kind, n) for kind, about in PLANTED.items() for n in about.percents]
        if unknown := sorted(set(self.planted) - set(known)):
            raise ConfigError(
                f"gate.planted: {', '.join(unknown)}: no leak that is planted; there are "
                f"{', '.join(known)}"
            )
        if not self.limits and self.risk is None:
            raise ConfigError("gate.limits: a gate without a limit on a risk promises nothing")

    def judge(self, evidence: Evidence) -> Verdict:
        """Hold every rule against the evidence."""
        rules = (
            *self._of_missing(evidence),
            *self._of_controls(evidence),
            *self._of_risks(evidence),
            *self._of_rows(evidence),
            *self._of_utility(evidence),
        )
        outcome = next(o for o in _WORST_FIRST if o == "pass" or any(r.outcome == o for r in rules))
        shown = [rule.could_show for rule in rules if rule.could_show is not None]
        return Verdict(outcome, rules, min(shown, default=None))

    def _of_missing(self, evidence: Evidence) -> Iterator[Rule]:
        for attack, reason in evidence.missing.items():
            yield Rule("attacks", attack, None, None, "cannot tell", f"{attack}: {reason}")
        if not evidence.risks:
            yield Rule("attacks", "attacks", None, None, "cannot tell", "no attack gave a number")
        made = {key.partition("/")[0] for key in evidence.risks}
        for attack in sorted(set(self.attacks) - made - set(evidence.skipped)):
            if attack not in evidence.missing:
                why = f"{attack}: this policy asks for that attack, and nobody made it"
                yield Rule("attacks", attack, None, None, "cannot tell", why)
        n = min((len(found.values) for found in evidence.risks.values()), default=0)
        if evidence.trained and n < self.models:
            why = f"{n} models were trained, this policy asks for {self.models}"
            yield Rule("models", "models", float(n), float(self.models), "cannot tell", why)
        for pattern, limit in self.limits.items():
            attack = pattern.partition("/")[0]
            if any(fnmatchcase(key, pattern) for key in evidence.risks):
                continue
            if any(fnmatchcase(name, attack) for name in evidence.missing):
                continue  # told above
            excused = attack in evidence.skipped  # by its own name: `*` excuses nobody
            why = f"{pattern}: " + ("nothing to attack" if excused else "no attack measured it")
            ok: Outcome = "pass" if excused else "cannot tell"
            yield Rule(pattern, attack, None, limit, ok, why)

    def _of_controls(self, evidence: Evidence) -> Iterator[Rule]:
        for name in self.planted:
            control = _no_larger(name, evidence.controls)
            if control is None:
                yield _of_nothing_planted(name, evidence.controls)
                continue
            why = f"planted leak: {control.what}: {'seen' if control.seen else 'not seen'}"
            ok: Outcome = "pass" if control.seen else "cannot tell"
            yield Rule("planted", name, control.low, 0.0, ok, why)
        for control in evidence.controls:
            if not control.n_planted and control.far:
                why = f"a leak is shown where nothing can leak: {control.what}"
                yield Rule("controls", control.name, None, None, "cannot tell", why)

    def _of_risks(self, evidence: Evidence) -> Iterator[Rule]:
        for key, found in evidence.risks.items():
            fitting = {p: limit for p, limit in self.limits.items() if fnmatchcase(key, p)}
            if self.risk is not None:
                fitting["risk"] = self.risk
            if fitting:
                name = min(fitting, key=lambda pattern: fitting[pattern])
                yield self._of_risk(name, key, found, fitting[name], evidence)

    def _of_risk(
        self, name: str, key: str, found: OverSeeds, limit: float, evidence: Evidence
    ) -> Rule:
        n_tried = len(evidence.risks)
        upper = min(1.0, found.upper(self.confidence))  # nobody gains more than certainty
        shown = found.shown(n_tried, self.confidence)
        estimate = max(found.mean, found.values[0])
        if upper <= limit:
            outcome: Outcome = "pass"
            why = f"{key}: at most {upper:.3f}, within {limit:g}"
        elif shown > 0 and estimate > limit:
            null = self._explained(key, Advantage(estimate, found.row_ses[0]), evidence)
            outcome = "cannot tell" if null else "fail"
            why = f"{key}: a leak is shown, {estimate:.3f} (at least {shown:.3f}), above {limit:g}"
            if null:
                why = (
                    f"{key}: {estimate:.3f}, but as much where nothing can leak ({null.what}): the "
                    f"people learnt from and the others differ by themselves"
                )
        else:
            outcome = "cannot tell"
            why = f"{key}: up to {upper:.3f} cannot be excluded, {limit:g} is allowed"
        could = min(1.0, found.detectable(n_tried, self.confidence, POWER))
        return Rule(name, key, upper, limit, outcome, why, could_show=could)

    def _explained(self, key: str, found: Advantage, evidence: Evidence) -> Known | None:
        """A control in which nothing leaks, and which the attack does as well against."""
        z = float(norm.isf((1 - self.confidence) / max(1, len(evidence.risks))))
        return next((c for c in evidence.controls if c.explains(key, found, z=z)), None)

    def _of_rows(self, evidence: Evidence) -> Iterator[Rule]:
        for at in evidence.failed_before:
            why = f"other models of the same configuration failed this policy ({at})"
            yield Rule("failed_before", "models", None, None, "fail", why)
        for told in evidence.identifiers:
            yield Rule("identifiers", "identifiers", None, None, "fail", told)
        if self.below_k is not None and evidence.below_k is not None:
            share = evidence.below_k
            ok: Outcome = "pass" if share <= self.below_k else "fail"
            why = (
                f"{share:.1%} of the sampled rows share their quasi-identifiers with fewer than "
                f"{self.k - 1} others, {self.below_k:.1%} may"
            )
            yield Rule("below_k", f"k={self.k}", share, self.below_k, ok, why)
        if self.rare_below and evidence.rare_levels is not None:
            n = sum(evidence.rare_levels.values())
            names = ", ".join(evidence.rare_levels)
            why = f"{n} rare levels of {names} are sampled" if n else "no rare level is sampled"
            yield Rule("rare_levels", "levels", float(n), 0.0, "fail" if n else "pass", why)

    def _of_utility(self, evidence: Evidence) -> Iterator[Rule]:
        if self.utility is None:
            return
        if evidence.utility is None:
            why = f"utility: nobody measured it, {self.utility:g} is asked"
            yield Rule("utility", "utility", None, self.utility, "cannot tell", why)
            return
        lower, upper = (
            bound(self.confidence) for bound in (evidence.utility.lower, evidence.utility.upper)
        )
        outcome: Outcome = "pass" if lower >= self.utility else "cannot tell"
        if upper < self.utility:
            outcome = "fail"
        why = f"utility: at least {lower:.3f}, {self.utility:g} is asked"
        yield Rule("utility", "utility", lower, self.utility, outcome, why)


def _no_larger(name: str, controls: Sequence[Known]) -> Known | None:
    """The planted leak of the kind and size that a name asks for, or a smaller one that was seen.

    Larger ones are not planted once a smaller one was seen.
    """
    planted = [one for one in controls if one.n_planted and kind_of(one.name) == kind_of(name)]
    no_larger = [one for one in planted if percent_of(one.name) <= percent_of(name)]
    return max(no_larger, key=lambda one: (one.seen, one.n_planted), default=None)


def _of_nothing_planted(name: str, controls: Sequence[Known]) -> Rule:
    """Of near-copies there are none where nothing can be moved, though a cell can be changed."""
    kinds = {kind_of(one.name) for one in controls if one.n_planted}
    if kind_of(name) == "near" and "disguised" in kinds:
        why = f"{name}: there is no number or date in this table that noise would move"
        return Rule("planted", name, None, None, "pass", why)
    return Rule("planted", name, None, None, "cannot tell", f"{name}: could not be planted")
