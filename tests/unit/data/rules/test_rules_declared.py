"""Is each sort of rule that is kept unasked kept, unless it is switched off?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.declared import AUTOMATIC, rules_of
from tabveil.data.rules.kinds import rule_to_dict
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import Inequality
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError

N = 600


def stays() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    came = pd.to_datetime("2020-01-06") + pd.to_timedelta(7 * rng.integers(0, 90, N), "D")
    gone = rng.random(N) < 0.3
    return pd.DataFrame(
        {
            "came": came,
            "left": came + pd.to_timedelta(rng.integers(0, 700, N), "D"),
            "dose": np.where(gone, np.nan, rng.integers(0, 50, N)),
            "drug": np.where(gone, None, rng.choice(["x", "y"], N)),
        }
    )


TABLE = stays()
SCHEMA = infer_schema(TABLE)
KEPT = {
    "date_order": Inequality("came", "left"),
    "missing_pattern": MissingPattern(("dose", "drug")),
    "calendar": Calendar("came", ("weekday",)),
}


def test_all_are_kept_unasked() -> None:
    assert tuple(KEPT) == AUTOMATIC
    assert rules_of(TABLE, SCHEMA, []) == tuple(KEPT.values())


@pytest.mark.parametrize("name", AUTOMATIC)
def test_one_is_kept_alone_and_a_declared_one_beside_all_switched_off(name: str) -> None:
    assert rules_of(TABLE, SCHEMA, [], [name]) == (KEPT[name],)
    assert rules_of(TABLE, SCHEMA, [rule_to_dict(KEPT[name])], []) == (KEPT[name],)


def test_an_unknown_one_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ConfigError, match=r"automatic_rules names 'order'.*date_order, missing"):
        rules_of(TABLE, SCHEMA, [], ["calendar", "order"])
