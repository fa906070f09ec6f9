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
from tabveil.measure.lineup import K, Lineup, lineup_of
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


def test_where_rows_were_dealt_one_by_one_nobody_stands_on_both_sides() -> None:
    deal = [pd.DataFrame({"income": np.random.default_rng(i).integers(0, 300, n) / 7}) for i, n in
            enumerate((2000, 200, 300, 300))]  # fmt: skip
    splits = dict(zip(("train", "control", "reference", "synthetic"), deal, strict=True))
    of_numbers = infer_schema(deal[0], kinds={"income": "numeric"})
    found = lineup_of(EvalInput(**splits, schema=of_numbers, seed=0))
    sides = [incomes(found.targets.frame[side]) for side in (found.is_member, ~found.is_member)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) + len(sides[1]) == len(found)
    assert 0.5 < len(sides[0]) / len(sides[1]) < 2
    assert (len(found.keys.members), len(found.keys.others)) == (2000, 200)


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
        expected = nearest(targets, table, k=K).distance
        np.testing.assert_array_equal(found.reference_distances(columns), expected)
    other = lineup_of(replace(data, synthetic=people(500, 7)))
    np.testing.assert_array_equal(found.reference_distances(), other.reference_distances())
    assert len(calls) == 2
    moved = lineup_of(replace(data, reference=people(500, 8)))
    assert (moved.reference_distances() != found.reference_distances()).any()
    assert len(calls) == 3


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


def test_a_reference_that_holds_the_training_or_the_control_rows_is_refused() -> None:
    refused("splits overlap", reference=people(500, 1))
    refused("splits overlap", reference=people(500, 2))
