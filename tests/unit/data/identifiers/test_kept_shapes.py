"""Made-up values come in the shapes of their column: shares, separators, widths and case."""

import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from tabveil.data.identifiers.find import Found, find_identifier
from tabveil.data.identifiers.learning import learn

N = 2000
DRAWN = 4000


def shape(cell):
    """A cell with 9 for digits and a for letters, and runs of three or more as one."""
    figures = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", cell))
    return re.sub(r"9{3,}", "9+", re.sub(r"a{3,}", "a+", figures))


def people(locale):
    made = Faker(locale)
    made.seed_instance(0)
    return made


US, DE, FR, GB, IT, RU, GR, JP = map(
    people, ["en_US", "de_DE", "fr_FR", "en_GB", "it_IT", "ru_RU", "el_GR", "ja_JP"]
)


def number(rng, digits):
    return f"{rng.integers(10 ** (digits - 1), 10**digits)}"


def any_of(rng, *makers):
    return makers[int(rng.integers(len(makers)))]()


# What stands in the column, by form: a maker that is given a generator and the row's number.
COLUMNS = {
    "full_name: single": lambda rng, i: f"{US.first_name()} {US.last_name()}",
    "full_name: titles": lambda rng, i: f"{US.last_name()}, Mr. {US.first_name()} J. ({GB.name()})",
    "full_name: capitals": lambda rng, i: f"{FR.last_name().upper()} {FR.first_name()}",
    "full_name: all capitals": lambda rng, i: f"{US.first_name()} {US.last_name()}".upper(),
    "full_name: double": lambda rng, i: any_of(
        rng,
        lambda: f"Ann O'{US.last_name()} Jr.",
        lambda: f"Dr. {DE.first_name()} von {US.last_name()}-{US.last_name()}",
    ),
    "full_name: Russian": lambda rng, i: RU.name(),
    "full_name: Greek": lambda rng, i: GR.name(),
    "full_name: Japanese": lambda rng, i: JP.name(),
    "last_name: single": lambda rng, i: US.last_name(),
    "email: digits": lambda rng, i: f"{US.first_name()}.{US.last_name()}{i}@yahoo.com".lower(),
    "email: of several kinds": lambda rng, i: any_of(
        rng,
        lambda: f"{number(rng, 7)}@web.com",
        lambda: f"{US.first_name()[0]}.{US.last_name()}@mail.web.com".lower(),
        lambda: f"{US.first_name()}_{US.last_name()}@WEB.COM".upper(),
        lambda: f"{US.user_name()}@web.com",
    ),
    "phone: American": lambda rng, i: US.phone_number(),
    "phone: German": lambda rng, i: any_of(
        rng, lambda: f"0171/{number(rng, 7)}", lambda: f"+49 (0)89 {number(rng, 6)}"
    ),
    "phone: French": lambda rng, i: FR.phone_number(),
    "phone: Danish": lambda rng, i: " ".join(number(rng, 2) for _ in range(4)),
    "phone: Swedish": lambda rng, i: f"070-{number(rng, 3)} {number(rng, 2)} {number(rng, 2)}",
    "address: American": lambda rng, i: US.address(),
    "address: one line": lambda rng, i: US.address().replace("\n", ", "),
    "address: German": lambda rng, i: f"{DE.street_name()} {i % 90 + 1}, {number(rng, 5)} Berlin",
    "address: British": lambda rng, i: f"{i + 1} {GB.last_name()} Road\nLeeds\nLS{i % 9 + 1} 2AB",
    "address: Italian": lambda rng, i: f"Via {IT.last_name()} {i + 1}, {number(rng, 5)} Roma (RM)",
    "address: street": lambda rng, i: f"{i % 999 + 1} {US.last_name()} St Apt {i % 9 + 1}",
    "national_id: SSN": lambda rng, i: f"{rng.integers(100, 700)} 12 {number(rng, 4)}",
    "national_id: DNI": lambda rng, i: f"{number(rng, 8)}-{'TRWAGMYFPD'[i % 10]}",
    "iban: in groups": lambda rng, i: " ".join(re.findall(".{1,4}", DE.iban())),
    "iban: other accounts": lambda rng, i: number(rng, 9),
    "card: of all widths": lambda rng, i: US.credit_card_number(),
    "ip: private": lambda rng, i: f"192.168.{i % 4}.{rng.integers(1, 255)}",
    "url: with paths": lambda rng, i: f"https://www.{US.domain_word()}.com/{US.word()}/{i}.html",
    "key: of three patterns": lambda rng, i: any_of(
        rng, lambda: f"A/{i % 9} 21{i:03d}", lambda: number(rng, 6), lambda: f"PC {number(rng, 5)}"
    ),
    "key: several in one": lambda rng, i: any_of(
        rng, lambda: f"C{number(rng, 3)}", lambda: f"B{number(rng, 2)} B{number(rng, 2)}"
    ),
    "key: zeros": lambda rng, i: f"{rng.integers(1, 30_000):08d}",
    "key: groups": lambda rng, i: f"{rng.integers(1, 9999):04d}-{i % 10}",
    "key: words": lambda rng, i: f"{US.last_name()}city",
}


def column_of(name):
    rng = np.random.default_rng(0)
    texts = [COLUMNS[name](rng, i) for i in range(N)]
    return pd.Series(texts, name=name.partition(":")[0], dtype=object)


@pytest.mark.parametrize("name", COLUMNS)
def test_shapes_are_those_of_the_column_and_no_value_is(name):
    values = column_of(name)
    mask = learn(values, Found(values.name, ""), seed=0)
    drawn = mask.draw(DRAWN, np.random.default_rng(0), start=0)
    assert mask.form == values.name
    assert not {" ".join(v.split()).casefold() for v in values} & {
        " ".join(v.split()).casefold() for v in drawn
    }
    assert not [v for v in values if json.dumps(v) in json.dumps(mask.to_dict())]
    known, made_up = Counter(map(shape, values)), Counter(map(shape, drawn))
    assert sum(n for s, n in made_up.items() if s not in known) <= 0.02 * DRAWN
    shares = [abs(known[s] / N - made_up[s] / DRAWN) for s in {*known, *made_up}]
    if values.name not in ("url", "email"):  # hosts have other shapes
        assert sum(shares) / 2 < 0.15
    if mask.unique:
        assert len(set(drawn)) == DRAWN


def test_a_shape_that_four_rows_have_is_not_written_down():
    common = [f"AB-{i:04d}" for i in range(500)]
    rare = [f"{i}//Q{i}_" for i in range(4)]
    mask = learn(pd.Series(common + rare * 3, name="a"), Found("key", ""), seed=0)
    stored = json.dumps(mask.to_dict())
    assert "//" not in stored
    names = pd.Series(["Ann Berg-Lee", "Ann van Lee"] * 10 + ["Bo Hill"] * 50, name="b")
    assert len(learn(names, Found("full_name", ""), seed=0).writings) <= 2


def test_shares_of_patterns_hold_in_every_thousand_rows():
    rng = np.random.default_rng(0)
    texts = [f"A{i}" for i in rng.choice(10**6, 7000, replace=False) + 10**6]
    texts += [f"{i}-{US.random_uppercase_letter()}" for i in rng.choice(10**5, 3000) + 10**5]
    values = pd.Series(texts)
    mask = learn(values.rename("k"), Found("key", ""), seed=0)
    drawn = mask.draw(5000, np.random.default_rng(0), start=12_345)
    assert np.mean([text[0].isalpha() for text in drawn]) == pytest.approx(0.7, abs=0.01)


def test_small_patterns_go_on_with_values_of_a_large_one():
    rng = np.random.default_rng(0)
    texts = [f"Q{i:02d}" for i in range(0, 90, 3)] + [
        f"{i}" for i in rng.integers(10**8, 10**9, 60)
    ]
    mask = learn(pd.Series(texts, name="k"), Found("key", ""), seed=0)
    drawn = mask.draw(20_000, np.random.default_rng(0), start=0)
    assert len(set(drawn)) == 20_000
    assert not set(drawn) & set(texts)
    assert {shape(text) for text in drawn} == {shape(text) for text in texts}


def test_small_patterns_go_on_with_longer_values_when_they_are_used_up():
    values = pd.Series([f"Q{i:02d}" for i in range(0, 90, 3)] + [f"{i}" for i in range(500, 560)])
    mask = learn(values.rename("k"), Found("key", ""), seed=0)
    drawn = mask.draw(20_000, np.random.default_rng(0), start=0)
    assert len(set(drawn)) == 20_000
    assert not set(drawn) & set(values)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12 Low Road, Leeds LS1 4AB", "ZZ9 9ZZ"),
        ("Dorpsstraat 5, 1012 AB Amsterdam", "0000 ZZ"),
        ("Storgatan 5, 114 55 Stockholm", "000 00"),
        ("10115 Berlin, Hauptstrasse 5", "00000"),
        ("01123 Alvarez Isle Suite 207, New Bradport, DC 45895", "00000"),
        ("Unit 7366 Box 9389, DPO AE 70103", "00000"),
        ("350 Elm Street, Ottawa K1A 0B1", "Z0Z 0Z0"),
        ("ul. Polna 5, 00-950 Warszawa", "00-000"),
        ("Nygade 5, 2100 Nykobing", "0000"),
    ],
)
def test_postcodes_of_many_countries_are_ones_that_no_place_has(cell, code):
    words = ["Anger", "Berg", "Cole", "Dorn", "Eben"]
    town = re.findall(r"[A-Z][a-z]{3,}", cell)[-1]
    values = pd.Series([cell.replace(town, word) for word in words] * 4, name="address")
    mask = learn(values, Found("address", ""), seed=0)
    drawn = mask.draw(50, np.random.default_rng(0), start=0)
    assert all(code in text for text in drawn)
    assert {shape(text) for text in drawn} <= {shape(text) for text in values}


def test_texts_of_digits_with_zeros_in_front_are_codes():
    for name in ("customer_id", "v7"):
        values = pd.Series([f"{i:08d}" for i in range(1, 20_000, 7)], name=name)
        assert find_identifier(values).form == "key"
    counting = learn(pd.Series([f"{i:06d}" for i in range(1, 400)]), Found("key", ""), seed=0)
    assert counting.draw(2, np.random.default_rng(0)) == ["001000", "001001"]
