"""Can what somebody already knows of a person be completed from the synthetic table?

The attacker knows a person's other columns and wants the sensitive one. They learn from the
synthetic table how the one follows from the others, and guess. Much of what they get right holds
of anybody, which is what the table is released for; so the attack is made on members and on
people the model never saw, and only the difference counts.

Two attackers: one knows all the other columns, one only the quasi-identifiers. Both learn in two
ways: boosted trees, which learn what holds of many people, or the nearest row, which tells a copy's
secret. They rely on trees, unless the nearest row completes the synthetic table better from itself
(two folds) beyond chance: among the rows that only one of the two gets right, a sign test. A bare
count of hits would often be a tie, which the rounding of a processor breaks. Trees see no copies.
So wherever a synthetic row lies less than half as far from the person as any reference row does
(`nearer`), its secret is guessed, whichever learner is relied on. That rule looks at what the
attacker has and at nothing else, so that it cannot favour members of a table that holds nothing of
them.

Distances leave out numbers of which one value fills more than half (capital gains): in ranks the
least noise moves those by half a column, and hid every second row of a table of noisy copies.

Precision: an attacker who learns the same way from the reference is right and wrong about mostly
the same people, and cannot know who is a member. The difference is adjusted for that (a covariate
that membership cannot have changed), which lowers its variance and leaves its mean as it is.

References:
    Giomi et al. 2023 (arXiv:2211.10459): inference against members and against others, by the
    nearest row. Stadler et al. 2022 (arXiv:2011.07018): attribute inference from synthetic
    data, judged by what it adds. Deng et al., WSDM 2013: the adjustment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from scipy import stats

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import CannotTell
from tabveil.measure.distance import Neighbours, nearest
from tabveil.measure.encode import Encoded
from tabveil.measure.lineup import Lineup, Rows, lineup_of
from tabveil.measure.secrets import Mask, Secret, Values, adjusted_difference, difference
from tabveil.seeding import child_rng

T = TypeVar("T")
Learner = Literal["auto", "nearest", "boosting"]

_BEYOND_CHANCE = 0.01
"""P-value of the sign test below which the nearest row is relied on instead of trees."""
_SPIKE = 0.5
"""Share of a column above which its most common value is a spike."""


@dataclass(frozen=True)
class Inference:
    """Attribute inference, with all other columns known and with the quasi-identifiers known.

    Attributes:
        learner: "auto" as described above; "nearest" or "boosting" for one of them alone.
        nearer: "auto" guesses a synthetic row's secret where its distance is below this share of
            the nearest reference row's.
        tolerance: how near a number must be guessed (`measure/secrets.py`).
        max_learnt: rows that trees learn from.
        max_validated: synthetic rows on which "auto" compares the learners.
        n_trees: trees; more levels than two share them.
    """

    learner: Learner = "auto"
    nearer: float = 0.5
    tolerance: float = 0.05
    max_learnt: int = 4_000
    max_validated: int = 1_000
    n_trees: int = 40

    name: ClassVar[str] = "inference"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and knows a person's other columns, or only the "
        "quasi-identifiers, and wants to know that person's sensitive value."
    )

    @staticmethod
    def applies(schema: Schema) -> bool:
        """Whether there is a secret, and anything to guess it from."""
        modelled = schema.modelled()
        return bool(modelled.sensitive) and len(modelled.columns) > 1

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Guess each sensitive column of members and of others.

        Returns:
            `<column>` for each sensitive column, the first one first, all other columns known:
            share of members whose secret is guessed less that of others, in [-1, 1], adjusted
            for what the reference teaches. Then `<column>_by_quasi_identifiers`, where those
            are others than all other columns. Characters that no metric key may hold are
            replaced in the names; `detail["column"]` has the column's own.

        Raises:
            CannotTell: no sensitive column, or no other; or as `lineup_of`.
            DataError: a table lacks a column or holds what its kind cannot.
        """
        schema = data.schema.modelled()
        if not self.applies(schema):
            raise CannotTell(
                "cannot tell: inference needs a sensitive column (dataset.sensitive) and another "
                "one to guess it from"
            )
        keys = _keys(schema.sensitive)
        scores = [
            self._score(keys[column], column, [n for n in schema.names if n != column], data)
            for column in schema.sensitive
        ]
        for column in schema.sensitive:
            known = [name for name in schema.quasi_identifiers if name != column]
            if 0 < len(known) < len(schema.names) - 1:
                key = f"{keys[column]}_by_quasi_identifiers"
                scores.append(self._score(key, column, known, data))
        return scores

    def _score(self, key: str, column: str, known: list[str], data: EvalInput) -> Score:
        lineup = lineup_of(data)
        attack = _Attack(self, lineup, data.schema.modelled(), column, tuple(sorted(known)))
        is_member = lineup.is_member
        learner = attack.better() if self.learner == "auto" else self.learner
        guesses, by_nearest = attack.guesses(learner)
        right = attack.secret.right(guesses, attack.secrets)
        expected = attack.right_from_reference(learner)
        found = adjusted_difference(right=right, expected=expected, is_member=is_member)
        plain = difference(right, is_member)
        rates = {
            f"{who}_{what}": float(hits[side].mean())
            for what, hits in (
                ("rate", right),
                ("rate_from_reference", expected),
                ("rate_by_nearest", by_nearest),
            )
            for who, side in (("members", is_member), ("others", ~is_member))
        }
        detail: dict[str, Any] = {
            "column": column,
            "known": list(attack.known),
            "learner": learner,
            **rates,
            "residual_risk": plain.value / max(1 - rates["others_rate"], 1 / len(right)),
            "excess_over_reference": rates["members_rate"] - rates["members_rate_from_reference"],
            "unadjusted": {"value": plain.value, "low": plain.low, "high": plain.high},
            "n_members": int(is_member.sum()),
            "n_others": int((~is_member).sum()),
        }
        advantage = found.advantage
        return Score(key, found.value, found.low, found.high, advantage, detail)


@dataclass(frozen=True)
class _Attack:
    """One secret, one attacker's knowledge."""

    settings: Inference
    lineup: Lineup
    schema: Schema
    column: str
    known: tuple[str, ...]

    @property
    def secret(self) -> Secret:
        return self._once(
            "secret",
            lambda: Secret.fit(
                self.lineup.reference,
                self.schema[self.column],
                tolerance=self.settings.tolerance,
            ),
        )

    @property
    def secrets(self) -> Values:
        """The truth about the targets."""
        return self.secret.values(self.lineup.targets)

    def guesses(self, learner: str) -> tuple[Values, Mask]:
        """Of all targets' secrets from the synthetic table, and which are a nearest row's."""
        synthetic, everybody = self.lineup.synthetic, np.ones(len(self.lineup), dtype=bool)
        if self.settings.learner == "boosting":
            return self._boosted(synthetic, "synthetic"), ~everybody
        found = self._nearest(synthetic)
        theirs = self.secret.values(synthetic)[found.index[:, 0]]
        if learner == "nearest":
            return theirs, everybody
        guesses = self._boosted(synthetic, "synthetic")
        seen, known = found.distance[:, 0], self._in_reference().distance[:, 0]
        nearer = seen < self.settings.nearer * known
        return np.where(nearer, theirs, guesses), nearer

    def right_from_reference(self, learner: str) -> Mask:
        """Which guesses are right of somebody who learns from the reference alone."""

        def attack() -> Mask:
            reference = self.lineup.reference
            if learner == "nearest":
                guesses = self.secret.values(reference)[self._in_reference().index[:, 0]]
            else:
                guesses = self._boosted(reference, "reference")
            return self.secret.right(guesses, self.secrets)

        return self._once(f"right by {learner}", attack)

    def better(self) -> Learner:
        """Trees, unless the nearest row completes halves of the synthetic table better."""
        drawn = self._draw(self.lineup.synthetic, self.settings.max_validated, "validated")
        is_first = np.arange(len(drawn)) < len(drawn) // 2
        only_nearest = only_trees = 0
        for fold in (is_first, ~is_first):
            table, asked = drawn.take(~fold), drawn.take(fold)
            secrets = self.secret.values(asked)
            found = nearest(
                self._view(asked), self._view(table), device=self.lineup.limits.device
            ).index[:, 0]
            theirs = self.secret.values(table)[found]
            trees = self.secret.guess(table, self.known, asked, n_trees=self.settings.n_trees)
            by_nearest, by_trees = (self.secret.right(g, secrets) for g in (theirs, trees))
            only_nearest += int((by_nearest & ~by_trees).sum())
            only_trees += int((by_trees & ~by_nearest).sum())
        chance = stats.binom.sf(only_nearest - 1, only_nearest + only_trees, 0.5)
        return "nearest" if chance < _BEYOND_CHANCE else "boosting"

    def _boosted(self, table: Rows, role: str) -> Values:
        learnt = self._draw(table, self.settings.max_learnt, role)
        targets, n_trees = self.lineup.targets, self.settings.n_trees
        return self.secret.guess(learnt, self.known, targets, n_trees=n_trees)

    def _draw(self, table: Rows, most: int, role: str) -> Rows:
        """At most so many rows, in random order."""
        rng = child_rng(self.lineup.seed, "inference", self.column, *self.known, role)
        return table.take(rng.permutation(len(table))[:most])

    def _in_reference(self) -> Neighbours:
        return self._once("nearest in reference", lambda: self._nearest(self.lineup.reference))

    def _nearest(self, table: Rows) -> Neighbours:
        targets, device = self._view(self.lineup.targets), self.lineup.limits.device
        return nearest(targets, self._view(table), device=device)

    def _view(self, rows: Rows) -> Encoded:
        return rows.encoded.view(self._compared())

    def _compared(self) -> tuple[str, ...]:
        """The known columns without spiked ones, unless those are most of them."""

        def choose() -> tuple[str, ...]:
            encoded = self.lineup.reference.encoded
            spiked = {
                name
                for name, ranks in zip(encoded.numeric, encoded.ranks.T, strict=True)
                if np.unique(ranks, return_counts=True)[1].max() > _SPIKE * len(ranks)
            }
            kept = tuple(name for name in self.known if name not in spiked)
            return kept if 2 * len(kept) >= len(self.known) else self.known

        return self._once("compared", choose)

    def _once(self, what: str, make: Callable[[], T]) -> T:
        """For what depends on neither the synthetic table nor who is a member."""
        key = f"{self.settings!r} {self.column!r} {self.known} {what}"
        return self.lineup.once(key, make)


def _keys(columns: Iterable[str]) -> dict[str, str]:
    """A name for each column that a metric key may hold, all different.

    >>> _keys(["income (€)", "income [€]", "a/b"])
    {'income (€)': 'income ___', 'income [€]': 'income ____2', 'a/b': 'a_b'}
    """
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        plain = re.sub(r"[^\w\-. ]", "_", column)[:100]
        plain = "_" if plain in ("", ".", "..") else plain
        n, key = 1, plain
        while key in taken:
            n += 1
            key = f"{plain}_{n}"
        keys[column] = key
        ends = ("", "_by_quasi_identifiers")
        taken |= {f"{key}{end}{bound}" for end in ends for bound in ("", "_low", "_high")}
    return keys
