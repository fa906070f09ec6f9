"""A target that holds one value is refused before anything is trained."""

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.data.targets import check_target
from tabveil.errors import DataError


def check(target: object, kind: str = "categorical") -> None:
    table = pd.DataFrame({"x": np.arange(6.0), "y": target})
    schema = infer_schema(table, kinds={"y": kind}).with_roles(target="y")
    check_target(table, schema)


@pytest.mark.parametrize(
    ("target", "kind", "said"),
    [
        ("same", "categorical", "one value in all its cells"),
        (["same", None, "same", "same", None, "same"], "categorical", "one value, and 2 missing"),
        (3.0, "numeric", "one value in all its cells"),
        ([None] * 6, "categorical", "no value at all"),
    ],
)
def test_a_target_of_one_value_is_refused(target: object, kind: str, said: str) -> None:
    with pytest.raises(DataError, match=f"the target 'y' holds {said}"):
        check(target, kind)


def test_a_target_of_two_values_however_rare_is_not() -> None:
    check(["a"] * 5 + ["b"])
    check(["a", None, None, None, None, "b"])


def test_a_table_without_a_target_is_not_asked() -> None:
    table = pd.DataFrame({"x": np.arange(6.0)})
    check_target(table, infer_schema(table))
