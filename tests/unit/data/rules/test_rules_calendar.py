"""Do dates fall on weekdays and in months as they did, and is a real date never moved?"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.contracts import Where
from tabveil.data.pooling import Pooling
from tabveil.data.rules.calendar import LEVELS, PARTS, Calendar, days_of, part_codes
from tabveil.data.rules.checks import check_rules
from tabveil.data.rules.declared import rules_of
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import FixedCombination, Inequality
from tabveil.data.rules.suggest import suggest
from tabveil.data.rules.suggest_calendar import calendars
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, DataError
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.pooled import Pooled
from tabveil.synthesizers.ruled import Ruled

N = 3000


def bookings() -> pd.DataFrame:
    """Dates of four years that prefer weekdays and summers, as days, seconds and in a zone."""
    rng = np.random.default_rng(0)
    days = np.arange("2019-01-01", "2023-01-01", dtype="datetime64[D]")
    likely = np.array([1, 1, 1, 1.5, 2, 0.3, 0.1])[part_codes(days, "weekday")]
    likely = likely * (1.2 - np.cos(2 * np.pi * part_codes(days, "month") / 12))
    day = pd.Series(pd.to_datetime(rng.choice(days, N, p=likely / likely.sum())))
    there = rng.random(N) < 0.8
    return pd.DataFrame(
        {
            "day": day,
            "left": day + pd.to_timedelta(rng.integers(0, 9, N), "D"),
            "paid": (day + pd.to_timedelta(rng.integers(0, 86_400, N), "s")).where(there),
            "asked": day.dt.tz_localize("Europe/Berlin").dt.as_unit("s"),
            "even": pd.to_datetime(rng.choice(days, N)),
            "payer": np.where(there, rng.choice(["he", "she"], N), "none"),
        }
    )


TABLE = bookings()
SCHEMA = infer_schema(TABLE)
RULES: tuple[Rule, ...] = (
    *(Calendar(name) for name in ("day", "paid", "asked")),
    Inequality("day", "left"),
    LevelWhen("paid", None, When("payer", ("none",))),
)


def learnt(*rules: Rule) -> LearntRules:
    return Rules(rules or RULES).learn(TABLE, SCHEMA, seed=0)


def apart(one: pd.Series[Any], other: pd.Series[Any], part: str) -> float:
    """Total variation distance of two columns' weekdays or months."""
    shares = [
        pd.Series(part_codes(days_of(dates.dropna()), part)).value_counts(normalize=True)
        for dates in (one, other)
    ]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


def test_a_known_day_has_its_weekday_and_month() -> None:
    days = np.array(["2026-11-26", "1969-12-31", "2000-02-29", "NaT"], dtype="datetime64[D]")
    assert [LEVELS["weekday"][i] for i in part_codes(days, "weekday")[:3]] == ["Thu", "Wed", "Tue"]
    assert [LEVELS["month"][i] for i in part_codes(days, "month")[:3]] == ["Nov", "Dec", "Feb"]
    assert part_codes(days, "month")[3] == part_codes(days, "weekday")[3] == -1


def test_real_dates_come_back_exactly() -> None:
    rules = learnt()
    applied = rules.apply(TABLE)
    assert set(applied) - set(TABLE) == {
        f"{part} of {name}" for part in PARTS for name in ("day", "paid", "asked")
    }
    assert list(applied) == rules.apply_schema().names
    pd.testing.assert_frame_equal(rules.undo(applied), TABLE)


def test_a_moved_date_has_both_parts_and_lies_near_within_the_bounds() -> None:
    rules, rng = learnt(), np.random.default_rng(1)
    applied = rules.apply(TABLE)
    for name in [name for name in applied if " of " in name]:
        applied[name] = rng.permutation(applied[name].to_numpy())
    undone = rules.undo(applied)
    for name in ("day", "paid", "asked"):
        there = undone[name].notna().to_numpy()
        for part in PARTS:
            wanted = pd.Index(LEVELS[part]).get_indexer(applied[f"{part} of {name}"])[there]
            got = part_codes(days_of(undone[name][there]), part)
            assert (wanted == got).mean() > 0.99, (name, part)
        way = (undone[name] - applied[name])[there].abs()
        assert way.max() < pd.Timedelta("366 D")
        assert undone[name].min() >= TABLE[name].min()
        assert undone[name].max() <= TABLE[name].max()
    clock = applied["paid"].dt.time[undone["paid"].notna()]
    assert clock.equals(undone["paid"].dt.time.dropna())
    pd.testing.assert_series_equal(undone.dtypes, TABLE.dtypes)


@given(
    st.lists(st.dates(date(2019, 3, 1), date(2022, 10, 31)), min_size=1),
    st.integers(0, 11),
    st.integers(0, 6),
)
@settings(max_examples=60)
def test_any_date_moves_to_any_month_and_weekday(dates: list[Any], month: int, day: int) -> None:
    (step,) = learnt(Calendar("day")).steps
    table = pd.DataFrame({"day": pd.to_datetime(dates)}).assign(
        **{"weekday of day": LEVELS["weekday"][day], "month of day": LEVELS["month"][month]}
    )
    moved = step.restore(table)
    days = days_of(moved["day"])
    assert (part_codes(days, "month") == month).all()
    assert (part_codes(days, "weekday") == day).all()
    again = step.restore(table.assign(day=moved["day"]))
    pd.testing.assert_frame_equal(again, moved)


def test_the_skipped_hour_of_spring_does_not_stop_a_move() -> None:
    hours = pd.Series(pd.to_datetime(["2021-03-27 02:30"] * 9)).dt.tz_localize("Europe/Berlin")
    table = pd.DataFrame({"at": [*hours, *(hours + pd.Timedelta("9 D"))], "n": range(18)})
    schema = infer_schema(table, kinds={"n": "numeric"})
    rules = Rules((Calendar("at", ("weekday",)),)).learn(table, schema, seed=0)
    undone = rules.undo(rules.apply(table).assign(**{"weekday of at": "Sun"}))
    assert set(undone["at"].dt.weekday[:9]) <= {5, 6}
    assert undone["at"].notna().all()


@pytest.mark.parametrize("kind", ["marginals", "ctgan"])
def test_drawn_dates_fall_as_the_tables_do_and_obey(kind: str) -> None:
    small = {"embedding_dim": 8, "generator_dim": (16,), "discriminator_dim": (16,)}
    ctgan = Ctgan(epochs=1, batch_size=500, **small)  # type: ignore[arg-type]
    rules = learnt()
    reference = rules.apply(TABLE.head(900))
    pooling = Pooling().learn(rules.apply(TABLE), reference, rules.apply_schema())
    model = Ruled(Pooled(Marginals() if kind == "marginals" else ctgan, pooling), rules)
    model.fit(TABLE, SCHEMA, seed=0)
    rows = model.sample(3000, seed=1)
    assert all(rule.holds(rows).all() for rule in RULES)
    for name in ("day", "paid", "asked"):
        assert rows[name].min() >= TABLE[name].min()
        assert rows[name].max() <= TABLE[name].max()
        if kind == "marginals":
            assert apart(rows[name], TABLE[name], "weekday") < 0.05
            assert apart(rows[name], TABLE[name], "month") < 0.05
    wheres: list[tuple[Where, str]] = [
        (
            {"day": {"min": "2021-06-01", "max": "2021-06-30"}},
            "'2021-06-01' <= day <= '2021-06-30'",
        ),
        ({"day": {"min": "2021-06-01"}}, "day >= '2021-06-01'"),
        ({"day": "2021-06-03"}, "'2021-06-03' <= day <= '2021-06-03'"),
        ({"paid": None}, "payer == 'none'"),
    ]
    for where, query in wheres:
        assert len(model.sample(20, seed=1, where=where).query(query)) == 20


def test_it_comes_back_from_json_and_altered_json_is_refused() -> None:
    rules = learnt(Calendar("day"), Calendar("paid", ("month",)))
    data = json.loads(json.dumps(rules.to_dict()))
    assert LearntRules.from_dict(data) == rules
    changes: list[dict[str, Any]] = [{"low": "x"}, {"high": 10**15}, {"low": True}, {"high": None}]
    changes += [{"levels": levels} for levels in ([], [["Mon"]], [["Mon"], ["Mon"]], 3)]
    for change in [*changes, {"levels": [["Mon", "Mon"], ["Jan"]]}]:
        altered = json.loads(json.dumps(data))
        altered["learnt"][0] |= change
        with pytest.raises(DataError):
            LearntRules.from_dict(altered)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_dates_up_to_the_year_9999_come_back_from_json(unit: str) -> None:
    days = np.arange("2019-01-07", "2023-01-01", 7, dtype="datetime64[D]")
    open_ended = np.where(np.arange(len(days)) % 5, days, np.datetime64("9999-12-31"))
    table = pd.DataFrame({"until": pd.Series(open_ended.astype(f"datetime64[{unit}]"))})
    rules = Rules((Calendar("until"),)).learn(table, infer_schema(table), seed=0)
    again = LearntRules.from_dict(json.loads(json.dumps(rules.to_dict())))
    assert again == rules
    assert again.undo(again.apply(table)).equals(table)
    friday = again.apply(table).assign(**{"weekday of until": "Fri"})
    assert again.undo(friday)["until"].between(table["until"].min(), "9999-12-31").all()


def test_bounds_are_nobodys_date() -> None:
    (step,) = learnt(Calendar("day")).steps
    told = step.to_dict()
    days = np.sort(days_of(TABLE["day"]).astype(int))
    assert days[4] <= told["low"] <= days[4] + 10
    assert days[-5] - 10 <= told["high"] <= days[-5]
    assert told["low"] % 10 == told["high"] % 10 == 0


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([Calendar("payer")], "'payer' is categorical"),
        ([Calendar("day", ())], "parts are weekday or month, or both"),
        ([Calendar("day", ("hour",))], "parts are"),
        ([Calendar("day"), Calendar("day", ("month",))], "two rules speak of the calendar"),
        ([FixedCombination("payer", "day"), Calendar("day")], "gives already"),
    ],
)
def test_what_does_not_fit_is_named(rules: list[Rule], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rules(rules, SCHEMA)


def test_it_is_kept_unasked_where_weekdays_or_seasons_show() -> None:
    found = {rule.column: rule.parts for rule in calendars(TABLE, SCHEMA)}
    assert found == dict.fromkeys(("day", "paid", "asked"), PARTS) | {"left": ("month",)}
    told = [{"kind": "calendar", "column": "day", "parts": ["month"]}]
    rules = [r for r in rules_of(TABLE, SCHEMA, told) if isinstance(r, Calendar)]
    assert {r.column for r in rules} == set(found)
    assert rules[0] == Calendar("day", ("month",))


def test_it_is_suggested_beside_the_order_of_dates() -> None:
    rules = tuple(one.rule for one in suggest(TABLE, SCHEMA))
    assert Calendar("paid") in rules
    assert Inequality("day", "left") in rules
    Rules(rules).learn(TABLE, SCHEMA, seed=0)  # they can be declared together


def test_chance_and_trends_are_no_calendar() -> None:
    rng = np.random.default_rng(2)
    n_found = 0
    for _ in range(30):
        recent = np.minimum(rng.exponential(120, 2000), 1400)  # most lie at the end of the table
        table = pd.DataFrame(
            {
                "even": pd.Timestamp("2019-01-01")
                + pd.to_timedelta(rng.integers(0, 1461, 2000), "D"),
                "few": pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 90, 2000), "D"),
                "recent": pd.Timestamp("2022-06-30") - pd.to_timedelta(recent.astype(int), "D"),
            }
        )
        n_found += len(calendars(table, infer_schema(table)))
    assert n_found <= 3


def test_it_fits_with_gaps_that_go_together() -> None:
    table = TABLE.assign(payer=TABLE["payer"].where(TABLE["paid"].notna()))
    rules = Rules((Calendar("paid"), MissingPattern(("paid", "payer"))))
    found = rules.learn(table, infer_schema(table), seed=0)
    applied = found.apply(table)
    assert applied.notna().all().all()
    pd.testing.assert_frame_equal(found.undo(applied), table)
