"""In which country's manner, and in which layout, are a column's identifiers written?

What is told of the originals is only what at least five rows share: a locale, the layout of names
and phone numbers, the country of accounts, the number of words to the next five. With fewer rows
the usual look is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tabveil.data.identifiers import lexicon
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.numbers import IBAN_COUNTRIES
from tabveil.data.identifiers.patterns import USUAL, pattern_of, running_start
from tabveil.data.identifiers.people import NAME_LAYOUTS
from tabveil.data.rounding import SHARED_ROWS

_CALLING = {"1": "en_US", "44": "en_GB", "49": "de_DE", "33": "fr_FR"}
_WAYS = {
    "de_DE": r"(strasse|str\.|weg|platz|gasse|ring|allee)\b",
    "fr_FR": r"\b(rue|avenue|boulevard|chemin|place|impasse) (de|du|des|le|la|[a-z])",
    "es_ES": r"\b(calle|avenida|plaza|paseo|cuesta|ronda|camino|callejon|urbanizacion|via de)\b",
    "it_IT": r"\b(via|viale|piazza|corso|contrada|borgo|strada|vicolo|stretto|rotonda)\b",
    "pl_PL": r"\b(ul|ulica|al|aleja|pl|plac)\b\.? ",
    "en_GB": r"\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}$",
}
_SMALL_WORDS = {
    "en_US": "the and of is was with for",
    "de_DE": "und der die das ist nicht mit",
    "fr_FR": "les des et est une pour avec",
    "es_ES": "los las el con por una del",
    "it_IT": "che il gli della per una sono",
    "pl_PL": "nie jest na sie ze oraz dla",
    "ru_RU": "и не на что по с из",
}


@dataclass(frozen=True)
class Look:
    """How a form is written: a locale, and a pattern whose meaning depends on the form."""

    locale: str = lexicon.FALLBACK
    pattern: str = ""


def look_of(form: str, texts: Sequence[str], *, counts_rows: bool) -> Look:
    """The look that most of a column's values have.

    Args:
        form: as found.
        texts: the present values, one a row.
        counts_rows: whether the values are whole numbers without gaps or repeats.
    """
    if form == "key":
        start = running_start(texts) if counts_rows else None
        return Look(pattern=f"from {start}" if start else pattern_of(texts) or USUAL)
    look = _LOOKS.get(form)
    return look(texts) if look else Look()


def _most(kinds: Iterable[str], usual: str) -> str:
    """The commonest kind; the usual one if fewer than five rows are of it."""
    counts = Counter(kind for kind in kinds if kind)
    kind, rows = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    return kind if rows >= SHARED_ROWS else usual


def _full_name(texts: Sequence[str]) -> Look:
    layout = _most(map(_layout, texts), NAME_LAYOUTS[0])
    return Look(lexicon.locale_of_names(texts), _cased(layout, texts))


def _layout(text: str) -> str:
    if "," not in text:
        return "First Last"
    return "Last, Mr. First" if re.search(r",\s*\w{1,6}\.", text) else "Last, First"


def _cased(layout: str, texts: Sequence[str]) -> str:
    """The layout in the case that most texts have."""
    kinds = ("A" if t.isupper() else "a" if t.islower() else "Aa" for t in texts)
    case = _most(kinds, "Aa")
    return {"A": layout.upper(), "a": layout.lower(), "Aa": layout}[case]


def _half_name(layout: str) -> Callable[[Sequence[str]], Look]:
    return lambda texts: Look(lexicon.locale_of_names(texts), _cased(layout, texts))


def _email(texts: Sequence[str]) -> Look:
    return Look(lexicon.locale_of_names(re.sub(r"@.*|[\W\d_]+", " ", text) for text in texts))


def _phone(texts: Sequence[str]) -> Look:
    layout = pattern_of([re.sub(r"[^\W\d_]+", "", text) for text in texts]) or ""
    return Look(_most(map(_calling_from, texts), lexicon.FALLBACK), layout.replace("9", "#"))


def _calling_from(text: str) -> str:
    """The locale of a phone number, "none" for a country without reserved numbers."""
    figures = re.sub(r"\D", "", text)
    if text.startswith(("+", "00")):
        figures = figures.removeprefix("00")
        return next((loc for code, loc in _CALLING.items() if figures.startswith(code)), "none")
    if re.fullmatch(r"0\d( ?\d\d){4}", text):
        return "fr_FR"
    if figures.startswith("0"):
        return "en_GB" if len(figures) == 11 and figures[1] in "127" else "de_DE"
    return "en_US"


def _national(texts: Sequence[str]) -> Look:
    kinds = (next((k for k, n in NATIONAL.items() if n.fits(text)), "") for text in texts)
    kind = _most(kinds, "")
    if not kind or sum(map(NATIONAL[kind].fits, texts)) < len(texts) / 2:
        return Look(pattern=pattern_of(texts) or USUAL)
    plain = _most(("plain" if text.isdigit() else "written" for text in texts), "written")
    return Look(pattern=f"{kind} plain" if (kind, plain) == ("ssn", "plain") else kind)


def _iban(texts: Sequence[str]) -> Look:
    country = _most((text[:2].upper() for text in texts), IBAN_COUNTRIES[0])
    spaced = _most(("spaced" if " " in text else "close" for text in texts), "close") == "spaced"
    country = country if country in IBAN_COUNTRIES else IBAN_COUNTRIES[0]
    return Look(pattern=f"{country} spaced" if spaced else country)


def _card(texts: Sequence[str]) -> Look:
    separators = ({" ": "spaces", "-": "hyphens"}.get(text[4:5], "close") for text in texts)
    return Look(pattern={"spaces": " ", "hyphens": "-", "close": ""}[_most(separators, "close")])


def _ip(texts: Sequence[str]) -> Look:
    return Look(pattern=_most(("v6" if ":" in text else "v4" for text in texts), "v4"))


def _mac(texts: Sequence[str]) -> Look:
    return Look(pattern=_most(("-" if "-" in text else ":" for text in texts), ":"))


def _address(texts: Sequence[str]) -> Look:
    layouts = ("full" if re.search(r"[,\n]|\d{4}", text) else "street" for text in texts)
    folded = map(lexicon.plain, texts)
    ways = (next((k for k, way in _WAYS.items() if re.search(way, text)), "") for text in folded)
    locale = _most((way or lexicon.FALLBACK for way in ways), lexicon.FALLBACK)
    return Look(locale, _most(layouts, "full"))


def _free_text(texts: Sequence[str]) -> Look:
    small = {word: k for k, listed in _SMALL_WORDS.items() for word in listed.split()}
    votes = (small.get(lexicon.plain(word), "") for text in texts for word in text.split())
    n_words = 5 * round(median(len(text.split()) for text in texts) / 5)
    return Look(_most(votes, lexicon.FALLBACK), str(min(max(n_words, 5), 40)))


_LOOKS: dict[str, Callable[[Sequence[str]], Look]] = {
    "full_name": _full_name,
    "first_name": _half_name("First"),
    "last_name": _half_name("Last"),
    "email": _email,
    "phone": _phone,
    "national_id": _national,
    "iban": _iban,
    "card": _card,
    "ip": _ip,
    "mac": _mac,
    "address": _address,
    "free_text": _free_text,
}
