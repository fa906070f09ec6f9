"""Spaces: every number has one text and reads back, and no text is in two spaces of a form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers.forms import spaces_of
from tabveil.data.identifiers.lexicon import LOCALES
from tabveil.data.identifiers.looks import Look
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.numbers import IBAN_COUNTRIES, PHONES
from tabveil.data.identifiers.people import NAME_LAYOUTS
from tabveil.data.identifiers.spaces import Count, Pick, Space, digits

LAYOUTS = ("", "+#-###-###-####", "(###) ###-####", "##########", "##### ######", "+## ## ########")
CASES = [
    *(("full_name", Look(locale, layout)) for locale in LOCALES for layout in NAME_LAYOUTS),
    *(("full_name", Look("tr_TR", layout.upper())) for layout in NAME_LAYOUTS),
    *(("full_name", Look("de_DE", layout.lower())) for layout in NAME_LAYOUTS),
    *(("email", Look(locale)) for locale in LOCALES),
    *(("address", Look(locale, layout)) for locale in LOCALES for layout in ("full", "street")),
    *(("free_text", Look(locale, "10")) for locale in LOCALES),
    *(("phone", Look(locale, layout)) for locale in PHONES for layout in LAYOUTS),
    *(("iban", Look(pattern=c + spaced)) for c in IBAN_COUNTRIES for spaced in ("", " spaced")),
    *(("card", Look(pattern=separator)) for separator in ("", " ", "-")),
    *(("mac", Look(pattern=separator)) for separator in (":", "-")),
    *(("ip", Look(pattern=version)) for version in ("v4", "v6")),
    *(("national_id", Look(pattern=kind)) for kind in (*NATIONAL, "ssn plain", "AA ## A")),
    *(("key", Look(pattern=p)) for p in ("####-AAAAA", r"\I\D-9###", "x" * 40, "from 1000", "A/#")),
    ("url", Look()),
    ("uuid", Look()),
    ("token", Look()),
]


@pytest.mark.parametrize(("form", "look"), CASES, ids=str)
def test_every_form_reads_back_what_it_writes_and_its_spaces_do_not_overlap(form, look):
    spaces = spaces_of(form, look)
    rng = np.random.default_rng(0)
    for index, space in enumerate(spaces):
        for number in {0, space.size - 1, *(int(rng.random() * space.size) for _ in range(60))}:
            text = space.at(number)
            assert space.number_of(text) == number, text
            assert space.number_of(f" {text.lower()} ") == number, text
            for other in spaces[:index] + spaces[index + 1 :]:
                read = other.number_of(text)
                assert read is None or other.at(read) != text, text


@given(number=st.integers(0, 3 * 100 * 6 - 1))
def test_a_template_is_a_number_in_mixed_radix(number):
    space = Space((Pick(("ann", "Bo", "Cy")), "-", digits(2), ":", Count(5, 10)))
    assert space.size == 3 * 100 * 6
    assert space.number_of(space.at(number)) == number


@pytest.mark.parametrize("text", ["", "ann", "ann-1:5", "ann-01:4", "ann-01:11", "dora-01:5"])
def test_other_texts_have_no_number(text):
    space = Space((Pick(("ann", "Bo", "Cy")), "-", digits(2), ":", Count(5, 10)))
    assert space.number_of(text) is None
