"""A guess that never looks at the synthetic table succeeds only where the sides differ."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema
from tabveil.measure.blind import guess_blindly
from tabveil.measure.lineup import lineup_of


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "y": rng.normal(size=n),
            "city": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
        }
    )


def advantage(control: pd.DataFrame) -> tuple[float, float]:
    tables = [people(1000, 0), control, people(1000, 2), people(1000, 3)]
    data = EvalInput(*tables, schema=infer_schema(tables[0]), seed=0)
    headline, *_ = guess_blindly(lineup_of(data))
    assert headline.advantage is not None
    return headline.advantage.value, headline.advantage.se


def test_random_parts_of_one_population_cannot_be_told_apart():
    value, se = advantage(people(1000, 1))
    assert abs(value) < 3 * se


@pytest.mark.parametrize("how", ["larger", "one city", "no gaps"])
def test_what_differs_is_found(how):
    control = people(3000, 1)
    chosen = {
        "larger": control["y"] > -0.5,
        "one city": control["city"] != "c",
        "no gaps": control["x"].notna(),
    }[how]
    value, se = advantage(control[chosen].head(1000))
    assert value > 2.5 * se


def test_the_synthetic_table_is_not_looked_at():
    tables = [people(300, i) for i in range(4)]
    schema = infer_schema(tables[0])
    made = [EvalInput(*tables[:3], tables[i], schema=schema, seed=0) for i in (0, 3)]
    one, two = (guess_blindly(lineup_of(data)) for data in made)
    assert [s.value for s in one] == [s.value for s in two]
