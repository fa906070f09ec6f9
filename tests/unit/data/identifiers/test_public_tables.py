"""Detection on public tables, where a checkout has them: recall, and what is wrongly flagged."""

import os
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.identifiers.find import find_identifier

DATA = Path(os.environ.get("TABVEIL_TABLES", Path(__file__).parents[5] / "shared" / "data"))
IDENTIFIERS = {
    "telco_pii": {
        "customerID": "key",
        "full_name": "full_name",
        "email": "email",
        "phone": "phone",
        "ssn": "national_id",
        "iban": "iban",
        "ip": "ip",
        "address": "address",
    },
    "titanic_names": {"PassengerId": "key", "Name": "full_name", "Ticket": "key", "Cabin": "key"},
    "horse_colic": {"hospital_number": "key"},
    "communities_crime": {"communityname_string": "key"},  # names the rows
    "adult": {},
    "airbnb_nyc": {},
    "bank_marketing": {},
    "credit_default": {},
    "german_credit": {},
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_all_identifiers_and_nothing_else_are_found(name):
    path = DATA / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    table = pd.read_csv(path)
    found = {column: find_identifier(table[column]) for column in table}
    assert {c: f.form for c, f in found.items() if f} == IDENTIFIERS[name]


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_without_column_names_few_are_missed_and_none_flagged_for_nothing(name):
    path = DATA / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    table = pd.read_csv(path)
    found = {column for column in table if find_identifier(table[column], name="v")}
    hard = {"hospital_number"}  # numbers that repeat now and then, and nothing else to go by
    assert set(IDENTIFIERS[name]) - hard <= found <= set(IDENTIFIERS[name])
