"""Which trials does no other trial beat, and which of those would a person pick first?

Points are (utility, risk): utility is to be large, risk small.

    a dominates b  ⇔  utility_a ≥ utility_b and risk_a ≤ risk_b, and one of the two strictly

Equal points do not dominate each other; both stay on the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tabveil.errors import StudyError


@dataclass(frozen=True)
class Point:
    """A finished trial as the front sees it, with the bounds of its risk."""

    number: int
    utility: float
    risk: float
    risk_low: float
    risk_high: float


def pareto_mask(utility: NDArray[np.float64], risk: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the points that no other point dominates.

    Args:
        utility: shape (n,), larger is better.
        risk: shape (n,), smaller is better.

    Returns:
        Shape (n,), True on the front.

    >>> pareto_mask(np.array([.9, .8, .7]), np.array([.3, .1, .2])).tolist()
    [True, True, False]
    """
    order = np.lexsort((-utility, risk))
    mask = np.zeros(len(utility), dtype=bool)
    best, best_risk = -np.inf, np.nan
    for i in order:
        if utility[i] > best or (utility[i] == best and risk[i] == best_risk):
            mask[i] = True
            best, best_risk = utility[i], risk[i]
    return mask


def front(points: Sequence[Point]) -> list[Point]:
    """The non-dominated points, from the most private to the most useful."""
    if not points:
        return []
    utility = np.array([point.utility for point in points])
    risk = np.array([point.risk for point in points])
    chosen = [point for point, on in zip(points, pareto_mask(utility, risk), strict=True) if on]
    return sorted(chosen, key=lambda point: (point.risk, -point.utility, point.number))


def near_front(points: Sequence[Point], *, tolerance: float, most: int) -> list[Point]:
    """The front and what is as good within the noise.

    A point is left out where another one is more useful by more than `tolerance` at no greater
    risk, or no less useful while its risk is at most what this one's has been shown to be.

    Args:
        points: the completed trials.
        tolerance: of the utility; about the spread between two seeds of one configuration.
        most: how many at most: those that an alias would stand for first, then the rest of the
            front, then the others by utility.
    """
    if not points:
        return []
    named = [point.number for point in aliases(points).values()]
    chosen = [point.number for point in front(points)]
    near = [p for p in points if not any(_clearly_beats(q, p, tolerance) for q in points)]
    return sorted(
        near,
        key=lambda p: (p.number not in named, p.number not in chosen, -p.utility, p.risk, p.number),
    )[:most]


def with_private_end(
    points: Sequence[Point], chosen: Sequence[Point], *, tolerance: float, most: int
) -> list[Point]:
    """`chosen`, and with it the trial that leaves least open of those that are clearly less useful.

    In a small table next to no risk is shown of any trial, and what is left open is mostly noise:
    the front then holds the useful end only. A model that is less useful by more than `tolerance`,
    and no less than half as useful as the best, mostly remembers less; a confirmation can tell.
    Where `most` are chosen already the last gives way.
    """
    best = max((point.utility for point in points), default=0.0)
    behind = [p for p in points if best / 2 <= p.utility < best - tolerance]
    if not behind or any(point in behind for point in chosen[: most - 1]):
        return list(chosen)
    private = min(behind, key=lambda p: (p.risk_high, -p.utility, p.number))
    kept = [point for point in chosen if point != private]
    return [*kept[: most - 1], private]


def with_runners_up(points: Sequence[Point], chosen: Sequence[Point], *, least: int) -> list[Point]:
    """`chosen`, and behind it as many more points as make `least`, where there are so many.

    Those that no other of the rest beats on utility and the risk's upper bound, the most useful
    first; then those behind these. In a small table next to no risk is shown of any trial, and the
    front may be one point; what it leaves open still tells the others apart.
    """
    found = list(chosen)
    left = [point for point in points if point not in found]
    while left and len(found) < least:
        layer = {p.number for p in front([replace(p, risk=p.risk_high) for p in left])}
        ahead = sorted((p for p in left if p.number in layer), key=lambda p: (-p.utility, p.number))
        found += ahead[: least - len(found)]
        left = [point for point in left if point.number not in layer]
    return found


def _clearly_beats(one: Point, other: Point, tolerance: float) -> bool:
    return (one.utility - other.utility > tolerance and one.risk <= other.risk) or (
        one.utility >= other.utility and one.risk_high < other.risk_low
    )


def hypervolume(points: Sequence[Point]) -> float:
    """Area that the front dominates within utility ∈ [0, 1], risk ∈ [0, 1].

    The reference point is (0, 1): no use, full risk. 1.0 would be a perfect, riskless model.

    >>> hypervolume([Point(0, .5, 0., 0., 0.), Point(1, 1., .5, .5, .5)])
    0.75
    """
    area, reached = 0.0, 0.0
    for point in front(points):
        utility, risk = min(max(point.utility, 0.0), 1.0), min(max(point.risk, 0.0), 1.0)
        area += max(0.0, utility - reached) * (1.0 - risk)
        reached = max(reached, utility)
    return area


def knee(points: Sequence[Point]) -> Point:
    """The front's point farthest above the chord between its two ends.

    Both axes are scaled to the front's own range, so the chord is the diagonal and the distance
    is proportional to scaled utility − scaled risk. Ties go to the more private point; on a front
    of one or two points that is the most private one.

    Raises:
        StudyError: there are no points.
    """
    chosen = front(points)
    if not chosen:
        raise StudyError("there is no front: no trial has completed")
    utilities, risks = [p.utility for p in chosen], [p.risk for p in chosen]
    utility_range = max(utilities) - min(utilities) or 1.0
    risk_range = max(risks) - min(risks) or 1.0

    def gain(point: Point) -> float:
        return (point.utility - min(utilities)) / utility_range - (
            point.risk - min(risks)
        ) / risk_range

    return max(chosen, key=lambda point: (round(gain(point), 12), -point.risk))


def aliases(points: Sequence[Point]) -> dict[str, Point]:
    """Which front point each registry alias stands for.

    `most-useful`: highest utility, lower risk breaks ties; `most-private`: lowest upper bound of
    the risk, utility breaks ties; `balanced`: the knee. On a small front they may meet.
    """
    chosen = front(points)
    return {
        "most-useful": max(chosen, key=lambda p: (p.utility, -p.risk, -p.number)),
        "balanced": knee(points),
        "most-private": min(chosen, key=lambda p: (p.risk_high, -p.utility, p.number)),
    }
