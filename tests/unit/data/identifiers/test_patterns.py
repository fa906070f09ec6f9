"""Patterns of codes: only what five codes share, and never a whole code."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers.patterns import codes, longer_codes, patterns_of, running_start

CASES = [
    ([f"{i}-VHVEG" for i in range(1000, 1010)], "9###-AAAAA"),
    ([f"{i:04d}-VHVEG" for i in range(10)], r"\0\0\0#-AAAAA"),
    ([f"ID-{i:03d}" for i in range(10)], r"\I\D-###"),
    (["A/5 21171", "PC 17599", *(f"{i}" for i in range(113803, 113809))], "9#####"),
    ([f"{i:08X}" for i in range(0xA00000, 0xA00009)], "X" * 8),
    ([f"{i:08x}" for i in range(0xA00000, 0xA00009)], "x" * 8),
    ([f"Zoë{i}" for i in range(1, 9)], r"\Z\oa9".replace("9", "#")),
    ([r"a\1", r"b\2", r"c\3", r"d\4", r"e\5"], r"a\\#"),
]


@pytest.mark.parametrize(("texts", "pattern"), CASES)
def test_known_patterns(texts, pattern):
    assert next(iter(patterns_of(texts))) == pattern
    assert codes(pattern)[0].at(0) is not None


def test_four_codes_share_nothing_that_may_be_written_down():
    assert patterns_of(["AB-1", "CD-2", "EF-3", "GH-4"]) == {}
    assert patterns_of(["AB-1", "C-22", "EFG-3", "4", "?"]) == {}
    assert patterns_of(["AB-1"] * 50) == {}
    assert patterns_of([]) == {}


def test_every_pattern_that_five_codes_share_has_its_rows():
    texts = [f"{i}" for i in range(1000, 1090)] + [f"PC {i}" for i in range(10_000, 10_010)]
    assert patterns_of([*texts, "A/5 1", "SOTON"]) == {"9###": 90, "AA #####": 10}


def test_zeros_that_all_codes_begin_with_are_kept_and_the_width_always():
    texts = [f"{i:08d}" for i in range(70, 30_000, 7)]
    (pattern,) = patterns_of(texts)
    assert pattern == r"\0\0\0#####"
    spaces = codes(pattern)
    assert {len(space.at(0)) for space in spaces} == {8}
    assert [space.at(0) for space in spaces] == ["00000000", "00100000", "01000000", "10000000"]


def test_numbers_have_no_zeros_in_front():
    assert patterns_of([*map(str, range(90))], numeric=True) == {"9#": 80, "9": 10}


def test_codes_of_letters_and_digits_in_turn_keep_their_groups():
    texts = ["7KQ2-X9", "Q3QQ-11", "88AB-C3", "A1B2-7D", "1XC4-QQ", "PP33-2A"]
    assert patterns_of(texts) == {"ZZZZ-ZZ": 6}


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30))
def test_a_pattern_holds_no_digit_of_an_original_and_no_letter_that_not_all_have(texts):
    for pattern in patterns_of(texts):
        kept = re.findall(r"\\([^\\#])", pattern)
        assert all(text.startswith("".join(kept)) for text in texts)
        assert not set(pattern) & set("12345678")


def test_longer_codes_have_more_digits_behind():
    assert longer_codes("AA-9")[:2] == ["AA-9###", "AA-9######"]


def test_running_numbers_go_on_above_a_power_of_ten():
    assert running_start([str(i) for i in range(8)]) == "from 10"
    assert running_start([str(i) for i in range(990, 1000)]) == "from 1000"
    assert running_start([f"{i:06d}" for i in range(1, 20)]) == "from 100 wide 6"
    assert running_start(["-1", "0"]) is None
    assert running_start(["1", "3"]) is None
    assert running_start(["1", "02", "3"]) is None
    assert running_start(["1" * 15]) is None
