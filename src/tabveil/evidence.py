"""What was measured, as a gate needs it, whoever made the table?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tabveil.contracts import Advantage
from tabveil.controls import Control, explains
from tabveil.measure.over_seeds import OverSeeds


@dataclass(frozen=True)
class Known:
    """What the attacks said where the answer is known; see `controls.Control`."""

    name: str
    what: str
    n_planted: int
    seen: bool
    far: bool
    low: float | None
    advantages: Mapping[str, float] = field(default_factory=dict)
    ses: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, control: Control) -> Known:
        """What of a control a gate looks at."""
        low = control.risk.low if control.risk else None
        found, ses = (
            {key: getattr(one, of) for key, one in control.advantages.items()}
            for of in ("value", "se")
        )
        return cls(
            *(control.name, control.what, control.n_planted, control.seen, control.far),
            *(low, found, ses),
        )

    def explains(self, key: str, found: Advantage, *, z: float) -> bool:
        """Whether nothing was planted here, and the attack does as well."""
        mine = {key: Advantage(self.advantages[key], se) for key, se in self.ses.items()}
        return not self.n_planted and explains(mine, key, found, far=self.far, z=z)


@dataclass(frozen=True)
class Evidence:
    """What was measured of a candidate on rows that its sweep never touched.

    Attributes:
        risks: `<attack>/<score>` → its advantage over guessing, over the models.
        utility: likewise; the objective's utility in [0, 1]. None where it was not measured.
        missing: attack → why it gave no number in some model.
        skipped: attacks that had nothing to look at, such as inference without sensitive columns.
        controls: what the attacks say where the answer is known.
        below_k: share of the sampled rows in groups of equal quasi-identifiers smaller than the
            gate's `k`; None without quasi-identifiers.
        identifiers: in words, those of real people that stand in the table.
        failed_before: when other models of the same candidate failed this gate.
        trained: whether these are models of ours; of a table by somebody else there is one.
        rare_levels: column → how many levels are in the sample that fewer training rows hold than
            the gate's `rare_below`; None where nobody looked.
    """

    risks: Mapping[str, OverSeeds]
    utility: OverSeeds | None
    missing: Mapping[str, str] = field(default_factory=dict)
    skipped: Sequence[str] = ()
    controls: Sequence[Known] = ()
    below_k: float | None = None
    rare_levels: Mapping[str, int] | None = field(default_factory=dict)
    identifiers: Sequence[str] = ()
    failed_before: Sequence[str] = ()
    trained: bool = True
