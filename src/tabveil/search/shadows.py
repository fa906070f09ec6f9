"""What do the attacks see once each person's own difficulty is taken away?

Some people look like members to any model: their rows are common, or odd in a way that many
tables show. An attacker who trains models like ours (the grey box) measures that on models that
never saw the person, and subtracts it. Training such shadow models costs too much for a sweep,
but a sweep *is* a set of models: each trial learns from another random part of the pool
(data/membership.py), so that every trial is a shadow of every other.

    calibrated signal of person x in trial t
        = signal of x in t - b · mean of the signal of x over the other trials without x

Trials of a sweep differ in configuration, and so in scale and in how much of a person's difficulty
shows. So signals are standardised within each trial, and b is what of the mean is found again in
this trial: the least-squares slope over all people judged, which knows nothing of membership.
(b = 1, the plain difference, adds the shadows' noise where trials differ.) What keeps the
comparison fair:

- Only people of the pool are judged. Control people are in no trial, so that more shadows speak
  of each, and their calibrated signals spread less than the members': a difference in shape that
  would pass for a leak.
- A person of whom too few shadows speak is left out, whether a member or not: how many trials
  *other* than t left x out does not depend on t's own coin.

Sources: Sablayrolles et al. 2019 and Watson et al. 2022 (arXiv:2111.08440) for difficulty
calibration; Carlini et al. 2022, LiRA (arXiv:2112.03570) for shadow models by random halves. Its
fit of a normal to each person needs more shadows than a sweep has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Attack, Combination, EvalInput, MembershipAttack, Score
from tabveil.errors import CannotTell, StudyError
from tabveil.measure.combine import cross_fit
from tabveil.measure.lineup import MIN_ROWS, lineup_of
from tabveil.measure.verdict import judge_among
from tabveil.seeding import child_rng, child_seed

MIN_SHADOWS = 2
"""Trials that must have left a person out, so that their mean says something of the person."""
MIN_TRIALS = 8
"""Fewer trials leave a person one or two shadows: their noise is added, and the calibrated attack,
weaker than the plain one, would only widen what cannot be excluded."""
_FORMAT = 1


@dataclass(frozen=True)
class Shadow:
    """What one trial's attacks saw of each target, in the same order in every trial.

    Attributes:
        names: `<attack>/<signal>`, length n_signals.
        signals: shape (n_targets, n_signals), float16, high for "member"; median 0, spread 1.
        is_member: shape (n_targets,), whether the trial learnt from the target.
        in_pool: shape (n_targets,), whether it might have.
        is_outlier: shape (n_targets,), the decile farthest from the reference.
        targets: a digest of who the targets are; shadows of different people do not compare.
    """

    names: tuple[str, ...]
    signals: NDArray[np.float16]
    is_member: NDArray[np.bool_]
    in_pool: NDArray[np.bool_]
    is_outlier: NDArray[np.bool_]
    targets: str

    def save(self, path: Path) -> None:
        """Write to `path`, whole or not at all, readable by its owner only.

        The file says who was a member by position, not by row: it is no secret by itself, but
        belongs where the prepared table is.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            np.savez_compressed(
                file,
                format=_FORMAT,
                names=np.array(self.names),
                signals=self.signals,
                masks=np.stack([self.is_member, self.in_pool, self.is_outlier]),
                targets=np.array(self.targets),
            )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Shadow:
        """Read what `save` wrote. Raises StudyError when it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                if int(stored["format"]) != _FORMAT:
                    raise ValueError("format")
                is_member, in_pool, is_outlier = stored["masks"]
                names = tuple(str(name) for name in stored["names"])
                return cls(
                    names, stored["signals"], is_member, in_pool, is_outlier, str(stored["targets"])
                )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise StudyError(
                f"no signals of the trial at {path} ({type(error).__name__})"
            ) from error


def shadow_of(data: EvalInput, attacks: Mapping[str, Attack]) -> Shadow | None:
    """The signals that the selected combination of attacks uses; None without a combination."""
    combined = [a for a in attacks.values() if isinstance(a, Combination)]
    try:
        signals = {
            name: values
            for attack in combined
            if isinstance(attack, MembershipAttack)
            for name, values in attack.signals(data).items()
        }
        lineup = lineup_of(data)
    except Exception:  # the evaluation has recorded why an attack could not look
        return None
    if not signals:
        return None
    matrix = _standardised(np.column_stack(list(signals.values())))
    return Shadow(
        names=tuple(signals),
        signals=matrix.astype(np.float16),
        is_member=lineup.is_member,
        in_pool=lineup.in_pool,
        is_outlier=lineup.is_outlier,
        targets=lineup.digest,
    )


def _standardised(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median 0, half of the values within ±0.67 as in a normal; clipped to what float16 holds."""
    low, middle, high = np.quantile(matrix, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, matrix.std(axis=0))
    scaled = (matrix - middle) / np.where(spread > 0, spread, 1.0)
    clipped: NDArray[np.float64] = scaled.clip(-1000, 1000)
    return clipped


@dataclass(frozen=True)
class Calibrated:
    """One trial's signals with each person's difficulty taken away.

    Attributes:
        signals: shape (n, n_signals): calibrated.
        plain: shape (n, n_signals): as the trial itself saw them.
        is_member, is_outlier: shape (n,).
        n_shadows: shape (n,), how many trials spoke of each.
    """

    signals: NDArray[np.float64]
    plain: NDArray[np.float64]
    is_member: NDArray[np.bool_]
    is_outlier: NDArray[np.bool_]
    n_shadows: NDArray[np.int64]


def calibrate(shadows: Sequence[Shadow], index: int) -> Calibrated:
    """Calibrate the trial `index` with all the others.

    Raises:
        StudyError: the trials' targets or signals differ.
        CannotTell: too few people of whom enough other trials speak.
    """
    own = shadows[index]
    if any((one.names, one.targets) != (own.names, own.targets) for one in shadows):
        raise StudyError("the trials of this study were attacked on different people or signals")
    total = np.zeros(own.signals.shape)
    n_shadows = np.zeros(len(own.is_member), dtype=np.int64)
    for other in (one for i, one in enumerate(shadows) if i != index):
        total[~other.is_member] += other.signals[~other.is_member]
        n_shadows += ~other.is_member
    known = own.in_pool & (n_shadows >= MIN_SHADOWS)
    n_members, n_others = int((known & own.is_member).sum()), int((known & ~own.is_member).sum())
    if min(n_members, n_others) < MIN_ROWS:
        raise CannotTell(
            f"cannot tell: the other {len(shadows) - 1} trials calibrate {n_members} members and "
            f"{n_others} others, and {MIN_ROWS} of each are needed; run more trials, or set "
            f"evaluation.train_rate to 0.7 or less"
        )
    plain = own.signals[known].astype(np.float64)
    difficulty = total[known] / n_shadows[known, None]
    return Calibrated(
        signals=plain - _slope(plain, difficulty) * difficulty,
        plain=plain,
        is_member=own.is_member[known],
        is_outlier=own.is_outlier[known],
        n_shadows=n_shadows[known],
    )


def _slope(plain: NDArray[np.float64], difficulty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least-squares slope of each signal on its mean in the shadows, shape (n_signals,)."""
    centred = difficulty - difficulty.mean(axis=0)
    variance = np.square(centred).sum(axis=0)
    slope: NDArray[np.float64] = (centred * plain).sum(axis=0) / np.where(variance > 0, variance, 1)
    return slope


def shadow_scores(shadows: Sequence[Shadow], index: int, *, seed: int) -> list[Score]:
    """The learnt combination of plain and calibrated signals, as `measure.verdict.judge` scores it.

    Raises StudyError and CannotTell as `calibrate`.
    """
    if len(shadows) < MIN_TRIALS:
        raise CannotTell(
            f"cannot tell: {len(shadows)} trials are too few to calibrate each other; "
            f"{MIN_TRIALS} are needed"
        )
    found = calibrate(shadows, index)
    features = np.hstack([found.plain, found.signals])
    scores = cross_fit(features, found.is_member, seed=child_seed(seed, "shadows"))
    return judge_among(
        scores,
        is_member=found.is_member,
        is_outlier=found.is_outlier,
        rng=child_rng(seed, "shadows", "verdict"),
        cross_fitted=True,
        sizes={"n_trials": len(shadows)},
    )
