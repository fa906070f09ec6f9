"""Are rows drawn until enough of them may be given away, whatever protects them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import Filter, Source
from tabveil.data.schema import infer_schema
from tabveil.errors import ConditionError, ConfigError
from tabveil.protections.copies import DropCopies
from tabveil.protections.outliers import SuppressOutliers
from tabveil.protections.protected import Protected, described
from tabveil.protections.rounding import RoundNumbers
from tabveil.protections.small_groups import DropSmallGroups
from tabveil.seeding import child_rng
from tabveil.synthesizers.chunks import concat, draw_chunks, take


@dataclass
class Drawing:
    """Draws rows of a distribution, in chunks as every synthesizer does."""

    draw: Callable[[int, np.random.Generator], pd.DataFrame]

    def sample(self, n: int, *, seed: int, where: Any = None) -> pd.DataFrame:
        return concat(list(self.iter_sample(n, seed=seed)))

    def iter_sample(self, n: int, *, seed: int, where: Any = None) -> Iterator[pd.DataFrame]:
        return take(draw_chunks(self.draw, seed), n)


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame({"age": rng.integers(0, 50, n), "sex": rng.choice(["f", "m"], n)})


TRAIN, REFERENCE = people(40, child_rng(0, "a")), people(2_000, child_rng(0, "b"))
SCHEMA = infer_schema(REFERENCE).with_roles(target=None, quasi_identifiers=("sex", "age"))
SOURCE = Source(TRAIN, REFERENCE, SCHEMA)


def by(*protections: Any) -> Protected:
    return Protected.by(Drawing(people), {one.name: one for one in protections}, SOURCE)


def rows(table: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(table.itertuples(index=False, name=None))


def test_without_protections_rows_are_those_of_the_model() -> None:
    pd.testing.assert_frame_equal(by().sample(500, seed=3), Drawing(people).sample(500, seed=3))


def test_as_many_rows_as_asked_for_come_and_none_is_a_copy() -> None:
    plain = Drawing(people).sample(25_000, seed=3)
    assert rows(plain) & rows(TRAIN)
    found = by(DropCopies()).sample(25_000, seed=3)
    assert len(found) == 25_000
    assert not rows(found) & rows(TRAIN)
    assert list(found.index) == list(range(25_000))
    pd.testing.assert_frame_equal(by(DropCopies()).sample(100, seed=3), found.head(100))


def test_rows_are_looked_at_before_and_after_they_are_rounded() -> None:
    coarse = RoundNumbers(parts=10)  # steps of 5 years
    found = by(coarse, DropCopies()).sample(5_000, seed=1)
    assert (found["age"] % 5 == 0).all()
    assert not rows(found) & rows(TRAIN)
    alone = by(coarse).sample(5_000, seed=1)
    assert rows(alone) & rows(TRAIN)
    # A copy may not come back as its rounded self: ages of the training rows are missing, too.
    kept = Drawing(people).sample(50_000, seed=1)
    fresh = kept[[row not in rows(TRAIN) for row in kept.itertuples(index=False, name=None)]]
    assert rows(found) <= rows(coarse.against(SOURCE)(fresh))


def test_whether_a_row_can_be_drawn_at_all_is_not_told() -> None:
    with pytest.raises(ConfigError, match="whether such a row can be drawn"):
        by(DropCopies()).sample(1, seed=0, where={"age": 30})


def test_conditions_hold_after_rounding_and_shared_values_stay() -> None:
    coarse = by(RoundNumbers(parts=3))  # steps of 20 years
    drawn = coarse.sample(50, seed=0, where={"age": {"min": 15, "max": 39}})
    assert set(drawn["age"]) == {20}
    codes = pd.DataFrame({"days": np.r_[np.full(500, -1), np.arange(1, 1_001)]})
    schema = infer_schema(codes)
    rounded = RoundNumbers(parts=10).against(Source(codes, codes, schema))(codes)
    assert (rounded["days"] == -1).sum() == 500
    assert rounded["days"].nunique() < 20


def test_small_groups_make_the_table_shorter_and_none_is_left() -> None:
    found = by(DropSmallGroups(k=5)).sample(300, seed=0)
    assert 0 < len(found) < 300
    assert found.groupby(["age", "sex"]).size().min() >= 5
    assert list(found.index) == list(range(len(found)))


def test_a_protection_that_lets_nothing_through_ends_in_an_error_that_says_so() -> None:
    @dataclass(frozen=True)
    class Nothing:
        name: ClassVar[str] = "nothing"
        stage: ClassVar[str] = "rows"
        names_people: ClassVar[bool] = False

        def against(self, source: Source) -> Filter:
            return lambda rows: rows.head(0)

    with pytest.raises(ConditionError, match="too few rows passed the protections to make 10"):
        by(Nothing()).sample(10, seed=0)


def test_outliers_are_those_far_from_the_reference() -> None:
    keep = SuppressOutliers(share=0.02).against(SOURCE)
    odd = pd.DataFrame({"age": [500, 25], "sex": ["f", "f"]})
    assert keep(odd)["age"].tolist() == [25]
    fresh = people(5_000, child_rng(0, "c"))
    assert 0.9 < len(keep(fresh)) / len(fresh) <= 1


def test_numbers_and_dates_are_rounded_to_steps_learnt_from_the_reference() -> None:
    rng = child_rng(0, "d")
    day = pd.Timestamp("2020-01-01")
    table = pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, 2_000).round(2),
            "share": rng.random(2_000).round(4),
            "since": day + pd.to_timedelta(rng.integers(0, 3_650, 2_000), unit="D"),
            "few": rng.integers(0, 5, 2_000),
        }
    )
    schema = infer_schema(table)
    found = RoundNumbers(parts=20).against(Source(table, table, schema))(table)
    steps = RoundNumbers(parts=20).steps(table, schema)
    assert set(steps) == {"income", "share", "since"}
    for name in ("income", "share"):
        step = steps[name][0]
        away = (found[name] - table[name]).abs()
        assert away.max() <= step / 2 * 1.001
        assert found[name].nunique() < table[name].nunique() / 2
    assert found["since"].nunique() <= 3_650 / steps["since"][0] + 2
    pd.testing.assert_series_equal(found["few"], table["few"])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SuppressOutliers(share=0.7),
        lambda: SuppressOutliers(k=0),
        lambda: DropSmallGroups(k=1),
        lambda: RoundNumbers(parts=0),
        lambda: DropSmallGroups(columns=["nobody"]).against(SOURCE),
        lambda: DropSmallGroups().against(Source(TRAIN, REFERENCE, infer_schema(REFERENCE))),
        lambda: SuppressOutliers().against(Source(TRAIN, REFERENCE.head(3), SCHEMA)),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="protection"):
        wrong()


def test_protections_are_described_by_name_and_settings() -> None:
    found = described({"a": RoundNumbers(parts=9), "b": DropCopies()})
    assert found == {"rounding": {"parts": 9}, "copies": {}}
