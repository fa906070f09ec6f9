"""What does an attack show about members beyond what it shows about anybody?

An attack that succeeds against members at rate r and against others, whom the model never saw, at
rate s has learnt s from the population, which is what the table is released for. The rest is

    residual risk = (r - s) / (1 - min(r, s))

the share of what the population does not give away already (Giomi et al. 2023, arXiv:2211.10459,
who divide by 1 - s). With the smaller rate below, the risk is antisymmetric: negative, and not
below -1, where others give away more than members, as behind a filter.

Interval: Newcombe's for the difference r - s, divided by the same 1 - min(r, s). Taking that
as known is cautious: to first order the variance of the risk is
(var r + (1 - risk)² var s) / (1 - s)², which the divided interval exceeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tabveil.contracts import Score
from tabveil.measure.intervals import difference_of_proportions


def residual_risk(
    name: str,
    *,
    members: int,
    others: int,
    n: int,
    repeats: float = 1.0,
    detail: Mapping[str, Any] | None = None,
) -> Score:
    """The score of `n` guesses about members, and as many about others.

    Args:
        name: of the score.
        members: guesses that were right about members.
        others: guesses that were right about others.
        n: guesses made about each.
        repeats: right guesses that are about the same person, on average over right guesses; so
            many guesses say as much as one (the design effect of a cluster sample, Kish 1965).
        detail: what else the report needs.

    Returns:
        The residual risk in [-1, 1]; 0 shows nothing. Its advantage is the difference of the
        rates. Without a guess, or where all guesses were right about both, nothing is known:
        the interval is [-1, 1]; without a guess there is no advantage either.

    >>> score = residual_risk("links", members=60, others=20, n=100)
    >>> round(score.value, 2), round(score.low, 2), round(score.high, 2)
    (0.5, 0.33, 0.64)
    """
    rates = {"n_attacks": n, "repeats": repeats, **(detail or {})}
    if n == 0:
        return Score(name, 0.0, -1.0, 1.0, None, rates)
    rates |= {"members_rate": members / n, "others_rate": others / n}
    found = difference_of_proportions(
        members=members / repeats,
        n_members=n / repeats,
        others=others / repeats,
        n_others=n / repeats,
    )
    # At -1 the interval has no lower half.
    advantage = found.advantage
    if not advantage.se:
        advantage = replace(advantage, se=advantage.above)
    left = 1 - min(members, others) / n
    if left == 0:
        return Score(name, 0.0, -1.0, 1.0, advantage, rates)
    value, low, high = (
        max(-1.0, min(1.0, bound / left)) for bound in (found.value, found.low, found.high)
    )
    return Score(name, value, low, high, advantage, rates)
