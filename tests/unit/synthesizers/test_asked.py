"""Is what is wanted of gaps asked of the model, so that nothing is drawn in vain?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import Where
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.suggest_missing import missing_patterns
from tabveil.data.schema import infer_schema
from tabveil.errors import ConditionError
from tabveil.synthesizers.asked import split_where
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.ruled import Ruled

N = 600


def visits() -> pd.DataFrame:
    """Drug and date are there together; a dose is there only with them."""
    rng = np.random.default_rng(0)
    treated, dosed = rng.random(N) < 0.6, rng.random(N) < 0.8
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    return pd.DataFrame(
        {
            "ward": rng.choice(["eye", "ear"], N),
            "dose": np.where(treated & dosed, rng.integers(1, 90, N), np.nan),
            "drug": pd.Series(rng.choice(["a", "b"], N)).where(treated),
            "given": pd.Series(day).where(treated),
        }
    )


TABLE = visits()
SCHEMA = infer_schema(TABLE)
RULE = MissingPattern(("dose", "drug", "given"))


class Counted(Marginals):
    """Marginals that note how many rows were asked of them."""

    n_drawn = 0

    def iter_sample(self, *args: Any, **rest: Any) -> Iterator[pd.DataFrame]:
        for frame in super().iter_sample(*args, **rest):
            Counted.n_drawn += len(frame)
            yield frame


@cache
def fitted(kind: str = "marginals") -> Ruled:
    small = {"embedding_dim": 8, "generator_dim": (16,), "discriminator_dim": (16,)}
    ctgan = Ctgan(epochs=2, batch_size=100, **small)  # type: ignore[arg-type]
    inner = {"ctgan": ctgan, "marginals": Marginals(), "counted": Counted()}[kind]
    synthesizer = Ruled(inner, Rules((RULE,)).learn(TABLE, SCHEMA, seed=0))
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    return synthesizer


def test_the_rule_is_the_one_found() -> None:
    assert missing_patterns(TABLE, SCHEMA) == (RULE,)


@pytest.mark.parametrize("kind", ["marginals", "ctgan"])
def test_gaps_of_drawn_rows_are_those_of_the_table(kind: str, tmp_path: Any) -> None:
    rows = fitted(kind).sample(5000, seed=1)
    names = list(RULE.of)
    drawn, real = (t[names].isna().value_counts(normalize=True) for t in (rows, TABLE))
    assert set(drawn.index) <= set(real.index)
    if kind == "marginals":  # a model of single columns: with them, joint gaps would be wrong
        assert drawn.sub(real, fill_value=0).abs().sum() / 2 < 0.02
    pd.testing.assert_series_equal(rows.dtypes, TABLE.dtypes)
    save_synthesizer(fitted(kind), tmp_path)
    pd.testing.assert_frame_equal(load_synthesizer(tmp_path).sample(5000, seed=1), rows)


@pytest.mark.parametrize("kind", ["marginals", "ctgan"])
@pytest.mark.parametrize(
    ("where", "query"),
    [
        ({"drug": None}, "drug != drug and dose != dose and given != given"),
        ({"dose": None}, "dose != dose"),
        ({"dose": None, "drug": "a"}, "dose != dose and drug == 'a'"),
        ({"drug": ["a", "b"]}, "drug == drug and given == given"),
        ({"drug": ["b", None]}, "drug != 'a'"),
        ({"dose": {"min": 50}}, "dose >= 50 and drug == drug"),
        ({"given": {"max": "2020-06-01"}, "dose": None}, "given <= '2020-06-01' and dose != dose"),
        ({"ward": "eye"}, "ward == 'eye'"),
    ],
    ids=str,
)
def test_conditions_on_gaps_are_met(kind: str, where: Where, query: str) -> None:
    rows = fitted(kind).sample(40, seed=1, where=where)
    assert len(rows.query(query)) == 40
    longer = fitted(kind).sample(90, seed=1, where=where)
    pd.testing.assert_frame_equal(longer.head(40), rows)


@pytest.mark.parametrize("where", [{"dose": None, "drug": "a"}, {"given": None}], ids=str)
def test_what_can_be_asked_is_drawn_once(where: Where) -> None:
    model = fitted("counted")
    Counted.n_drawn = 0
    model.sample(5000, seed=1, where=where)
    assert Counted.n_drawn == 5000


def test_what_is_asked_names_patterns_and_values() -> None:
    rules = fitted().rules
    conditions, asked = split_where({"dose": None, "drug": "a", "ward": "ear"}, rules)
    assert set(conditions) == {"dose", "drug"}
    assert asked == {"drug": "a", "ward": "ear", "missing of dose and 2 more": ["100"]}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"drug": None, "dose": 3}, "dose and drug are not missing in that way together"),
        ({"drug": "c"}, "no level 'c'"),
        ({"missing of dose and 2 more": "100"}, "which is no column"),
    ],
)
def test_gaps_that_do_not_occur_are_errors(where: Where, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted().sample(5, seed=1, where=where)
