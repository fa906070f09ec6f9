"""What every protection under conf/protection promises."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tabveil.contracts import Protection, Source
from tabveil.data.schema import infer_schema

CONFIGS = sorted((Path(__file__).parents[2] / "conf" / "protection").glob("*.yaml"))


def build(path: Path) -> Protection:
    ((name, settings),) = yaml.safe_load(path.read_text(encoding="utf-8")).items()
    module, _, kind = settings.pop("_target_").rpartition(".")
    protection: Protection = getattr(importlib.import_module(module), kind)(**settings)
    assert (name, protection.name) == (path.stem, path.stem)
    return protection


@pytest.fixture(params=CONFIGS, ids=[path.stem for path in CONFIGS])
def protection(request: pytest.FixtureRequest) -> Protection:
    return build(request.param)


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    table = pd.DataFrame(
        {
            "größe": (x * 100).round(2),
            "visits": rng.poisson(np.exp(x)),
            "area": np.where(x + rng.normal(size=n) > 0, "north", "south"),
            "member": x > rng.normal(size=n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta((x * 1000).round(), unit="D"),
        }
    )
    table.loc[rng.random(n) < 0.1, "größe"] = np.nan
    table.loc[rng.random(n) < 0.1, "area"] = None
    return table


def source() -> Source:
    train, reference = rows(400, 0), rows(400, 1)
    schema = infer_schema(train).with_roles(target=None, quasi_identifiers=("area", "member"))
    return Source(train, reference, schema)


def drawn() -> pd.DataFrame:
    """Fresh rows, training rows and one that is like nobody."""
    odd = rows(1, 5).assign(visits=10_000, größe=-1e6)
    return pd.concat([rows(300, 2), rows(400, 0).head(30), odd], ignore_index=True)


def test_rows_keep_their_columns_and_dtypes_and_come_in_order(protection: Protection) -> None:
    kept = protection.against(source())(drawn())
    assert list(kept.columns) == list(drawn().columns)
    pd.testing.assert_series_equal(kept.dtypes, drawn().dtypes)
    assert kept.index.is_monotonic_increasing
    assert 0 < len(kept) <= len(drawn())
    if protection.stage == "values":
        assert len(kept) == len(drawn())
    else:
        pd.testing.assert_frame_equal(kept, drawn().loc[kept.index])


def test_it_does_something(protection: Protection) -> None:
    kept = protection.against(source())(drawn().iloc[[0, *range(290, 331)]])
    assert not kept.equals(drawn().iloc[[0, *range(290, 331)]])


def test_neither_the_rows_nor_the_source_are_changed(protection: Protection) -> None:
    given, real = drawn(), source()
    protection.against(real)(given)
    pd.testing.assert_frame_equal(given, drawn())
    pd.testing.assert_frame_equal(real.train, source().train)


def test_the_same_rows_give_the_same_result(protection: Protection) -> None:
    first, again = (protection.against(source())(drawn()) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_what_passed_passes_again(protection: Protection) -> None:
    keep = protection.against(source())
    once = keep(drawn())
    pd.testing.assert_frame_equal(keep(once), once)


def test_no_rows_give_none(protection: Protection) -> None:
    assert len(protection.against(source())(drawn().head(0))) == 0
