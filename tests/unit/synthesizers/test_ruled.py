"""Does every drawn row obey every rule, whatever is asked for, and is the rest left as it was?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import Synthesizer, Where
from tabveil.data.pooling import Pooling
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ConditionError, DataError
from tabveil.synthesizers.chunks import CHUNK_ROWS
from tabveil.synthesizers.conditions import PATIENCE_ROWS
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.pooled import Pooled
from tabveil.synthesizers.ruled import Ruled

N = 601
RULES: tuple[Rule, ...] = (
    FixedCombination("ward", "floor"),
    Derived("cost", "product", ("beds", "rate")),
    LevelWhen("last_visit", None, When("visits", (0,))),
    LevelWhen("rating", None, When("visits", (0,))),
    LevelWhen("plan", "none", When("insured", (False,))),
    LevelWhen("note", "late", When("rate", low=8.0), exactly=False),
    Inequality("admitted", "discharged"),
    Inequality("beds", "rate", strict=True),
    Range("rate", 5, 9.5),
    Regex("code", r"[A-Z]\d"),
)


def stays() -> pd.DataFrame:
    """Hospital stays that obey every rule above."""
    rng = np.random.default_rng(0)
    ward = rng.choice(["eye", "ear", "heart", "skin"], N, p=[0.4, 0.3, 0.2, 0.1])
    admitted = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    visits, insured = rng.integers(0, 4, N), rng.random(N) < 0.7
    rate = rng.integers(10, 20, N) / 2
    return pd.DataFrame(
        {
            "ward": ward,
            "floor": pd.Series(ward).map({"eye": 1, "ear": 1, "heart": 2, "skin": 3}),
            "beds": rng.integers(1, 5, N),
            "rate": rate,
            "visits": visits,
            "last_visit": admitted.where(visits > 0),
            "rating": np.where(visits > 0, rng.integers(1, 6, N), np.nan),
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(rng.integers(0, 60, N), "D"),
            "insured": insured,
            "plan": np.where(insured, rng.choice(["basic", "full"], N), "none"),
            "note": np.where(rate >= 8, "late", rng.choice(["early", "late"], N)),
            "code": rng.choice(["A1", "B2", "C3"], N),
        }
    ).assign(cost=lambda t: t.beds * t.rate)


TABLE = stays()
SCHEMA = infer_schema(TABLE, kinds={"visits": "numeric"})


def ruled(*rules: Rule, table: pd.DataFrame = TABLE, inner: Synthesizer | None = None) -> Ruled:
    schema = SCHEMA if table is TABLE else infer_schema(table)
    learnt = Rules(tuple(rules)).learn(table, schema, seed=0)
    synthesizer = Ruled(inner or Marginals(), learnt)
    synthesizer.fit(table, schema, seed=0)
    return synthesizer


@cache
def fitted(kind: str = "marginals") -> Ruled:
    small = {"embedding_dim": 8, "generator_dim": (16,), "discriminator_dim": (16,)}
    ctgan = Ctgan(epochs=2, batch_size=100, **small)  # type: ignore[arg-type]
    return ruled(*RULES, inner=ctgan if kind == "ctgan" else None)


def obey(rows: pd.DataFrame) -> bool:
    return all(rule.holds(rows).all() for rule in RULES)


KINDS = pytest.mark.parametrize("kind", ["marginals", "ctgan"])


@KINDS
def test_every_row_obeys_every_rule_and_looks_as_the_table_does(kind: str) -> None:
    rows = fitted(kind).sample(2000, seed=1)
    assert obey(rows)
    assert list(rows.columns) == list(TABLE.columns)
    pd.testing.assert_series_equal(rows.dtypes, TABLE.dtypes)
    assert rows.index.equals(pd.RangeIndex(2000))


def test_the_rest_is_as_without_rules() -> None:
    plain = Marginals()
    plain.fit(TABLE, SCHEMA, seed=0)
    rows, without = fitted().sample(20_000, seed=1), plain.sample(20_000, seed=1)
    for name in ("ward", "insured", "plan", "visits", "code"):
        got, expected = (t[name].value_counts(normalize=True) for t in (rows, without))
        assert (got - expected).abs().max() < 0.02
    assert rows["rating"].isna().mean() == pytest.approx((TABLE["visits"] == 0).mean(), abs=0.02)
    seen = rows["rating"].dropna().value_counts(normalize=True)
    assert (seen - TABLE["rating"].value_counts(normalize=True)).abs().max() < 0.02


@KINDS
def test_rows_are_the_same_for_a_seed_and_a_short_sample_begins_a_long_one(kind: str) -> None:
    n = CHUNK_ROWS + 7
    frames = list(fitted(kind).iter_sample(n, seed=1))
    assert max(map(len, frames)) <= CHUNK_ROWS
    joined = pd.concat(frames)
    pd.testing.assert_frame_equal(joined, fitted(kind).sample(n, seed=1))
    pd.testing.assert_frame_equal(joined.head(9), fitted(kind).sample(9, seed=1))
    pd.testing.assert_frame_equal(joined.head(1234), fitted(kind).sample(1234, seed=1))
    assert not joined.head(50).equals(fitted(kind).sample(50, seed=2))


def test_no_rows_have_the_columns_and_fewer_are_refused() -> None:
    none = fitted().sample(0, seed=1)
    pd.testing.assert_frame_equal(none, fitted().sample(1, seed=1).head(0))
    with pytest.raises(DataError, match="n=-1"):
        fitted().sample(-1, seed=1)


WHERES: list[tuple[Where, str]] = [
    ({"floor": 2}, "floor == 2"),
    ({"floor": {"min": 2}}, "floor >= 2"),
    ({"floor": [1], "ward": ["ear", "skin"]}, "ward == 'ear'"),
    ({"ward": "skin"}, "floor == 3"),
    ({"cost": {"min": 20, "max": 24}}, "20 <= cost <= 24"),
    ({"last_visit": None}, "visits == 0"),
    ({"last_visit": {"min": "2020-03-01"}}, "last_visit >= '2020-03-01' and visits > 0"),
    ({"rating": 3, "last_visit": {"max": "2020-06-01"}}, "rating == 3"),
    ({"rating": [3, None]}, "rating == 3 or visits == 0"),
    ({"rating": {"min": 4}}, "rating >= 4"),
    ({"plan": "none"}, "not insured"),
    ({"plan": ["none", "full"]}, "plan != 'basic'"),
    ({"plan": "basic", "insured": True}, "plan == 'basic'"),
    ({"note": "late"}, "note == 'late'"),
    ({"note": "early"}, "rate < 8"),
    ({"discharged": {"max": "2020-05-01"}}, "admitted <= '2020-05-01'"),
    ({"rate": {"min": 9}}, "9 <= rate <= 9.5"),
    ({"code": ["A1", "C3"]}, "code != 'B2'"),
    ({"visits": 0, "insured": False, "floor": 1}, "plan == 'none' and rating != rating"),
]


@KINDS
@pytest.mark.parametrize(("where", "query"), WHERES, ids=lambda value: str(value))
def test_conditions_hold_on_columns_of_every_kind_of_rule(
    kind: str, where: Where, query: str
) -> None:
    rows = fitted(kind).sample(40, seed=1, where=where)
    assert len(rows.query(query)) == 40
    assert obey(rows)
    longer = fitted(kind).sample(90, seed=1, where=where)
    pd.testing.assert_frame_equal(longer.head(40), rows)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"flor": 1}, "did you mean 'floor'"),
        ({"floor": 9}, "where.floor: no row can meet it, for by the rule 'ward -> floor'"),
        ({"floor": 3, "ward": "eye"}, "no row can meet it"),
        ({"floor": 3, "ward": "eyes"}, "did you mean 'eye'"),
        ({"plan": "ful"}, "did you mean 'full'"),
        ({"plan": {"min": 3}}, "is categorical"),
        ({"code": "A9"}, "no level 'A9'"),
        ({"plan": "none", "insured": True}, "the condition in 0 %"),
        ({"cost": {"min": 1e6}}, "only 0 of 5 rows obeyed .*the condition in 0 %"),
        (["floor"], "where must map columns"),
    ],
    ids=str,
)
def test_conditions_that_cannot_be_met_are_errors(where: Any, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted().sample(5, seed=1, where=where)


def test_a_rule_that_the_model_cannot_meet_is_named_with_bounded_effort() -> None:
    table = pd.DataFrame({"a": np.arange(300.0) % 97})
    table = table.assign(b=table["a"] + 0.5, c=table["a"] + 1, d=table["a"] + 2)
    rules = [Inequality("a", "b"), Inequality("b", "c"), Inequality("c", "d")]
    rows = ruled(*rules, table=table).sample(100, seed=0)
    assert all(rule.holds(rows).all() for rule in rules)

    class Stubborn(Marginals):
        n_drawn = 0

        def iter_sample(self, *args: Any, **rest: Any) -> Iterator[pd.DataFrame]:
            for frame in super().iter_sample(*args, **rest):
                Stubborn.n_drawn += len(frame)
                yield frame.assign(a=400.0)

    # What is computed is not drawn again to keep an order: such rows are rejected.
    rules = [Derived("d", "sum", ("b", "c")), Inequality("a", "d")]
    rows = ruled(*rules, table=table.assign(d=table["b"] + table["c"])).sample(100, seed=0)
    assert all(rule.holds(rows).all() for rule in rules)
    with pytest.raises(DataError, match=r"only 0 of 7 rows .* held: 'a <= d' in 0 %"):
        ruled(*rules, table=table.assign(d=table["b"] + table["c"]), inner=Stubborn()).sample(
            7, seed=0
        )
    assert Stubborn.n_drawn < 5 * PATIENCE_ROWS


def test_no_value_is_drawn_twice_where_it_must_be_unique() -> None:
    table = pd.DataFrame({"a": np.arange(500), "b": np.arange(500) % 2, "c": 1.5}).astype(
        {"a": int}
    )
    schema = infer_schema(table, kinds={"a": "numeric"})
    rules = Rules((Unique(("a", "b")),)).learn(table, schema, seed=0)
    synthesizer = Ruled(Marginals(), rules)
    synthesizer.fit(table, schema, seed=0)
    rows = synthesizer.sample(700, seed=0)
    assert not rows.duplicated(["a", "b"]).any()
    pd.testing.assert_frame_equal(rows.head(99), synthesizer.sample(99, seed=0))
    with pytest.raises(DataError, match="'a and b unique' in"):
        synthesizer.sample(1100, seed=0)


def test_two_levels_asked_of_one_cell_are_settled_by_rejection() -> None:
    table = pd.DataFrame({"a": ["u", "v", "w", "w"] * 20, "b": [1, 0, 0, 0] * 20})
    table["c"] = [0, 1, 0, 0] * 20
    rules = [LevelWhen("a", "u", When("b", (1,))), LevelWhen("a", "v", When("c", (1,)))]
    rows = ruled(*rules, table=table).sample(500, seed=0)
    assert all(rule.holds(rows).all() for rule in rules)


def test_without_rules_rows_are_the_inner_synthesizers() -> None:
    plain = Marginals()
    plain.fit(TABLE, SCHEMA, seed=0)
    pd.testing.assert_frame_equal(ruled().sample(99, seed=1), plain.sample(99, seed=1))


def test_pooled_levels_come_back_before_the_rules_do() -> None:
    learnt = Rules(RULES[:3]).learn(TABLE, SCHEMA, seed=0)
    applied = learnt.apply(TABLE)
    pooling = Pooling(min_rate=0.25, clip=0.05).learn(applied, applied, learnt.apply_schema())
    synthesizer = Ruled(Pooled(Marginals(), pooling), learnt)
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    rows = synthesizer.sample(2000, seed=0)
    assert set(rows["ward"]) == {"eye", "ear", "heart", "skin"}
    assert all(rule.holds(rows).all() for rule in RULES[:3])
    assert (synthesizer.sample(20, seed=0, where={"floor": 3})["ward"] == "skin").all()


def test_a_table_with_other_columns_is_refused() -> None:
    other = TABLE.rename(columns={"code": "cipher"})
    with pytest.raises(DataError, match="other columns"):
        fitted().fit(other, infer_schema(other), seed=0)


def test_the_inner_synthesizer_and_its_critic_see_the_changed_table() -> None:
    class Spy(Marginals):
        def fit(self, train: pd.DataFrame, schema: Schema, **rest: Any) -> None:
            super().fit(train, schema, **rest)
            self.columns = list(train.columns)

        def critic(self, rows: pd.DataFrame) -> Any:
            return np.full(len(rows), rows["rating"].notna().all() and "cost" not in rows)

    spy, before = Spy(), TABLE.copy(deep=True)
    synthesizer = ruled(*RULES, inner=spy)
    assert spy.columns == [name for name in TABLE if name not in ("floor", "cost")]
    assert synthesizer.critic is not None
    assert synthesizer.critic(TABLE).all()
    pd.testing.assert_frame_equal(TABLE, before)
    assert fitted().critic is None
