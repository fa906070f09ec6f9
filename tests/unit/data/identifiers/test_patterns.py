"""Patterns of codes: only what five rows share, and never a whole code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers.patterns import codes, pattern_of, running_start

CASES = [
    ([f"{i}-VHVEG" for i in range(1000, 1010)], "9###-AAAAA"),
    ([f"{i:04d}-VHVEG" for i in range(10)], "####-AAAAA"),
    ([f"ID-{i:03d}" for i in range(10)], r"\I\D-###"),
    (["A/5 21171", "PC 17599", *(f"{i}" for i in range(113803, 113809))], "9#####"),
    ([f"{i:08x}" for i in range(0xA00000, 0xA00009)], "x" * 8),
    ([f"Zoë{i}" for i in range(1, 9)], r"\Z\oa9".replace("9", "#")),
    ([r"a\1", r"b\2", r"c\3", r"d\4", r"e\5"], r"a\\#"),
]


@pytest.mark.parametrize(("texts", "pattern"), CASES)
def test_known_patterns(texts, pattern):
    assert pattern_of(texts) == pattern
    assert codes(pattern)[0].at(0) is not None


def test_four_rows_share_nothing_that_may_be_written_down():
    assert pattern_of(["AB-1", "CD-2", "EF-3", "GH-4"]) is None
    assert pattern_of(["AB-1", "C-22", "EFG-3", "4", "?"]) is None
    assert pattern_of([]) is None


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30))
def test_a_pattern_holds_no_digit_of_an_original_and_no_letter_that_not_all_have(texts):
    pattern = pattern_of(texts)
    if pattern is not None:
        kept = pattern.replace("\\\\", "").split("\\")[1:]
        assert all(text.startswith("".join(piece[0] for piece in kept)) for text in texts)
        assert not set(pattern) & set("012345678")


def test_running_numbers_go_on_above_a_power_of_ten():
    assert running_start(["0", "7"]) == 10
    assert running_start(["999"]) == 1000
    assert running_start(["-1", "0"]) is None
    assert running_start(["1" * 15]) is None
