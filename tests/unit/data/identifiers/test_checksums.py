"""Check digits: known numbers hold, and one wrong digit is always noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers import checksums

DIGITS = st.text("0123456789", min_size=15, max_size=15)


@pytest.mark.parametrize("card", ["4111111111111111", "5555555555554444", "378282246310005"])
def test_published_test_cards_pass(card):
    assert checksums.luhn_holds(card)


@pytest.mark.parametrize(
    "iban",
    ["DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332"],
)
def test_the_registry_s_example_accounts_pass(iban):
    assert checksums.iban_holds(iban)


@given(digits=DIGITS, place=st.integers(0, 14), shift=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(digits, place, shift):
    wrong = digits[:place] + str((int(digits[place]) + shift) % 10) + digits[place + 1 :]
    assert not checksums.luhn_holds(wrong + checksums.luhn_digit(digits))
    assert not checksums.iban_holds("DE" + checksums.iban_digits("DE", digits) + wrong)
    check = checksums.steuer_id_digit(digits[:10])
    assert place >= 10 or checksums.steuer_id_digit(wrong[:10]) != check


def test_known_national_numbers():
    assert checksums.dni_letter("00000000") == "T"
    assert checksums.pesel_digit("0207080362") == "8"
    assert checksums.nir_key("1850578006084") == "91"  # INSEE's own example


def test_corsica_counts_as_department_19_or_18():
    assert checksums.nir_key("185052A006084") == checksums.nir_key("1850519006084")
    assert checksums.nir_key("185052B006084") == checksums.nir_key("1850518006084")
