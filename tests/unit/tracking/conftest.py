"""A tracking store and a saved generator. Making MLflow's tables takes seconds: once a session."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.schema import Schema, infer_schema
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.models import save_generator
from tabveil.tracking.store import open_tracking, prepare_store

# Collected for doctests, this file would meet another conftest.py under the same module name.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "store"
    prepare_store(open_tracking(None, root=root), "study", root=root)
    return root


@pytest.fixture
def root(empty_store: Path, tmp_path: Path) -> Path:
    """A copy: the store finds out by itself that it has been moved."""
    return Path(shutil.copytree(empty_store, tmp_path / "my store #1 100%"))


@pytest.fixture
def uri(root: Path) -> str:
    return open_tracking(None, root=root)


@pytest.fixture
def experiment_id(uri: str, root: Path) -> str:
    return prepare_store(uri, "study", root=root)


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": rng.normal(30_000, 5_000, n).round(2),
            "sex": rng.choice(["female", "male"], n),
            "smoker": rng.random(n) < 0.3,
            "visit": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "note": rng.choice(["a", None, 'ü, "quoted"'], n),
        }
    )


@pytest.fixture(scope="session")
def schema(table: pd.DataFrame) -> Schema:
    return infer_schema(table)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame, schema: Schema) -> Path:
    synthesizer = Marginals()
    synthesizer.fit(table, schema, seed=0)
    directory = tmp_path_factory.mktemp("saved") / "generator"
    save_generator(synthesizer, Masking(schema), directory, about={"seed": 0})
    return directory
