"""Are columns set whatever they are called?"""

from __future__ import annotations

import pandas as pd
import pytest

from tabveil.data.frames import with_columns


@pytest.mark.parametrize("name", ["self", "index", "", "name", "values", "shape", "None", "a b"])
def test_a_column_of_any_name_is_set_or_added(name: str) -> None:
    table = pd.DataFrame({"a": [1, 2]})
    added = with_columns(table, {name: ["x", "y"]})
    assert list(added) == ["a", name]
    changed = with_columns(added, {name: pd.Series([3, 4]), "a": [5, 6]})
    assert changed.to_dict("list") == {"a": [5, 6], name: [3, 4]}
    assert added.to_dict("list") == {"a": [1, 2], name: ["x", "y"]}
    assert table.to_dict("list") == {"a": [1, 2]}
