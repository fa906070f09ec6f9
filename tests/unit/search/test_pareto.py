"""Known answers first, then the definition itself on random points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.errors import StudyError
from tabveil.search.pareto import (
    Point,
    aliases,
    front,
    hypervolume,
    knee,
    near_front,
    pareto_mask,
    with_private_end,
    with_runners_up,
)


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(i, u, r, 0.0, r + 0.1) for i, (u, r) in enumerate(pairs)]


def test_the_front_keeps_what_nothing_beats_and_orders_it_by_risk():
    chosen = front(points((0.9, 0.3), (0.8, 0.1), (0.7, 0.2), (0.85, 0.3), (0.5, 0.0)))
    assert [p.number for p in chosen] == [4, 1, 0]


def test_equal_points_both_stay_and_equal_utility_at_more_risk_goes():
    chosen = front(points((0.8, 0.1), (0.8, 0.1), (0.8, 0.2)))
    assert [p.number for p in chosen] == [0, 1]


def test_trials_with_no_risk_shown_are_ordered_by_utility():
    assert [p.number for p in front(points((0.3, 0.0), (0.6, 0.0), (0.5, 0.0)))] == [1]


values = st.integers(0, 6).map(lambda i: i / 6)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=30))
def test_the_mask_is_the_definition(pairs):
    utility, risk = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])

    def beaten(i: int) -> bool:
        return any(
            utility[j] >= utility[i]
            and risk[j] <= risk[i]
            and (utility[j] > utility[i] or risk[j] < risk[i])
            for j in range(len(pairs))
        )

    assert pareto_mask(utility, risk).tolist() == [not beaten(i) for i in range(len(pairs))]


def test_hypervolume_of_known_fronts():
    assert hypervolume([]) == 0
    assert hypervolume(points((1.0, 0.0))) == 1
    assert hypervolume(points((0.5, 0.0))) == 0.5
    assert hypervolume(points((0.5, 0.0), (1.0, 0.5))) == 0.75
    assert hypervolume(points((0.5, 0.0), (1.0, 0.5), (0.4, 0.4))) == 0.75


@given(st.lists(st.tuples(values, values), min_size=1, max_size=12), values, values)
def test_one_more_trial_never_shrinks_the_hypervolume(pairs, utility, risk):
    before = hypervolume(points(*pairs))
    assert hypervolume(points(*pairs, (utility, risk))) >= before - 1e-12


def test_the_knee_is_the_corner_of_an_elbow():
    assert knee(points((0.2, 0.0), (0.8, 0.1), (0.9, 1.0))).number == 1


def test_the_knee_of_a_straight_front_is_its_private_end():
    assert knee(points((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))).number == 0
    assert knee(points((0.6, 0.0))).number == 0


def test_no_trial_no_knee():
    with pytest.raises(StudyError, match="no trial"):
        knee([])


def test_aliases_name_the_ends_and_the_knee():
    named = aliases(points((0.2, 0.0), (0.8, 0.1), (0.9, 1.0)))
    assert {alias: p.number for alias, p in named.items()} == {
        "most-useful": 2,
        "balanced": 1,
        "most-private": 0,
    }


def test_most_private_goes_by_the_upper_bound_of_the_risk():
    wide, narrow = Point(0, 0.5, 0.0, 0.0, 0.4), Point(1, 0.9, 0.1, 0.0, 0.2)
    assert aliases([wide, narrow])["most-private"] == narrow


def test_candidates_are_the_front_and_what_is_as_good_within_the_noise():
    made = points((0.90, 0.3), (0.80, 0.0), (0.77, 0.0), (0.60, 0.0), (0.88, 0.3))
    near = near_front(made, tolerance=0.05, most=9)
    assert [p.number for p in near] == [0, 1, 4, 2]
    assert [p.number for p in near_front(made, tolerance=0.0, most=9)] == [0, 1]
    assert [p.number for p in near_front(made, tolerance=0.05, most=1)] == [0]
    assert near_front([], tolerance=0.05, most=3) == []


def test_a_shown_risk_above_what_a_better_trial_could_have_is_no_candidate():
    safe, leaky = Point(0, 0.8, 0.0, 0.0, 0.1), Point(1, 0.79, 0.2, 0.2, 0.3)
    assert near_front([safe, leaky], tolerance=0.05, most=9) == [safe]


def test_those_that_an_alias_would_name_come_first():
    made = points((0.9, 0.9), (0.85, 0.6), (0.8, 0.4), (0.6, 0.1), (0.1, 0.0))
    first = {p.number for p in near_front(made, tolerance=0.0, most=3)}
    assert first == {p.number for p in aliases(made).values()}


def test_one_candidate_is_clearly_less_useful_and_leaves_the_least_open():
    def trial(number, utility, risk_high):
        return Point(number, utility, 0.0, 0.0, risk_high)

    useful = [trial(0, 0.83, 0.22), trial(1, 0.82, 0.30), trial(2, 0.80, 0.25), trial(3, 0.79, 0.3)]
    behind = [trial(4, 0.73, 0.24), trial(5, 0.70, 0.20), trial(6, 0.30, 0.05)]
    chosen = near_front([*useful, *behind], tolerance=0.05, most=4)
    assert [p.number for p in chosen] == [0, 1, 2, 3]
    found = with_private_end([*useful, *behind], chosen, tolerance=0.05, most=4)
    assert [p.number for p in found] == [0, 1, 2, 5]  # 6 is of little use
    assert with_private_end(useful, useful, tolerance=0.05, most=4) == useful
    there = [useful[0], behind[0]]
    assert with_private_end([*useful, *behind], there, tolerance=0.05, most=4) == there


def test_runners_up_are_those_that_the_rest_does_not_beat_by_what_is_left_open():
    trials = [
        Point(0, 0.8, 0.0, 0.0, 0.15),
        Point(1, 0.7, 0.0, 0.0, 0.10),
        Point(2, 0.6, 0.0, 0.0, 0.05),
        Point(3, 0.65, 0.0, 0.0, 0.20),  # beaten by 1
        Point(4, 0.5, 0.0, 0.0, 0.30),
    ]
    first = near_front(trials, tolerance=0.05, most=4)
    assert [p.number for p in first] == [0]
    found = with_runners_up(trials, first, least=3)
    assert [p.number for p in found] == [0, 1, 2]
    assert [p.number for p in with_runners_up(trials, first, least=9)] == [0, 1, 2, 3, 4]
    assert with_runners_up(trials, first, least=1) == first
