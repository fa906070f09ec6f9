"""Fast enough for tables of millions: times on one busy core, with room to spare."""

import time

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from tabveil.data.identifiers.find import FORMS, Found, find_identifier
from tabveil.data.identifiers.learning import learn


@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_thousand_values_take_less_than_five_seconds(form):
    values = pd.Series([f"Anna Berg {i} of the old town" for i in range(50)])
    mask = learn(values, Found(form, ""), seed=0)
    before = time.process_time()
    mask.draw(100_000, np.random.default_rng(0), start=0)
    assert time.process_time() - before < 5


def test_fifty_thousand_rows_of_thirty_columns_take_less_than_ten_seconds():
    made = Faker("en_US")
    made.seed_instance(0)
    rng, n = np.random.default_rng(0), 50_000
    names = np.array([made.name() for _ in range(5000)])
    mails = np.array([made.email() for _ in range(5000)])
    table = pd.DataFrame(
        {f"n{i}": rng.normal(size=n).round(2) for i in range(5)}
        | {f"i{i}": rng.integers(0, 10**6, n) for i in range(5)}
        | {f"c{i}": rng.choice(["a", "b", "c"], n) for i in range(5)}
        | {f"m{i}": rng.choice(mails, n) for i in range(5)}
        | {f"p{i}": rng.choice(names, n) for i in range(5)}
        | {f"k{i}": [f"{j:07d}-X" for j in rng.permutation(n)] for i in range(5)}
    )
    before = time.process_time()
    found = [find_identifier(table[name]) for name in table]
    assert time.process_time() - before < 10
    assert [f.form if f else None for f in found] == [None] * 15 + [
        form for form in ("email", "full_name", "key") for _ in range(5)
    ]
