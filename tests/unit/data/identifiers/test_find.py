"""Detection: every form in many countries, in every disguise; and the columns that only look so."""

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from tabveil.data.identifiers.find import find_identifier
from tabveil.data.identifiers.lexicon import LOCALES

MAKERS = {
    "full_name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "free_email",
    "phone": "phone_number",
    "national_id": "ssn",
    "iban": "iban",
    "card": "credit_card_number",
    "ip": "ipv4",
    "mac": "mac_address",
    "address": "address",
    "url": "url",
    "uuid": "uuid4",
    "free_text": "paragraph",
}
EASTERN = ("zh_CN", "ja_JP", "ko_KR", "hi_IN", "ar_SA")


def faker(locale="en_US", seed=0):
    made = Faker(locale)
    made.seed_instance(seed)
    return made


def column(maker, locale="en_US", n=300, missing=0.0):
    made = faker(locale)
    values = pd.Series([getattr(made, maker)() for _ in range(n)], dtype=object)
    return values.mask(np.random.default_rng(0).random(n) < missing)


def form(values, name=None):
    found = find_identifier(pd.Series(values), name=name)
    return found.form if found else None


@pytest.mark.parametrize("n", [20, 400])
@pytest.mark.parametrize("locale", [*LOCALES, *EASTERN])
def test_every_form_is_found_in_every_country_though_two_in_five_are_missing(locale, n):
    found = {name: form(column(maker, locale, n, 0.4), name) for name, maker in MAKERS.items()}
    assert found == {name: name for name in MAKERS}


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL"])
def test_values_give_themselves_away_without_a_column_name(locale):
    for name, maker in MAKERS.items():
        assert form(column(maker, locale), "v7") is not None, name


@pytest.mark.parametrize("n", [20, 1000])
def test_disguised_identifiers_are_found(n):
    rng, made = np.random.default_rng(0), faker()
    few = [made.name() for _ in range(max(n // 10, 16))]
    ids = rng.choice(10**6, max(n // 10, 25), replace=False)
    disguised = {
        "NAME": [made.name().upper() for _ in range(n)],
        "name": [f"  {made.name().lower()} " for _ in range(n)],
        "Passenger": [f"{made.last_name()}, Mr. {made.first_name()} Q." for _ in range(n)],
        "customer_name": rng.choice(few, n),
        "contact": [made.email() if i % 2 else made.phone_number() for i in range(n)],
        "E-Mail": [made.email().upper() + " " for _ in range(n)],
        "mail_2": [made.email() if i % 3 == 0 else "n/a" for i in range(n)],
        "phone": rng.integers(2 * 10**9, 9 * 10**9, n),
        "tel": pd.Series(rng.integers(2 * 10**9, 9 * 10**9, n)).where(rng.random(n) > 0.4),
        "ssn": rng.integers(10**8, 10**9, n),
        "Steuer-ID": [f"{i:011d}" for i in rng.integers(0, 10**11, n)],
        "customer_id": rng.choice(ids, n),
        "iban": [made.iban().lower() for _ in range(n)],
        "IBAN (Konto)": [f"DE{i:020d}" for i in rng.integers(0, 10**15, n)],
        "client_ip": [made.ipv4() if i % 2 else made.ipv6() for i in range(n)],
        "street": [made.street_address() for _ in range(n)],
        "row": np.arange(n) + 17,
        "order": [f"ORD-{i:05d}" for i in range(n)],
        "v1": [made.sha256() for _ in range(n)],
        "mrn": [f"{i:08d}" for i in rng.integers(0, 10**8, n)],
        "Codice Fiscale": [Faker("it_IT").ssn() for _ in range(n)],
        "license_plate": [made.license_plate() for _ in range(n)],
    }
    missed = [name for name, values in disguised.items() if form(values, name) is None]
    assert missed == []


@pytest.mark.parametrize("n", [20, 200, 5000])
def test_false_friends_are_left_alone(n):
    rng, made = np.random.default_rng(1), faker()
    friends = {
        "PhoneService": rng.choice(["Yes", "No"], n),
        "phone_type": rng.choice(["mobile", "home", "work"], n),
        "phone": rng.choice(["iPhone 12", "Galaxy S9", "Pixel 4"], n),
        "name": rng.choice(["Harlem", "Murray Hill", "Jackson Heights", "Queens"], n),
        "email": rng.choice(["yes", "no", None], n),
        "email_opens": rng.integers(0, 40, n),
        "balance": rng.integers(-8000, 100_000, n),
        "fnlwgt": rng.lognormal(12, 0.5, n).astype(int),
        "v_amount": rng.lognormal(10, 1.0, n).astype(int),
        "latitude": rng.uniform(40, 41, n),
        "place": [f"{a:.4f}, {b:.4f}" for a, b in rng.uniform(-90, 90, (n, 2))],
        "price": [f"{x:.2f} €" for x in rng.uniform(1, 999, n)],
        "preis": [f"{x:.2f}".replace(".", ",") for x in rng.uniform(1, 9999, n)],
        "share": [f"{x:.1f}%" for x in rng.uniform(0, 100, n)],
        "age": rng.integers(18, 90, n),
        "zip_code": [made.zipcode() for _ in range(n)],
        "birth_date": [made.date_of_birth().isoformat() for _ in range(n)],
        "dob": [made.date_of_birth().strftime("%d.%m.%Y") for _ in range(n)],
        "v_day": [made.date_of_birth().strftime("%m/%d/%Y") for _ in range(n)],
        "v_time": [made.date_time().strftime("%Y-%m-%dT%H:%M:%SZ") for _ in range(n)],
        "v_long": [made.date_time().strftime("%d %b %Y") for _ in range(n)],
        "v_ymd": [int(made.date_of_birth().strftime("%Y%m%d")) for _ in range(n)],
        "v_epoch": [int(made.date_time().timestamp()) for _ in range(n)],
        "v_stamp": pd.Series(pd.date_range("2020", periods=n, freq="h")),
        "month": rng.choice(["april", "may", "june", "august"], n),
        "v_colour": rng.choice(["Rose", "Violet", "Olive", "Amber", "Ruby"], n),
        "occupation": rng.choice(["Baker", "Cook", "Mason", "Smith", "Farmer", "Miller"], n),
        "city": [made.city() for _ in range(n)],
        "job": [made.job() for _ in range(n)],
        "country": [made.country() for _ in range(n)],
        "icd_code": [f"{made.random_letter().upper()}{i}.0" for i in rng.integers(10, 99, n)],
        "age_group": rng.choice(["18-25", "26-35", "36-50"], n),
        "v_range": rng.choice(["10000-20000", "20000-30000", "30000-50000"], n),
        "card_type": rng.choice(["visa", "amex"], n),
        "address_type": rng.choice(["home", "work"], n),
        "store_id": rng.integers(1, 15, n),
        "education_num": rng.integers(1, 16, n),
        "year": 1900 + np.arange(n) % 120,
        "flag": rng.random(n) < 0.5,
    }
    flagged = {name: form(values, name) for name, values in friends.items()}
    assert {name: found for name, found in flagged.items() if found} == {}


@pytest.mark.parametrize("dtype", ["string", "category"])
def test_dtypes_do_not_matter(dtype):
    for name, maker in MAKERS.items():
        values = column(maker, missing=0.4).map(str, na_action="ignore")
        assert form(values.astype(dtype), name) == name


def test_nullable_numbers_are_looked_at_as_numbers():
    ids = pd.Series([*range(10, 90), None], dtype="Int64")
    assert form(ids, "v") == "key"
    assert form(ids.astype("float64"), "v") == "key"
    assert form(pd.Series([0.5, 1.0, None] * 20, dtype="Float64"), "id") is None


@pytest.mark.parametrize("values", [[], [None, None], ["", " ", "n/a"], [np.nan, np.inf]])
def test_a_column_of_nothing_identifies_nobody(values):
    assert form(pd.Series(values, dtype=object), "email") is None


def test_unique_numbers_are_keys_only_where_chance_would_repeat_some():
    rng = np.random.default_rng(0)
    assert form(rng.choice(3000, 1000, replace=False), "v") == "key"
    assert form(rng.choice(10**7, 100, replace=False), "v") is None
    assert form(rng.integers(0, 3000, 1000), "v") is None


def test_the_reason_can_be_checked():
    found = find_identifier(
        pd.Series(["a@b.org"] * 12 + [f"x{i}@b.org" for i in range(85)] + ["?!"] * 3)
    )
    assert found.reason == "97 % look like e-mail addresses"
