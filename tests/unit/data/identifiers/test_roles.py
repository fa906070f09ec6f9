"""Quasi-identifiers and sensitive columns, by name, where values repeat."""

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from tabveil.data.identifiers.roles import find_roles, suggest_roles

TABLES = {
    "en": (
        "age sex zip_code birth_date race marital_status occupation",
        "income diagnosis religion",
    ),
    "de": ("Alter Geschlecht PLZ Geburtsdatum Familienstand Beruf Wohnort", "Gehalt Konfession"),
    "fr": ("âge sexe code_postal date_naissance nationalité métier ville", "salaire maladie"),
    "es": ("edad género codigo_postal fecha_nacimiento estado_civil ciudad", "sueldo deuda"),
    "it": ("età sesso CAP data_nascita stato_civile comune", "reddito malattia"),
}


@pytest.mark.parametrize(("quasi", "sensitive"), TABLES.values(), ids=TABLES)
def test_roles_are_suggested_in_five_languages(quasi, sensitive):
    rng = np.random.default_rng(0)
    names = ["x1", *quasi.replace("âge", "age").split(), "usage", *sensitive.split(), "y"]
    table = pd.DataFrame({name: rng.integers(0, 9, 200) for name in names})
    found = suggest_roles(table)
    assert set(quasi.replace("âge", "age").split()) <= set(found["quasi_identifiers"])
    assert set(sensitive.split()) <= set(found["sensitive"])
    assert not {"x1", "usage", "y"} & {*found["quasi_identifiers"], *found["sensitive"]}


def test_direct_identifiers_and_shares_over_people_play_no_role():
    made = Faker("en_US")
    made.seed_instance(0)
    table = pd.DataFrame(
        {
            "credit_card": [made.credit_card_number() for _ in range(100)],
            "job": [f"{i}@jobs.test" for i in range(100)],
            "agePct12t21": np.linspace(0, 1, 100).round(2),
            "median_income": np.arange(100) % 10,
        }
    )
    assert suggest_roles(table) == {"quasi_identifiers": [], "sensitive": []}


def test_a_column_may_play_both_roles_and_each_has_a_reason():
    table = pd.DataFrame({"race": ["a", "b"] * 20})
    assert [(s.role, s.reason) for s in find_roles(table)] == [
        ("quasi_identifiers", "named as an origin"),
        ("sensitive", "named as origin"),
    ]
