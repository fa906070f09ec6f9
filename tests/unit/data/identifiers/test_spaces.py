"""Spaces: every number has one text and reads back, and no text is in two spaces of a form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.identifiers.forms import (
    Look,
    has_outline,
    longer_patterns,
    skeleton_of,
    spaces_of,
)
from tabveil.data.identifiers.lexicon import LOCALES
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.numbers import IBAN_COUNTRIES, PHONES, USUAL_PHONE
from tabveil.data.identifiers.people import (
    USUAL_EMAIL,
    USUAL_NAMES,
    USUAL_URL,
    usual_address,
)
from tabveil.data.identifiers.spaces import Count, Pick, Space, digits, outline

NAMES = ("{First} {Last}", r"{Last}, \M\r. {First} {I}.", "{First} {O}'{Last}-{Last}", "{Last}")
MAILS = ("{given}.{family}9#@{host}", "a.{FAMILY}@{HOST}", "{user}@{host}")
GROUPS = ("", "^**** **** **", "*" * 22)
CASES = [
    *(("full_name", Look(locale, name)) for locale in LOCALES for name in NAMES),
    *(("full_name", Look("tr_TR", name)) for name in ("{FIRST} {LAST}", "{first} {last} {ab}")),
    *(("full_name", Look("de_DE", name)) for name in ("{FIRST} {LAST}", "{first} {last} {AB}")),
    ("full_name", Look("en_US", "{ofcjk}{ofcjk} {ofhiragana}{ofkatakana}")),
    *(("email", Look(locale, mail)) for locale in LOCALES for mail in MAILS),
    *(("address", Look(locale, usual_address(locale))) for locale in LOCALES),
    ("address", Look("en_US", r"#### {Side} {Last} {Way} \A\p\t. ##, {Town}, {STATE} \0\0\0\0\0")),
    *(("free_text", Look(locale, "10")) for locale in LOCALES),
    *(("phone", Look(pattern=f"{locale} {PHONES[locale][4]}")) for locale in PHONES),
    *(("phone", Look(pattern=f"en_US {x}")) for x in ("(###) ###-####", "##########", "###-####")),
    *(("phone", Look(pattern=f"en_US {x}")) for x in ("###.###.####x~~~", "##########~~~~")),
    *(("phone", Look(pattern=f"de_DE {x}")) for x in (r"\0###/#######", r"+\4\9 (\0)## #######")),
    ("iban", Look(pattern="9########")),
    *(("iban", Look(pattern=f"{c} {grouping}")) for c in IBAN_COUNTRIES for grouping in GROUPS),
    *(
        ("card", Look(pattern=x))
        for x in ("n16 **** **** **** ****", "n15 **** ****** *****", "n13", "AA-###")
    ),
    *(("mac", Look(pattern=x)) for x in ("^**-**-**-**-**-**", "****.****.****")),
    *(("ip", Look(pattern=x)) for x in ("v4 2.2.1.3", "v4 3.1.2.2", "v4 more", "v6")),
    *(("national_id", Look(pattern=kind)) for kind in (*NATIONAL, "ssn *** ** ****", "AA ## A")),
    *(("national_id", Look(pattern=f"{kind}+")) for kind in ("ssn", "steuer_id", "dni")),
    *(("key", Look(pattern=p)) for p in ("####-AAAAA", r"\I\D-9###", "x" * 40, "A/#", r"\0\0###")),
    *(("key", Look(pattern=p)) for p in ("from 1000", "from 100 wide 4", "ZZZ-zzz")),
    ("url", Look(pattern=USUAL_URL)),
    ("uuid", Look(pattern="^{********-****-****-****-************}")),
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


PAIRS = {
    "full_name": ["{First} {Last}", "{FIRST} {LAST}", "{First} {First} {Last}", "{Ab} {Last}"],
    "email": ["{given}.{family}@{host}", "a.{family}@{host}", "{user}@{host}", "{user}#@{host}"],
    "key": ["9###", "AA-##", "aa-##", "#####", r"\I\D-#"],
    "phone": [r"en_US +\1-###-###-####", "en_US ###-###-####", r"de_DE \0## #######"],
    "ip": ["v4 3.1.1.1", "v4 3.2.1.1", "v4 1.3.3.3", "v4 more"],
}


@pytest.mark.parametrize("form", PAIRS)
def test_patterns_of_different_skeletons_have_no_text_in_common(form):
    looks = [Look(pattern=pattern) for pattern in PAIRS[form]]
    assert len({skeleton_of(form, look.pattern) for look in looks}) == len(looks)
    rng = np.random.default_rng(0)
    texts = [
        {
            space.at(int(rng.random() * space.size))
            for space in spaces_of(form, look)
            for _ in range(500)
        }
        for look in looks
    ]
    assert len(set.union(*texts)) == sum(map(len, texts))


@pytest.mark.parametrize(
    "form", ["full_name", "first_name", "email", "address", "url", "phone", "key"]
)
def test_longer_patterns_share_no_text_with_shorter_ones(form):
    pattern = {**USUAL_NAMES, "email": USUAL_EMAIL, "address": usual_address("en_US")}.get(
        form, {"url": USUAL_URL, "phone": USUAL_PHONE, "key": "AA-##"}.get(form)
    )
    longer = longer_patterns(form, pattern)
    assert longer
    assert len({skeleton_of(form, p) for p in (pattern, *longer)}) == 1 + len(longer)
    assert max(sum(s.size for s in spaces_of(form, Look(pattern=p))) for p in longer) > 10**9


@given(number=st.integers(0, 3 * 100 * 6 - 1))
def test_a_template_is_a_number_in_mixed_radix(number):
    space = Space((Pick(("ann", "Bo", "Cy")), "-", digits(2), ":", Count(5, 10)))
    assert space.size == 3 * 100 * 6
    assert space.number_of(space.at(number)) == number


@pytest.mark.parametrize("text", ["", "ann", "ann-1:5", "ann-01:4", "ann-01:11", "dora-01:5"])
def test_other_texts_have_no_number(text):
    space = Space((Pick(("ann", "Bo", "Cy")), "-", digits(2), ":", Count(5, 10)))
    assert space.number_of(text) is None


def test_gaps_of_any_kind_read_alike():
    space = Space((digits(2), ",\n", Pick(("ann", "bo"))))
    assert space.number_of("12,  bo") == space.number_of("12,\nbo") == 25


@pytest.mark.parametrize(("form", "look"), [c for c in CASES if has_outline(c[0], c[1].pattern)])
def test_texts_of_a_pattern_have_one_outline(form, look):
    rng = np.random.default_rng(0)
    for space in spaces_of(form, look):
        texts = [space.at(int(rng.random() * space.size)) for _ in range(100)]
        assert {outline(text) for text in texts} == {outline(space.at(0))}
