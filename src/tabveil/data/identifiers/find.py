"""Does a column hold direct identifiers, and of which form?

Values speak first: texts that look like e-mail addresses are ones, whatever the column is called.
Where a form is only digits or words, the column's name (`words.py`), check digits, lists of names
and the share of values that differ must agree. Few repeated values never identify: "phone" may
hold yes and no. Every finding says why, for a person to check. Dates, ages, places, prices and
measurements are not direct identifiers; what helps to recognise people otherwise is for `roles.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tabveil.data.identifiers import shapes
from tabveil.data.identifiers.columns import Looked, look_at
from tabveil.data.identifiers.keys import find_key
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.role_words import QUASI, meanings
from tabveil.data.identifiers.words import forms_named

FORMS: tuple[str, ...] = (
    "full_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "national_id",
    "iban",
    "card",
)
FORMS += ("ip", "mac", "address", "url", "uuid", "key", "free_text")
_FEW = 10  # as many values or fewer, most of them repeated, are categories
_MOSTLY, _SOME = 0.5, 0.2  # shares of rows: "most"; and "some", where a form is unmistakable
# Form -> what it looks like, what it is called, share of values that suffices without a fitting
# column name. E-mail addresses and their like are never something else; a sixteen-digit number
# passes Luhn's test once in ten by chance, and a sentence may hold a street.
_SHAPES: dict[str, tuple[Callable[[str], bool], str, float]] = {
    "email": (shapes.is_email, "e-mail addresses", _SOME),
    "uuid": (shapes.is_uuid, "UUIDs", _SOME),
    "url": (shapes.is_url, "web addresses", _SOME),
    "mac": (shapes.is_mac, "hardware addresses", _SOME),
    "iban": (shapes.is_iban, "IBANs with valid check digits", _SOME),
    "ip": (shapes.is_ip, "IP addresses", _MOSTLY),
    "card": (shapes.is_card, "card numbers with valid check digits", _MOSTLY),
}
# Without a fitting column name: share of known names, share and number of different ones. Last
# names are trades and places too, so that more is asked of them.
_KNOWN_NAMES = {
    "full_name": (0.6, 0.02, _FEW),
    "first_name": (0.7, 0.0, _FEW),
    "last_name": (0.8, 0.02, 2 * _FEW),
}


@dataclass(frozen=True)
class Found:
    """A form of identifier found in a column.

    Attributes:
        form: one of `FORMS`.
        reason: why, in words a person can check.
    """

    form: str
    reason: str


def find_identifier(values: pd.Series[Any], *, name: str | None = None) -> Found | None:
    """Tell whether a column holds direct identifiers.

    Args:
        values: the column; missing values, nullable dtypes and categories are fine.
        name: what the column is called, if that is not `values.name`.

    >>> mails = pd.Series([f"a{i}@mail.test" for i in range(30)])
    >>> find_identifier(mails)
    Found(form='email', reason='100 % look like e-mail addresses')
    """
    if name is None and values.name is not None:
        name = str(values.name)
    column = look_at(values, name)
    if column is None or (column.n_distinct <= _FEW and column.different < _MOSTLY):
        return None
    named = forms_named(name)
    rules = [_by_shape, _national, _phone, _not_identifying, _address, _person, _free_text, _key]
    if "free_text" in named:  # a sentence may hold a number and a word for a street
        rules.insert(0, _free_text)
    for rule in rules:
        found = rule(column, named)
        if found is not None:
            return found if found.form else None
    return None


def _percent(share: float, looks: str, *, named: bool = False) -> str:
    return f"{_of_all(share)} look like {looks}" + (", and the column is named so" if named else "")


def _of_all(share: float) -> str:
    return f"{round(100 * share)} %"


def _by_shape(column: Looked, named: frozenset[str]) -> Found | None:
    best: tuple[float, str] = (0.0, "")
    for form, (looks, _, enough) in _SHAPES.items():
        share = column.share(looks)
        if share >= (_SOME if form in named else enough):
            best = max(best, (share, form))
    share, form = best
    return Found(form, _percent(share, _SHAPES[form][1], named=form in named)) if form else None


def _national(column: Looked, named: frozenset[str]) -> Found | None:
    is_named = "national_id" in named
    if column.share(shapes.is_date) >= _MOSTLY:
        return None
    for national in NATIONAL.values():
        share = column.share(national.fits)
        if share >= (_MOSTLY if is_named else national.share):
            return Found("national_id", _percent(share, national.label, named=is_named))
    grouped = column.share(lambda text: text[3:4] == text[6:7] == "-" and len(text) == 11)
    if grouped >= _MOSTLY and column.share(NATIONAL["ssn"].fits) >= _MOSTLY:
        return Found("national_id", _percent(grouped, NATIONAL["ssn"].label))
    for form in ("national_id", "iban", "card"):
        if form in named and _is_code(column):
            return Found(form, f"named so, and {_differ(column)}")
    return None


def _is_code(column: Looked) -> bool:
    """Mostly different texts with five digits or more."""
    long = column.share(lambda text: sum(c.isdigit() for c in text) >= 5)
    return column.different >= _MOSTLY and long >= _MOSTLY


def _phone(column: Looked, named: frozenset[str]) -> Found | None:
    if "phone" in named:
        share = column.share(shapes.has_phone_digits)
        if share >= _SOME and column.share(shapes.is_date) < _MOSTLY:
            return Found("phone", _percent(share, "phone numbers", named=True))
        return None
    if "key" in named and column.share(str.isdigit) >= _MOSTLY:
        return None  # codes with zeros in front
    share = column.share(shapes.is_phone)
    if share >= _MOSTLY and column.different >= _SOME and column.is_text:
        return Found("phone", _percent(share, "phone numbers"))
    return None


def _not_identifying(column: Looked, named: frozenset[str]) -> Found | None:
    """Dates, and texts that are numbers with decimals: no further rule applies (an empty form)."""
    dates = column.share(shapes.is_date)
    numbers = column.share(lambda text: shapes.is_number(text) and not text.isdigit())
    all_numbers = column.share(shapes.is_number) >= 0.9 and numbers > _SOME
    all_numbers = all_numbers and "key" not in named  # customer 1.234.567
    return Found("", "") if dates >= 0.8 or all_numbers else None


def _address(column: Looked, named: frozenset[str]) -> Found | None:
    share = column.share(shapes.is_address)
    if "address" in named:
        worded = column.share(lambda text: len(text.split()) >= 2)
        if max(share, worded) >= _SOME and column.different >= _SOME:
            return Found("address", _percent(share, "street addresses", named=True))
        return None
    if share >= _MOSTLY and column.different >= _SOME:
        return Found("address", _percent(share, "street addresses"))
    return None


def _person(column: Looked, named: frozenset[str]) -> Found | None:
    if column.share(shapes.is_words) < _MOSTLY:
        return None
    shares = {
        "full_name": column.share(shapes.is_full_name),
        "first_name": column.share(shapes.is_first_name),
        "last_name": column.share(shapes.is_last_name),
    }
    for form, share in shares.items():
        if form in named and _named_person(column, form, share):
            return Found(form, f"named so, {_of_all(share)} are known names, {_differ(column)}")
    if "full_name" in named:  # "name" may also stand above one half of a name
        shares = {form: share + _SOME for form, share in shares.items()}
    elif meanings(column.name, QUASI):
        return None
    for form, (known, different, least) in _KNOWN_NAMES.items():
        enough = column.different >= different and column.n_distinct >= least
        if shares[form] >= known and enough:
            return Found(
                form, f"{_of_all(min(shares[form], 1))} are known names, {_differ(column)}"
            )
    return None


def _named_person(column: Looked, form: str, share: float) -> bool:
    """Whether a column that is named as names holds them: known ones, or mostly different words."""
    if form == "full_name":
        words = column.share(lambda text: len(shapes.name_words(text)) >= 2)
        eastern = column.share(shapes.is_eastern_name) >= _MOSTLY and column.different >= _SOME
        return share >= 0.4 or (column.different >= 0.8 and words >= _MOSTLY) or eastern
    return share >= 0.3 or column.different >= _SOME or column.n_distinct >= 2 * _FEW


def _free_text(column: Looked, named: frozenset[str]) -> Found | None:
    is_named = "free_text" in named
    share = column.share(shapes.is_sentence)
    if column.different >= (_SOME if is_named else _MOSTLY) and share >= (0.3 if is_named else 0.5):
        return Found("free_text", _percent(share, "sentences") + f", {_differ(column)}")
    return None


def _key(column: Looked, named: frozenset[str]) -> Found | None:
    reason = find_key(column, named)
    return Found("key", reason) if reason else None


def _differ(column: Looked) -> str:
    return f"{column.n_distinct} of {column.n} differ"
