"""Does the lineup mix members with others so that only membership can tell them apart?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput, Limits, Membership
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import CannotTell
from tabveil.measure import lineup as module
from tabveil.measure.distance import nearest
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.memo import Memo


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"income": rng.normal(size=n), "job": rng.choice(list("abcdefg"), n), "id": range(n)}
    ).assign(id=lambda t: t["id"].astype(str) + f"-{seed}")


def schema() -> Schema:
    return infer_schema(people(500, 0), kinds={"income": "numeric", "id": "identifier"})


def given(n: int = 500, seed: int = 0, **tables) -> EvalInput:
    names = ("train", "control", "reference", "synthetic")
    splits = {name: people(n, i) for i, name in enumerate(names, 1)}
    return EvalInput(**{**splits, **tables}, schema=schema(), seed=seed)


def incomes(table: pd.DataFrame) -> set[float]:
    return set(table["income"])


def test_targets_are_all_of_train_and_control_mixed_and_marked() -> None:
    data = given()
    found = lineup_of(data)
    assert incomes(found.targets.frame[found.is_member]) == incomes(data.train)
    assert incomes(found.targets.frame[~found.is_member]) == incomes(data.control)
    assert len(found) == 1000
    assert 400 < found.is_member[:500].sum() * 2 < 600
    assert found.in_pool.all()


def test_rows_and_their_encoding_keep_one_order() -> None:
    found = lineup_of(given())
    for rows in (found.targets, found.reference, found.synthetic):
        order = np.argsort(rows.frame["income"].to_numpy(), kind="stable")
        ranks = rows.encoded.ranks[:, rows.encoded.numeric.index("income")]
        assert (np.diff(ranks[order]) >= 0).all()
        assert "id" not in rows.frame


def test_it_is_made_once_for_an_input() -> None:
    data = given()
    assert lineup_of(data) is lineup_of(data)


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    data = given()
    turned = {
        name: getattr(data, name).iloc[::-1][["job", "id", "income"]]
        for name in ("train", "control", "reference", "synthetic")
    }
    one, two = lineup_of(data), lineup_of(given(**turned))
    np.testing.assert_array_equal(one.is_member, two.is_member)
    pd.testing.assert_frame_equal(one.targets.frame, two.targets.frame[list(one.targets.frame)])
    pd.testing.assert_frame_equal(one.synthetic.frame, two.synthetic.frame[list(one.targets.frame)])


def test_who_is_asked_does_not_depend_on_who_is_a_member() -> None:
    rows = pd.concat([people(400, 1), people(200, 2)], ignore_index=True)
    in_pool = np.arange(600) < 400
    drawn = [
        np.isin(np.arange(600), np.random.default_rng(i).permutation(400)[:250]) for i in (0, 1)
    ]
    limits = Limits(max_targets=100)
    one, two = (
        lineup_of(replace(given(), membership=Membership(rows, is_in, in_pool), limits=limits))
        for is_in in drawn
    )
    pd.testing.assert_frame_equal(one.targets.frame, two.targets.frame)
    assert one.digest == two.digest
    for found, is_in in ((one, drawn[0]), (two, drawn[1])):
        assert incomes(found.targets.frame[found.is_member]) <= incomes(rows[is_in])
        assert incomes(found.targets.frame[~found.is_member]) <= incomes(rows[~is_in])
        assert incomes(found.targets.frame[found.in_pool]) <= incomes(rows[in_pool])
    assert (one.is_member != two.is_member).any()


def test_where_all_targets_come_from_a_pool_twice_as_many_of_it_are_asked() -> None:
    rows, limits = people(400, 1), Limits(max_targets=100)
    is_member = np.isin(np.arange(400), np.random.default_rng(0).permutation(400)[:280])
    membership = Membership(rows, is_member, np.ones(400, bool))
    found = lineup_of(replace(given(), membership=membership, limits=limits))
    assert len(found) == 200
    assert 45 < (~found.is_member).sum() < 75  # three in ten
    whole = Membership(rows, np.ones(400, bool), np.ones(400, bool))
    with pytest.raises(CannotTell):  # nobody is left to be compared with
        lineup_of(replace(given(), membership=whole, limits=limits))


def test_limits_cap_targets_and_searched_rows_but_not_the_keys() -> None:
    limited = replace(given(), limits=Limits(max_targets=60, max_searched=70))
    found = lineup_of(limited)
    assert (found.is_member.sum(), (~found.is_member).sum()) == (60, 60)
    assert (len(found.reference), len(found.synthetic)) == (70, 70)
    sides = (found.keys.members, found.keys.others, found.keys.reference, found.keys.synthetic)
    assert [len(side) for side in sides] == [500] * 4


def test_another_seed_draws_other_rows() -> None:
    limits = Limits(max_targets=60, max_searched=70)
    one, two = (lineup_of(replace(given(), limits=limits, seed=seed)) for seed in (0, 1))
    assert incomes(one.targets.frame) != incomes(two.targets.frame)
    assert incomes(one.synthetic.frame) != incomes(two.synthetic.frame)


def test_twins_are_one_target_and_one_row_among_the_keys() -> None:
    """One frequent row, kept on one side by the split, is one finding and not a hundred."""
    crowd = people(1, 9)
    data = given(train=pd.concat([people(400, 1), *[crowd] * 100]))
    found = lineup_of(data)
    assert found.is_member.sum() == 401
    assert len(found.keys.members) == 401


def numbers(*tables: list[float]) -> EvalInput:
    """Train, control, reference and perhaps synthetic, of one column."""
    fresh = list(np.random.default_rng(0).normal(size=100))
    names = ("train", "control", "reference", "synthetic")
    frames = {
        name: pd.DataFrame({"income": values})
        for name, values in zip(names, [*tables, fresh], strict=False)
    }
    schema = infer_schema(pd.DataFrame({"income": fresh}), kinds={"income": "numeric"})
    return EvalInput(**frames, schema=schema, seed=0)


def own(start: int, n: int = 30) -> list[float]:
    return [float(start + i) for i in range(n)]


def asked(found: Lineup) -> tuple[set[float], set[float]]:
    members, others = (
        incomes(found.targets.frame[side]) for side in (found.is_member, ~found.is_member)
    )
    return members, others


def test_rows_that_stand_on_two_sides_are_not_asked_about() -> None:
    shared = [-1.0, -1.0, -2.0, -2.0]
    data = numbers(own(0) + shared, own(100) + shared, [*own(200), -1.0])
    found = lineup_of(data)
    assert asked(found) == (set(own(0)), set(own(100)))
    assert set(found.keys.members) == set(found.targets.encoded.row_keys()[found.is_member])
    assert (found.twins.n_rows, found.twins.n_shared) == (68, 8)


def test_rows_as_common_as_one_that_stands_on_two_sides_are_not_asked_about() -> None:
    """Twins were dealt out one by one: three on one side say which side is the larger."""
    train = own(0) + [-3.0] * 3 + [-2.0] * 2
    control = own(100) + [-3.0] + [-4.0] * 4 + [-5.0] * 3
    found = lineup_of(numbers(train, control, own(200)))
    assert asked(found) == (
        {
            *own(0),
            -2.0,
        },
        {*own(100), -5.0},
    )


def test_twins_of_which_none_stands_on_two_sides_are_asked_about() -> None:
    found = lineup_of(numbers(own(0) + [-2.0] * 50, own(100), own(200)))
    assert -2.0 in asked(found)[0]


def test_a_row_in_the_reference_is_not_asked_about() -> None:
    found = lineup_of(numbers(own(0), own(100), own(200) + own(0, 5) + own(100, 7)))
    assert asked(found) == (set(own(5, 25)), set(own(107, 23)))


@pytest.mark.parametrize("sizes", [(3000, 600, 500), (600, 600, 600), (3000, 1000, 100)])
def test_where_rows_are_dealt_one_by_one_no_side_gets_the_rarer_ones(
    sizes: tuple[int, int, int],
) -> None:
    """Of a heavy-tailed table the targets of both sides are as common in fresh rows."""
    gap = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        fresh = pd.Series(rng.zipf(1.5, 20_000) * 1.0).value_counts()
        dealt = [list(rng.zipf(1.5, n) * 1.0) for n in sizes]
        ours, theirs = asked(lineup_of(numbers(*dealt)))
        means = [np.mean([one in fresh.index for one in side]) for side in (ours, theirs)]
        gap.append(means[0] - means[1])
    assert abs(np.mean(gap)) < 3 * np.std(gap) / np.sqrt(len(gap))


def test_outliers_are_the_decile_farthest_from_the_reference() -> None:
    far = people(25, 5).assign(income=lambda t: t["income"] * 1e6)
    data = given(train=pd.concat([people(475, 1), far]))
    found = lineup_of(data)
    assert 100 <= found.is_outlier.sum() <= 110
    assert incomes(far) <= incomes(found.targets.frame[found.is_outlier])


def test_distances_to_the_reference_are_those_of_the_engine_and_searched_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    monkeypatch.setattr(module, "nearest", lambda *a, **k: calls.append(1) or nearest(*a, **k))
    data = replace(given(), shared=Memo())
    found = lineup_of(data)
    for columns in (None, ("job",)):
        targets, table = (
            rows.encoded if columns is None else rows.encoded.view(columns)
            for rows in (found.targets, found.reference)
        )
        expected = nearest(targets, table, k=5).distance
        np.testing.assert_array_equal(found.reference_distances(k=5, columns=columns), expected)
    other = lineup_of(replace(data, synthetic=people(500, 7)))
    found, other = (one.reference_distances(k=5) for one in (found, other))
    np.testing.assert_array_equal(found, other)
    assert len(calls) == 2
    moved = lineup_of(replace(data, reference=people(500, 8)))
    assert (moved.reference_distances(k=5) != found).any()
    assert len(calls) == 3


@pytest.mark.parametrize("limits", [Limits(), Limits(max_targets=100, max_searched=150)])
@pytest.mark.parametrize("by_value", [False, True])
def test_added_rows_are_searched_as_if_they_had_always_been_there(limits, by_value) -> None:
    data = replace(given(), limits=limits)
    added = people(20, 77)
    grown = lineup_of(data.with_rows(added))
    assert len(grown.keys.synthetic) == len(data.synthetic) + 20
    for k, columns in ((1, None), (5, None), (1, ("job",))):
        asked = {"k": k, "columns": columns, "by_value": by_value}
        found = grown.synthetic_distances(**asked)
        anew = grown._distances(grown.synthetic, k, columns, by_value=by_value)
        np.testing.assert_allclose(found, anew)
    fewer = replace(data.with_rows(added), synthetic=people(300, 5))
    assert fewer.base is None
    assert len(lineup_of(fewer).keys.synthetic) == 300


def refused(match: str, **tables) -> None:
    with pytest.raises(CannotTell, match=match):
        lineup_of(given(**tables))


@pytest.mark.parametrize("split", ["train", "control", "reference", "synthetic"])
def test_too_few_rows_to_tell_are_refused(split: str) -> None:
    refused(f"cannot tell: {split} has 19 rows", **{split: people(19, 5)})


def test_too_few_distinct_rows_are_refused() -> None:
    refused("train has 19 distinct rows", train=pd.concat([people(19, 5)] * 5))


def test_twenty_rows_of_each_are_enough() -> None:
    assert isinstance(lineup_of(given(n=20)), Lineup)


def test_a_table_that_is_a_copy_or_a_part_of_another_is_refused() -> None:
    refused("train and reference overlap: 500 rows", reference=people(500, 1))
    refused("control and reference overlap", reference=people(500, 2))
    refused("train and control overlap: 500 rows", control=people(500, 1))
    refused("train and control overlap: 60 rows", control=people(500, 1)[:60])


def test_a_control_that_is_a_part_of_a_table_of_twins_is_refused_too() -> None:
    twice = pd.concat([people(500, 1)] * 2)
    refused("control has 0 distinct rows of its own", train=twice, control=twice[:400])


def test_twins_that_were_dealt_out_one_by_one_are_no_overlap() -> None:
    rows = pd.concat([*[people(1000, 1)] * 2, people(1000, 2)]).sample(frac=1, random_state=0)
    parts = {"train": rows[:1500], "control": rows[1500:2300], "reference": rows[2300:]}
    found = lineup_of(given(**parts))
    assert asked(found)[0] | asked(found)[1] <= incomes(people(1000, 2))


def test_a_table_in_which_nobody_is_alone_is_refused_with_what_can_be_said_of_it() -> None:
    everybody = [float(i % 30) for i in range(300)]
    with pytest.raises(CannotTell, match=r"600 of the 600 rows .* nobody's secret"):
        lineup_of(numbers(everybody, everybody, own(100)))
