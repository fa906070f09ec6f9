"""Does a schema file say the same after it was written, edited, or brought from elsewhere?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.schema import Schema, infer_schema
from tabveil.data.schema_files import (
    Told,
    read_schema_file,
    to_frictionless,
    to_sdv,
    to_yaml,
)
from tabveil.errors import ConfigError

TABLE = pd.DataFrame(
    {
        "größe": [1.5, 2.25, 3.0, 4.0],
        "visits": [1, 2, 3, 7],
        "area": ["north", "south", "south", "yes"],
        "member": [True, False, True, True],
        "since": pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01", "2021-02-01"]),
    }
)
KINDS = {
    "größe": "numeric",
    "visits": "numeric",
    "area": "categorical",
    "member": "boolean",
    "since": "datetime",
}


def schema(**kinds: str) -> Schema:
    return infer_schema(TABLE, kinds=kinds)


def read(folder: Path, text: str) -> Told:
    path = folder / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    return read_schema_file(path)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    roles = {"target": "area", "sensitive": ["visits"], "quasi_identifiers": ["member"]}
    rules = [{"rule": "inequality", "low": "visits", "high": "größe"}]
    text = to_yaml(
        schema(area="identifier").with_roles(
            target=None, sensitive=["visits"], quasi_identifiers=["member"], group="area"
        ),
        masks={"area": "fake"},
        rules=rules,
        suggested={"sensitive": ["größe"]},
    )
    assert "# sensitive perhaps: größe" in text
    told = read(tmp_path, text)
    assert told.kinds == KINDS | {"area": "identifier"}
    assert told.masks == {"area": "fake"}
    assert (told.target, told.group) == (None, "area")
    assert (list(told.sensitive), list(told.quasi_identifiers)) == (
        roles["sensitive"],
        roles["quasi_identifiers"],
    )
    assert list(told.rules) == rules


def test_a_column_may_be_said_in_a_word_and_the_rest_left_out(tmp_path: Path) -> None:
    told = read(tmp_path, "columns: {area: categorical, visits: {why: who knows}}\n")
    assert told == Told({"area": "categorical"})
    assert read(tmp_path, "target: area\n").target == "area"


@pytest.mark.parametrize("write", [to_sdv, to_frictionless], ids=["sdv", "frictionless"])
def test_other_formats_give_the_same_kinds_back(write: object, tmp_path: Path) -> None:
    text = json.dumps(write(schema()))  # type: ignore[operator]
    assert read(tmp_path, text).kinds == KINDS


def test_sdv_metadata_names_personal_data_and_keys(tmp_path: Path) -> None:
    table = {
        "columns": {
            "id": {"sdtype": "id"},
            "mail": {"sdtype": "email", "pii": True},
            "age": {"sdtype": "numerical"},
            "odd": {"sdtype": "unknown", "pii": True},
            "key": {"sdtype": "categorical"},
        },
        "primary_key": "key",
    }
    wanted = {"id": "identifier", "mail": "identifier", "age": "numeric", "key": "identifier"}
    new = {"METADATA_SPEC_VERSION": "V1", "tables": {"t": table}, "relationships": []}
    old = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", **table}
    for data in (new, old):
        assert read(tmp_path, json.dumps(data)).kinds == wanted


def test_a_frictionless_schema_names_formats_and_keys(tmp_path: Path) -> None:
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "mail", "type": "string", "format": "email"},
        {"name": "free", "type": "any"},
        {"name": "day", "type": "date"},
    ]
    found = read(tmp_path, json.dumps({"fields": fields, "primaryKey": ["id"]}))
    assert found.kinds == {"id": "identifier", "mail": "identifier", "day": "datetime"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "holds no mapping"),
        ("a: [", "neither YAML nor JSON"),
        ("columns: {a: number}", "a kind is one of numeric"),
        ("columns: {a: {kind: numeric, type: int}}", "may have format, kind, mask, missing, why"),
        ("rows: 3", "it may hold columns"),
        ("target: [a]", "target names one column"),
        ("sensitive: a", "a list of column names"),
        ('{"METADATA_SPEC_VERSION": "V1", "tables": {"a": {}, "b": {}}}', "of 2 tables"),
        ('{"METADATA_SPEC_VERSION": "V1", "tables": {"a": {}}}', "'columns' is missing"),
        ('{"fields": [{"type": "integer"}]}', "'name' is missing"),
        ("!!python/object/apply:os.system ['true']", "neither YAML nor JSON"),
    ],
)
def test_what_is_no_schema_is_one_clear_error(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.schema=") as found:
        read(tmp_path, text)
    assert said in str(found.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml cannot be read"):
        read_schema_file(tmp_path / "no.yaml")
