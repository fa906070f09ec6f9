"""Names of real people in the synthetic table are a leak; numbers of rows are not."""

import numpy as np
import pandas as pd
import pytest

from tabveil.measure.identifiers import released


def tables(train, control, synthetic, column="id"):
    return {
        name: pd.DataFrame({column: values})
        for name, values in (("train", train), ("control", control), ("synthetic", synthetic))
    }


def text(seed: int, n: int = 500) -> list[str]:
    return [f"{seed}-{i}" for i in range(n)]


RNG = np.random.default_rng(0)
NUMBERS = RNG.choice(10**9, 1500, replace=False)


@pytest.mark.parametrize(
    ("train", "control", "synthetic", "shown"),
    [
        (text(0), text(1), text(0), True),
        (text(0), text(1), text(2), False),
        (text(0), text(1), text(1), False),  # those of control
        (text(0), text(1), [*text(2), *text(0)[:12], *text(1)[:11]], False),  # of both alike
        (text(0), text(1), [*text(2), *text(0)[:12]], True),
        (text(0), text(1), [*text(2), text(0)[7]], False),  # one may be chance
        (range(500), range(500), range(500), False),  # everybody counts from 0
        (range(500), range(500, 1000), range(500), False),
        (NUMBERS[:500], NUMBERS[500:1000], NUMBERS[:500].astype(float), True),
        (NUMBERS[:500], NUMBERS[500:1000], NUMBERS[1000:], False),
        (np.arange(500) * 97, 10**6 + np.arange(500) * 97, np.arange(500) * 97, True),
    ],
)
def test_what_occurs_of_train_beyond_control_was_copied(train, control, synthetic, shown):
    found = released("id", tables(train, control, synthetic))
    assert found is None or 0 <= found.p <= 1
    assert bool(found and found.shown) == shown


def test_the_words_name_the_column_and_no_value():
    said = str(released("ssn", tables(text(0), text(1), text(0), "ssn")))
    assert said == (
        "100.0% of the values of column 'ssn' in train stand in the synthetic table, and 0.0% of "
        "those in control"
    )


def test_without_the_column_in_all_three_nothing_is_said():
    given = tables(text(0), text(1), text(2))
    assert released("id", {**given, "control": pd.DataFrame({"x": [1]})}) is None
    assert released("id", {**given, "synthetic": pd.DataFrame({"id": [None]})}) is None
