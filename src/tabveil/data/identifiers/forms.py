"""Which made-up values can stand for a form of identifier, in a given look?

The one table from a form to its spaces; `looks.py` reads looks, `masks.py` draws. A look is a
locale and a pattern whose meaning depends on the form. Two patterns of a form have no text in
common unless their skeletons are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tabveil.data.identifiers import lexicon, numbers, patterns, people, templates
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.spaces import Space

FROM_WORD_LISTS = frozenset(
    ("full_name", "first_name", "last_name", "email", "address", "url", "free_text")
)
"""Forms whose spaces depend on Faker's lists."""


@dataclass(frozen=True)
class Look:
    """How a form is written: a locale, and a pattern whose meaning depends on the form."""

    locale: str = lexicon.FALLBACK
    pattern: str = ""


def _itself(pattern: str) -> str:
    return pattern


def _none(_: str) -> list[str]:
    return []


def _caseless(pattern: str) -> str:
    """Numbers without letters are the same in capitals."""
    return pattern.replace("^", "")


@dataclass(frozen=True)
class Form:
    """How the patterns of a form are understood.

    Attributes:
        spaces: of a look, the most natural one first; no text is in two of them.
        longer: patterns of longer values, for when those of a pattern are used up.
        skeleton: what two patterns share if they may give the same text.
        has_outline: whether all texts of a pattern have one outline, and no other text reads back.
    """

    spaces: Callable[[Look], list[Space]]
    longer: Callable[[str], list[str]] = _none
    skeleton: Callable[[str], str] = _itself
    has_outline: Callable[[str], bool] = lambda _: False


def _worded(longer: Callable[[str], list[str]]) -> Form:
    return Form(
        lambda look: templates.spaces(look.pattern, look.locale),
        longer,
        templates.skeleton,
        has_outline=lambda _: True,
    )


def _key(look: Look) -> list[Space]:
    if look.pattern.startswith(patterns.RUNNING):
        return patterns.running(look.pattern)
    return patterns.codes(look.pattern)


def _longer_keys(pattern: str) -> list[str]:
    running = pattern.startswith(patterns.RUNNING)
    return [] if running else patterns.longer_codes(pattern)


def _national(look: Look) -> list[Space]:
    kind, _, layout = look.pattern.partition(" ")
    plain, longer = kind.removesuffix("+"), kind.endswith("+")
    if plain not in NATIONAL:
        return patterns.codes(look.pattern)
    spaces = NATIONAL[plain].longer() if longer else NATIONAL[plain].spaces()
    return [numbers.grouped(space, layout) for space in spaces]


def _longer_national(pattern: str) -> list[str]:
    kind, _, layout = pattern.partition(" ")
    if kind not in NATIONAL:
        return patterns.longer_codes(pattern)
    return [f"{kind}+ {layout}"] if NATIONAL[kind].longer() else []


def _national_skeleton(pattern: str) -> str:
    known = pattern.partition(" ")[0].removesuffix("+") in NATIONAL
    return _caseless(pattern) if known else patterns.skeleton_of_code(pattern)


def _iban(look: Look) -> list[Space]:
    """Accounts of a country and a layout, such as "DE ^**** ****"; else codes of a pattern."""
    country, _, layout = look.pattern.partition(" ")
    if country not in numbers.IBAN_COUNTRIES:
        return patterns.codes(look.pattern)
    return [numbers.grouped(space, layout) for space in numbers.ibans(country)]


def _longer_iban(pattern: str) -> list[str]:
    known = pattern.partition(" ")[0] in numbers.IBAN_COUNTRIES
    return [] if known else patterns.longer_codes(pattern)


def _iban_skeleton(pattern: str) -> str:
    known = pattern.partition(" ")[0] in numbers.IBAN_COUNTRIES
    return _caseless(pattern) if known else patterns.skeleton_of_code(pattern)


def _card(look: Look) -> list[Space]:
    """Numbers of a width and a layout, such as "n16 **** **** **** ****"; else codes."""
    width, _, layout = look.pattern.partition(" ")
    if not width.startswith("n"):
        return patterns.codes(look.pattern)
    return [numbers.grouped(space, layout) for space in numbers.cards(int(width[1:]))]


def _longer_cards(pattern: str) -> list[str]:
    if not pattern.startswith("n"):
        return patterns.longer_codes(pattern)
    return [f"n{width} {'*' * width}" for width in (16, 19, 18, 17)]


def _card_skeleton(pattern: str) -> str:
    return pattern if pattern.startswith("n") else patterns.skeleton_of_code(pattern)


def _hexadecimal(plain: Callable[[], list[Space]]) -> Form:
    """Forms whose patterns are layouts."""
    return Form(
        lambda look: [numbers.grouped(space, look.pattern) for space in plain()],
        skeleton=_caseless,
    )


_FORMS: dict[str, Form] = {
    "full_name": _worded(people.longer_names),
    "first_name": _worded(people.longer_names),
    "last_name": _worded(people.longer_names),
    "email": _worded(people.longer_emails),
    "phone": Form(
        lambda look: numbers.phones(look.pattern), numbers.longer_phones, numbers.phone_skeleton
    ),
    "national_id": Form(_national, _longer_national, _national_skeleton),
    "iban": Form(_iban, _longer_iban, _iban_skeleton),
    "card": Form(_card, _longer_cards, _card_skeleton),
    "ip": Form(lambda look: numbers.ips(look.pattern), lambda _: ["v4 more"], numbers.ip_skeleton),
    "mac": _hexadecimal(numbers.macs),
    "address": _worded(people.longer_addresses),
    "url": _worded(people.longer_urls),
    "uuid": _hexadecimal(numbers.uuids),
    "key": Form(_key, _longer_keys, patterns.skeleton_of_code, patterns.has_outline),
    "free_text": Form(lambda look: people.texts(look.locale, int(look.pattern))),
    "token": Form(lambda _: patterns.codes(patterns.TOKEN)),
}
MASKED = tuple(_FORMS)
"""The forms that can be made up: those of `find.FORMS`, and "token"."""


def spaces_of(form: str, look: Look) -> list[Space]:
    """The spaces of a look, the most natural one first; no text is in two of them."""
    return _FORMS[form].spaces(look)


def longer_patterns(form: str, pattern: str) -> list[str]:
    """Patterns of longer values, the shortest first."""
    return _FORMS[form].longer(pattern)


def skeleton_of(form: str, pattern: str) -> str:
    """What two patterns of a form share if they may give the same text."""
    return _FORMS[form].skeleton(pattern)


def has_outline(form: str, pattern: str) -> bool:
    """Whether all texts of a pattern have one outline, and no text of another reads back."""
    return _FORMS[form].has_outline(pattern)
