"""Does the control leak as it should?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, TabveilError
from tabveil.synthesizers.copycat import Copycat

TABLE = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": ["x", "y", None]})


def test_every_row_is_a_training_row() -> None:
    copycat = Copycat()
    copycat.fit(TABLE, infer_schema(TABLE), seed=0)
    rows = copycat.sample(1000, seed=1)
    assert len(rows.drop_duplicates()) == 3
    assert len(rows.merge(TABLE)) == 1000
    assert rows["a"].value_counts().min() > 250


def test_it_is_neither_saved_nor_loaded_nor_sampled_unfitted(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="never saved"):
        Copycat().save(tmp_path)
    with pytest.raises(ArtifactError, match="never saved"):
        Copycat.load(tmp_path)
    with pytest.raises(TabveilError, match="not fitted"):
        Copycat().sample(1, seed=0)
