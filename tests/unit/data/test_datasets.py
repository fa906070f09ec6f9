"""Do the shipped tables, the script that makes them and their configs agree?"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import yaml

from tabveil.data.schema import infer_schema
from tabveil.data.split import split
from tabveil.data.tables import digest, read_table

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "conf" / "dataset").glob("*.yaml"))
SHIPPED = ["randhie", "randhie_years"]
PLACE = {
    "csv": ["path", "format", "encoding", "decimal", "sheet", "schema"],
    "sql": ["url", "query", "schema"],
}
"""What says where and what the table is; the others: a file and its format."""
KNOWN = ["target", "sensitive", "quasi_identifiers", "group", "sample_groups", "kinds"]


def config(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        (ROOT / "conf" / "dataset" / f"{name}.yaml").read_text()
    )
    return loaded


@pytest.fixture(scope="module")
def make_data() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_data", ROOT / "scripts" / "make_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(make_data: ModuleType) -> dict[str, pd.DataFrame]:
    years = make_data.person_years(make_data.read_source())
    return {"randhie": make_data.first_years(years), "randhie_years": years}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_dataset_config_has_the_known_keys_and_comments_each(path: Path) -> None:
    any_table = ["missing", "masks", "rules"] if path.stem in PLACE else []
    place = PLACE.get(path.stem, ["path", "format"])
    keys = ["name", *place, *KNOWN, *any_table, "automatic_rules"]
    assert list(config(path.stem)) == keys
    lines = path.read_text().splitlines()
    for key in keys:
        before = lines[next(i for i, line in enumerate(lines) if line.startswith(f"{key}:")) - 1]
        assert before.startswith("# "), key


@pytest.mark.parametrize("name", SHIPPED)
def test_a_config_spells_out_the_schema_of_its_table(
    name: str, made: dict[str, pd.DataFrame]
) -> None:
    given, table = config(name), made[name]
    assert list(given["kinds"]) == table.columns.tolist()
    schema = infer_schema(table, kinds=given["kinds"]).with_roles(
        **{role: given[role] for role in ("target", "sensitive", "quasi_identifiers", "group")}
    )
    splits = split(table, schema, seed=0)
    assert splits.report["n_twin_rows_parted"] == splits.report["n_rows_unlinked"] == 0
    assert set(splits.reference["self_rated_health"]) == {"excellent", "good", "fair", "poor"}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_script_makes_the_tables_that_are_shipped(
    name: str, made: dict[str, pd.DataFrame]
) -> None:
    path = ROOT / config(name)["path"]
    if not path.exists():
        pytest.skip("run `dvc pull` first")
    assert digest(read_table(path)) == digest(made[name])


def test_a_row_of_randhie_is_a_person(made: dict[str, pd.DataFrame]) -> None:
    assert made["randhie"].shape == (5912, 20)
    assert made["randhie_years"].shape == (20190, 22)
    assert made["randhie_years"]["person"].nunique() == 5912
    assert not made["randhie"].duplicated().any()


def test_what_the_source_imputed_is_missing(made: dict[str, pd.DataFrame]) -> None:
    missing = made["randhie"].isna().sum()
    assert missing[missing > 0].to_dict() == {
        "race": 81,
        "education_years": 73,
        "income": 563,
        "physical_limitation": 433,
        "chronic_diseases": 2387,
        "mental_health_index": 1162,
        "general_health_index": 1486,
    }


def test_the_recoding_agrees_with_the_source_on_one_person(make_data: ModuleType) -> None:
    source = make_data.read_source()
    asked = source[(source["disea"] == 13.8) & (source["hlthp"] == 1) & (source["inpdol"] > 0)]
    row = make_data.person_years(source).loc[asked.index[0]]
    first = asked.iloc[0]
    assert row["chronic_diseases"] == 4  # of 29: 13.8 %
    assert row["self_rated_health"] == "poor"
    assert row["age"] <= first["xage"] < row["age"] + 1
    assert row["inpatient_spending"] == round(first["inpdol"])
    assert row["sex"] == ("female" if first["female"] else "male")
    assert row["site"] == f"S{first['site']:.0f}"
