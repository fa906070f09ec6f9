"""Are whole persons drawn, as many rows each as real ones have, the same in what is theirs?"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import HasCritic, Synthesizer
from tabveil.data.persons import PersonRule
from tabveil.data.pooling import Pooling
from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Unique
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ArtifactError, ConditionError, DataError
from tabveil.synthesizers.chunks import CHUNK_ROWS
from tabveil.synthesizers.copycat import Copycat
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.grouped import Grouped
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.pooled import Pooled
from tabveil.synthesizers.ruled import Ruled

N_PERSONS = 900
OF_PERSON = ("sex", "region", "born", "enrolled", "insured")


def visits() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Visits of patients, in random order, and whose they are: one to six, and a few have more."""
    rng = np.random.default_rng(0)
    sizes = rng.choice([1, 2, 3, 6], N_PERSONS, p=[0.4, 0.3, 0.2, 0.1])
    sizes[:3] = [11, 12, 40]
    whose = np.repeat(np.arange(N_PERSONS), sizes)
    n = len(whose)
    born = rng.integers(1930, 2000, N_PERSONS)
    enrolled = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 900, N_PERSONS), "D")
    nth = pd.Series(whose).groupby(whose).cumcount().to_numpy()
    weight = rng.normal(75, 12, N_PERSONS)
    table = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], N_PERSONS)[whose],
            "region": np.array(["north", "south", "east", None], dtype=object)[
                rng.choice(4, N_PERSONS, p=[0.4, 0.3, 0.2, 0.1])
            ][whose],
            "born": born[whose],
            "enrolled": enrolled[whose],
            "insured": (rng.random(N_PERSONS) < 0.6)[whose],
            "visited": enrolled[whose] + pd.to_timedelta(nth * 30 + rng.integers(1, 29, n), "D"),
            "weight": (weight[whose] + rng.normal(0, 4, n)).round(1),
            "reason": rng.choice(["pain", "fever", "check"], n),
            "plan": rng.choice(["basic", "full"], n),
        }
    ).assign(age=lambda t: t["visited"].dt.year - t["born"])
    table["plan"] = table["plan"].where(table["insured"], "none")
    shuffled = rng.permutation(n)
    return table.iloc[shuffled].reset_index(drop=True), whose[shuffled]


TABLE, WHOSE = visits()
SCHEMA = infer_schema(TABLE)
RULE = PersonRule.learn(TABLE, WHOSE, SCHEMA)
RULES: tuple[Rule, ...] = (
    Inequality("enrolled", "visited"),
    LevelWhen("plan", "none", When("insured", (False,))),
)


def grouped(
    inner: Synthesizer, table: pd.DataFrame = TABLE, whose: np.ndarray[Any, Any] = WHOSE
) -> Grouped:
    rule = RULE if table is TABLE else PersonRule.learn(table, whose, infer_schema(table))
    made = Grouped(inner, rule, whose)
    made.fit(table, rule.schema, seed=0)
    return made


def small_ctgan() -> Ctgan:
    return Ctgan(
        epochs=2, batch_size=100, embedding_dim=8, generator_dim=(16,), discriminator_dim=(16,)
    )


def ruled(
    *rules: Rule, table: pd.DataFrame = TABLE, rule: PersonRule = RULE, inner: Any = None
) -> Grouped:
    counted = rule.apply(table, WHOSE)
    learnt = Rules(tuple(rules)).learn(counted, rule.apply_schema(), seed=0)
    pooling = Pooling(min_rate=0.1, clip=0.01)
    applied = learnt.apply(counted)
    pooled = pooling.learn(applied, applied, learnt.apply_schema())
    made = Grouped(Ruled(Pooled(inner or Marginals(), pooled), learnt), rule, WHOSE)
    made.fit(table, rule.schema, seed=0)
    return made


@cache
def fitted(kind: str) -> Grouped:
    if kind == "ruled":
        return ruled(*RULES)
    kinds: dict[str, Any] = {"marginals": Marginals, "ctgan": small_ctgan, "copycat": Copycat}
    return grouped(kinds[kind]())


def drawn(kind: str, n: int, **asked: Any) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    parts = list(fitted(kind).iter_persons(n, **{"seed": 1, **asked}))
    return pd.concat([frame for frame, _ in parts]), np.concatenate([whose for _, whose in parts])


KINDS = pytest.mark.parametrize("kind", ["marginals", "ctgan", "ruled"])


def test_what_is_learnt_is_what_the_table_was_made_of() -> None:
    assert RULE.constant == OF_PERSON
    assert RULE.ranges == ((1, 1), (2, 2), (3, 3), (6, 6))  # few have more: they count as 6
    assert (RULE.order, RULE.distinct, RULE.rising) == ("visited", True, ("age",))
    likeness = dict(RULE.likeness)
    assert likeness["weight"] == pytest.approx(12**2 / (12**2 + 4**2), abs=0.05)
    assert "reason" not in likeness


def test_a_column_that_varies_in_too_many_persons_is_not_theirs() -> None:
    several = pd.Series(WHOSE).duplicated(keep=False).to_numpy()
    persons = np.unique(WHOSE[several])
    for n_exceptions, is_of_person in ((len(persons) // 100, True), (len(persons) // 50, False)):
        rows = pd.Series(WHOSE).isin(persons[:n_exceptions]) & ~pd.Series(WHOSE).duplicated()
        slipped = TABLE.assign(sex=TABLE["sex"].mask(rows, "?"))
        assert ("sex" in PersonRule.learn(slipped, WHOSE, SCHEMA).constant) is is_of_person
    strict = PersonRule.learn(TABLE, WHOSE, SCHEMA, tolerance=0)
    assert strict.constant == OF_PERSON


@pytest.mark.parametrize("n_with_many", [1, 4, 5, 6])
def test_a_number_of_rows_that_few_have_is_pooled(n_with_many: int) -> None:
    whose = np.repeat(np.arange(40), [9] * n_with_many + [2] * (40 - n_with_many))
    table = pd.DataFrame({"x": np.arange(len(whose)) % 7, "y": 1.5})
    rule = PersonRule.learn(table, whose, infer_schema(table), min_count=5)
    assert rule.most == (9 if n_with_many >= 5 else 2)
    sizes = np.minimum(np.bincount(whose), rule.most)
    assert all(((sizes >= low) & (sizes <= high)).sum() >= 5 for low, high in rule.ranges)


@KINDS
def test_persons_are_the_same_in_what_is_theirs_and_their_rows_in_order(kind: str) -> None:
    rows, whose = drawn(kind, 5_000)
    assert len(rows) == 5_000
    pd.testing.assert_series_equal(rows.dtypes, TABLE.dtypes)
    assert rows.index.equals(pd.RangeIndex(5_000))
    assert (np.diff(whose) >= 0).all()
    persons = rows.groupby(whose)
    assert (persons[list(OF_PERSON)].nunique(dropna=False) == 1).all(axis=None)
    assert all(values.is_monotonic_increasing for _, values in persons["visited"])
    assert all(values.is_monotonic_increasing for _, values in persons["age"])
    assert not pd.DataFrame({"whose": whose, "visited": rows["visited"]}).duplicated().any()


@KINDS
def test_persons_have_as_many_rows_as_real_ones_not_as_rows_of_real_ones(kind: str) -> None:
    _, whose = drawn(kind, 20_000)
    if kind == "ctgan":  # two epochs: the counts are the model's, but each person is whole
        assert set(np.bincount(whose)[:-1]) <= {0, *range(1, RULE.most + 1)}
        return
    sizes = np.bincount(whose)[:-1]  # the last may be cut
    sizes = sizes[sizes > 0]
    real = np.minimum(np.bincount(WHOSE), RULE.most)
    for low, high in RULE.ranges:
        share, wanted = (((s >= low) & (s <= high)).mean() for s in (sizes, real))
        assert share == pytest.approx(wanted, abs=0.03)
    assert (sizes == 1).mean() > 0.35  # by rows it would be .17


def test_single_rows_are_as_the_inner_synthesizer_draws_them() -> None:
    plain = Marginals()
    plain.fit(TABLE, SCHEMA, seed=0)
    rows, without = drawn("marginals", 20_000)[0], plain.sample(20_000, seed=1)
    for name in ("reason", "sex", "region"):
        got, expected = (t[name].value_counts(normalize=True) for t in (rows, without))
        assert (got - expected).abs().max() < 0.03
    assert rows["weight"].mean() == pytest.approx(TABLE["weight"].mean(), abs=0.5)


def test_rows_of_a_person_are_alike_where_the_model_draws_such_rows() -> None:
    rows, whose = drawn("copycat", 10_000)
    again = PersonRule.learn(rows, whose, SCHEMA)
    assert again.constant == OF_PERSON
    assert dict(again.likeness)["weight"] > 0.6  # .9 in the table, 0 between random rows


@KINDS
def test_rows_are_the_same_for_a_seed_and_a_short_sample_begins_a_long_one(kind: str) -> None:
    n = CHUNK_ROWS + 7
    frames = list(fitted(kind).iter_sample(n, seed=1))
    assert max(map(len, frames)) <= CHUNK_ROWS
    joined, whose = drawn(kind, n)
    pd.testing.assert_frame_equal(pd.concat(frames), joined)
    for shorter in (1, 1_234):
        rows, its = drawn(kind, shorter)
        pd.testing.assert_frame_equal(joined.head(shorter), rows)
        assert (its == whose[:shorter]).all()
    assert not joined.head(50).equals(fitted(kind).sample(50, seed=2))


def test_no_rows_have_the_columns_and_fewer_are_refused() -> None:
    none = fitted("ruled").sample(0, seed=1)
    pd.testing.assert_series_equal(none.dtypes, TABLE.dtypes)
    assert len(none) == 0
    with pytest.raises(DataError, match="n=-1"):
        fitted("ruled").sample(-1, seed=1)


@KINDS
@pytest.mark.parametrize(
    ("where", "query"),
    [
        ({"sex": "f"}, "sex == 'f'"),
        ({"region": None}, "region.isna()"),
        ({"born": {"max": 1960}, "insured": True}, "born <= 1960 and insured"),
        ({"enrolled": {"min": "2016-01-01"}}, "enrolled >= '2016-01-01'"),
    ],
    ids=str,
)
def test_a_condition_on_a_column_of_the_person_holds_in_all_rows(
    kind: str, where: Any, query: str
) -> None:
    rows, whose = drawn(kind, 400, where=where)
    assert len(rows.query(query)) == 400
    assert (rows.groupby(whose)[list(OF_PERSON)].nunique(dropna=False) == 1).all(axis=None)
    longer, _ = drawn(kind, 700, where=where)
    pd.testing.assert_frame_equal(longer.head(400), rows)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"reason": "pain"}, "'reason' differs between the rows of one person.*sex, region"),
        ({"sez": "f"}, "did you mean 'sex'"),
        ({"rows_of_person": "1"}, "is no column"),
        ({"sex": "q"}, "no level 'q'"),
        ({"born": {"min": 2500}}, "only 0 of"),
        (["sex"], "where must map columns"),
    ],
    ids=str,
)
def test_other_conditions_are_errors(where: Any, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted("marginals").sample(5, seed=1, where=where)


def test_rules_between_columns_of_the_person_and_others_hold_in_every_row() -> None:
    table = TABLE.assign(
        visit_year=TABLE["visited"].dt.year, place=TABLE["sex"].map({"f": 1, "m": 2})
    )
    rule = PersonRule.learn(table, WHOSE, infer_schema(table))
    rules = (
        Inequality("enrolled", "visited"),
        Derived("age", "difference", ("visit_year", "born")),
        FixedCombination("sex", "place"),
    )
    made = ruled(*rules, table=table, rule=rule)
    parts = list(made.iter_persons(3_000, seed=0))
    rows = pd.concat([frame for frame, _ in parts])
    whose = np.concatenate([numbers for _, numbers in parts])
    assert all(one.holds(rows).all() for one in rules)
    assert (rows.groupby(whose)[list(rule.constant)].nunique(dropna=False) == 1).all(axis=None)
    assert np.bincount(whose).max() > 2


def test_a_rule_that_no_person_with_several_rows_keeps_is_refused() -> None:
    with pytest.raises(DataError, match="sample_groups: rows of one person share born"):
        ruled(Unique(("born", "weight")), inner=Marginals(), table=_without_twins())


def _without_twins() -> pd.DataFrame:
    return TABLE.assign(weight=np.arange(len(TABLE)) / 10)


def test_of_persons_with_very_many_rows_only_some_are_learnt() -> None:
    class Spy(Marginals):
        def fit(self, train: pd.DataFrame, schema: Schema, **rest: Any) -> None:
            super().fit(train, schema, **rest)
            self.seen = train

    spy, before = Spy(), TABLE.copy(deep=True)
    made = grouped(spy)
    assert len(spy.seen) == np.minimum(np.bincount(WHOSE), RULE.most).sum() < len(TABLE)
    assert list(spy.seen.columns) == [*TABLE.columns, RULE.count]
    assert made.persons is None
    pd.testing.assert_frame_equal(TABLE, before)


def test_the_critic_sees_rows_with_every_number_of_rows_and_the_best_counts() -> None:
    class Judge(Marginals):
        @property
        def critic(self) -> Any:
            return lambda rows: rows["weight"].to_numpy() + (rows[RULE.count] == "2").to_numpy()

    critic = grouped(Judge()).critic
    assert critic is not None
    assert critic(TABLE.head(5)).tolist() == pytest.approx((TABLE["weight"].head(5) + 1).tolist())
    assert fitted("marginals").critic is None
    assert isinstance(fitted("marginals"), HasCritic)


def test_tables_that_are_not_of_persons_are_refused() -> None:
    with pytest.raises(DataError, match="fewer than 5 persons have several"):
        PersonRule.learn(TABLE, np.arange(len(TABLE)), SCHEMA)
    with pytest.raises(DataError, match="whose each training row is"):
        Grouped(Marginals(), RULE).fit(TABLE, SCHEMA, seed=0)
    with pytest.raises(DataError, match="whose each training row is"):
        Grouped(Marginals(), RULE, WHOSE[:-1]).fit(TABLE, SCHEMA, seed=0)
    other = TABLE.rename(columns={"sex": "gender"})
    with pytest.raises(DataError, match="other columns"):
        Grouped(Marginals(), RULE, WHOSE).fit(other, infer_schema(other), seed=0)


def test_rules_that_the_persons_cannot_keep_end_in_an_error_with_bounded_effort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_seen = 0

    def none_obey(rows: pd.DataFrame, *_: Any) -> tuple[pd.DataFrame, Any]:
        nonlocal n_seen
        n_seen += len(rows)
        return rows, np.zeros(len(rows), dtype=bool)

    monkeypatch.setattr("tabveil.synthesizers.grouped.obeying", none_obey)
    monkeypatch.setattr("tabveil.synthesizers.grouped.PATIENCE_ROWS", 2 * CHUNK_ROWS)
    with pytest.raises(DataError, match=r"only 0 of .* could be made persons that obey the rules"):
        fitted("ruled").sample(5, seed=0)
    assert 3 * CHUNK_ROWS < n_seen < 5 * CHUNK_ROWS  # each row is looked at twice


def test_a_person_who_cannot_obey_is_left_out_and_others_come() -> None:
    # The kind is the person's, and follows from a code that is the visit's.
    codes = np.random.default_rng(0).integers(0, 5, len(TABLE))
    kind = np.where(WHOSE % 2, "a", "b").astype(object)
    table = TABLE.assign(code=np.char.add(kind.astype(str), codes.astype(str)).astype(object))
    table["kind"] = kind
    rule = PersonRule.learn(table, WHOSE, infer_schema(table))
    assert "kind" in rule.constant
    made = ruled(FixedCombination("code", "kind"), table=table, rule=rule)
    parts = list(made.iter_persons(3_000, seed=0))
    rows = pd.concat([frame for frame, _ in parts])
    whose = np.concatenate([numbers for _, numbers in parts])
    assert len(rows) == 3_000
    assert (rows["code"].str[0] == rows["kind"]).all()
    assert (rows.groupby(whose)["kind"].nunique() == 1).all()
    assert 0 < whose.max() + 1 - len(np.unique(whose)) < 0.3 * len(np.unique(whose))


@pytest.mark.parametrize("kind", ["marginals", "ctgan", "ruled"])
def test_a_saved_one_draws_the_same(kind: str, tmp_path: Path) -> None:
    save_synthesizer(fitted(kind), tmp_path)
    loaded = load_synthesizer(tmp_path)
    assert isinstance(loaded, Grouped)
    rows = fitted(kind).sample(500, seed=3)
    pd.testing.assert_frame_equal(loaded.sample(500, seed=3), rows)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {
        ".json",
        ".safetensors",
    }


def test_copycat_is_not_saved_behind_it_either(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="never saved"):
        save_synthesizer(fitted("copycat"), tmp_path)


SPOILT: list[dict[str, Any]] = [
    {"format": 2},
    {"schema": {}},
    {"count": "sex"},
    {"count": 3},
    {"ranges": []},
    {"ranges": [[1, 2], [2, 3]]},
    {"ranges": [[3, 1]]},
    {"ranges": [[0, 6]]},
    {"ranges": [[1, 10**9]]},
    {"ranges": [[1, 2.5]]},
    {"ranges": [[1, 1], [2, 2]]},
    {"constant": ["none"]},
    {"constant": ["sex", "sex"]},
    {"constant": ["sex", "visited"]},
    {"constant": 3},
    {"order": "sex"},
    {"order": "reason"},
    {"order": ["visited"]},
    {"rising": ["reason"]},
    {"likeness": {"weight": 2}},
    {"likeness": {"weight": float("nan")}},
    {"likeness": {"weight": 0}},
    {"likeness": {"height": 0.5}},
    {"likeness": [1]},
]


@pytest.mark.parametrize("change", SPOILT, ids=str)
def test_an_altered_rule_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    save_synthesizer(fitted("marginals"), tmp_path)
    path = tmp_path / "persons.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | change))
    with pytest.raises(ArtifactError, match=r"persons\.json"):
        load_synthesizer(tmp_path)


def test_a_cut_file_or_a_missing_key_is_refused(tmp_path: Path) -> None:
    save_synthesizer(fitted("marginals"), tmp_path)
    path = tmp_path / "persons.json"
    text = path.read_text()
    for cut in ("", text[:99], "[]", *(_without(text, key) for key in json.loads(text))):
        path.write_text(cut)
        with pytest.raises(ArtifactError, match=r"persons\.json"):
            load_synthesizer(tmp_path)
    path.unlink()
    with pytest.raises(ArtifactError, match=r"persons\.json is missing"):
        load_synthesizer(tmp_path)


def _without(text: str, key: str) -> str:
    told = json.loads(text)
    del told[key]
    return json.dumps(told)


def test_nothing_of_single_persons_is_in_the_file(tmp_path: Path) -> None:
    save_synthesizer(fitted("marginals"), tmp_path)
    told = json.loads((tmp_path / "persons.json").read_text())
    assert set(told) == {
        *("format", "schema", "count", "ranges", "constant", "order", "distinct", "rising"),
        "likeness",
    }
    assert max(high for _, high in told["ranges"]) == 6  # three persons have more


def test_values_go_missing_together_and_dates_keep_weekdays_in_whole_persons() -> None:
    rng = np.random.default_rng(1)
    unknown, unseen = rng.random(N_PERSONS) < 0.3, rng.random(len(TABLE)) < 0.4
    table = TABLE.assign(weight=TABLE["weight"].mask(unseen), reason=TABLE["reason"].mask(unseen))
    table["income"] = np.where(unknown, np.nan, rng.normal(size=N_PERSONS).round(2))[WHOSE]
    table["trade"] = np.where(unknown, None, rng.choice(["a", "b"], N_PERSONS))[WHOSE]
    monday = table["visited"] - pd.to_timedelta(table["visited"].dt.weekday, "D")
    table["visited"] = monday + pd.to_timedelta(rng.choice(3, len(table)), "D")
    rule = PersonRule.learn(table, WHOSE, infer_schema(table))
    kept = (
        MissingPattern(("weight", "reason")),
        MissingPattern(("income", "trade")),
        Calendar("visited", ("weekday",)),
    )
    made = ruled(*kept, table=table, rule=rule)
    parts = list(made.iter_persons(2000, seed=1))
    rows = pd.concat([frame for frame, _ in parts], ignore_index=True)
    whose = np.concatenate([of for _, of in parts])
    for one, other, share in (("weight", "reason", 0.4), ("income", "trade", 0.3)):
        assert (rows[one].isna() == rows[other].isna()).all()
        assert rows[one].isna().mean() == pytest.approx(share, abs=0.06)
    assert (rows.groupby(whose)[list(rule.constant)].nunique(dropna=False) == 1).all(axis=None)
    assert (rows["visited"].dt.weekday <= 2).mean() > 0.95
