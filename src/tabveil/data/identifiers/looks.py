"""In which country's manner, and in which shapes, are a column's identifiers written?

What is told of the originals is only what at least five rows with different values share: a
locale, the patterns of names, addresses, numbers and codes with their shares, the number of words
to the next five. With fewer rows the usual look is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from tabveil.data.identifiers import lexicon, numbers, people
from tabveil.data.identifiers.forms import skeleton_of
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.patterns import USUAL, patterns_of, running_start
from tabveil.data.rounding import SHARED_ROWS

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
_MOST_PATTERNS = 100
_MAY_BE_CODES = ("national_id", "iban", "card")
"""Forms that may be named so and hold other codes, whose patterns are those of keys."""


def looks_of(
    form: str, texts: Sequence[str], *, numeric: bool, sample: Sequence[str]
) -> tuple[str, dict[str, int]]:
    """The locale of a column, and its patterns with the rows that have each, commonest first.

    Args:
        form: as found.
        texts: the present values, one a row.
        numeric: whether the column holds numbers.
        sample: rows of it to read shapes from, as they are written.
    """
    if form == "key":
        start = running_start(texts)
        found = {start: 1} if start else _keys(texts, numeric=numeric)
        return lexicon.FALLBACK, found or {USUAL: 1}
    look = _LOOKS.get(form)
    locale, patterns, usual = look(sample) if look else (lexicon.FALLBACK, [], "")
    if not patterns and form in _MAY_BE_CODES:
        return locale, _keys(texts, numeric=numeric) or {usual: 1}
    return locale, _shared(form, zip(sample, patterns, strict=False)) or {usual: 1}


def _keys(texts: Sequence[str], *, numeric: bool) -> dict[str, int]:
    """The patterns of codes; one for all that may give the same code."""
    merged: dict[str, tuple[str, int]] = {}
    for pattern, n in patterns_of(texts, numeric=numeric).items():
        skeleton = skeleton_of("key", pattern)
        first, before = merged.get(skeleton, (pattern, 0))
        merged[skeleton] = (first, before + n)
    return _commonest(dict(merged.values()))


def _shared(form: str, written: Iterable[tuple[str, str | None]]) -> dict[str, int]:
    """Patterns that five different texts have; those that may give the same text count as one.

    Of such patterns the commonest is written down, or one that five texts have, too, and that lets
    more digits be zero.
    """
    different: dict[str, set[str]] = {}
    rows: dict[str, Counter[str]] = {}
    for text, pattern in written:
        if pattern is not None:
            seen = different.setdefault(pattern, set())
            if len(seen) < SHARED_ROWS:
                seen.add(text)
            rows.setdefault(skeleton_of(form, pattern), Counter())[pattern] += 1
    kept = {}
    for counts in rows.values():
        if len(set().union(*(different[pattern] for pattern in counts))) >= SHARED_ROWS:
            held = [p for p in counts if len(different[p]) == SHARED_ROWS]
            commonest = max(counts, key=lambda p: (counts[p], p))
            kept[max(held, key=lambda p: (p.count("#"), p), default=commonest)] = counts.total()
    return _commonest(kept)


def _commonest(counts: dict[str, int]) -> dict[str, int]:
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(listed[:_MOST_PATTERNS])


def _most(kinds: Iterable[str], usual: str) -> str:
    """The commonest kind; the usual one if fewer than five rows are of it."""
    counts = Counter(kind for kind in kinds if kind)
    kind, rows = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    return kind if rows >= SHARED_ROWS else usual


_Looked = tuple[str, list[str | None], str]
"""A locale, the pattern of each text, and the usual pattern."""


def _names(form: str, role: str) -> Callable[[Sequence[str]], _Looked]:
    def look(texts: Sequence[str]) -> _Looked:
        locale = lexicon.locale_of_names(texts)
        written: list[str | None] = [people.name_template(text, role=role) for text in texts]
        return locale, written, people.USUAL_NAMES[form]

    return look


def _email(texts: Sequence[str]) -> _Looked:
    words = (re.sub(r"@.*|[\W\d_]+", " ", text) for text in texts)
    locale = lexicon.locale_of_names(words)
    return locale, [people.email_template(text) for text in texts], people.USUAL_EMAIL


def _url(texts: Sequence[str]) -> _Looked:
    return lexicon.FALLBACK, [people.url_template(text) for text in texts], people.USUAL_URL


def _address(texts: Sequence[str]) -> _Looked:
    folded = map(lexicon.plain, texts)
    ways = (next((k for k, way in _WAYS.items() if re.search(way, text)), "") for text in folded)
    locale = _most((way or lexicon.FALLBACK for way in ways), lexicon.FALLBACK)
    written: list[str | None] = [people.address_template(text, locale) for text in texts]
    return locale, written, people.usual_address(locale)


def _phone(texts: Sequence[str]) -> _Looked:
    return lexicon.FALLBACK, [numbers.phone_layout(text) for text in texts], numbers.USUAL_PHONE


def _national(texts: Sequence[str]) -> _Looked:
    kinds = [next((k for k, n in NATIONAL.items() if n.fits(text)), "") for text in texts]
    kind = _most(kinds, "")
    if not kind or sum(map(NATIONAL[kind].fits, texts)) < len(texts) / 2:
        return _CODES
    layouts = (numbers.layout_of(t) if NATIONAL[kind].fits(t) else None for t in texts)
    usual = "***-**-****" if kind == "ssn" else ""
    return lexicon.FALLBACK, [f"{kind} {x}" if x else None for x in layouts], f"{kind} {usual}"


_CODES: _Looked = (lexicon.FALLBACK, [], USUAL)
"""Codes of an unknown kind, written by their patterns."""


def _iban(texts: Sequence[str]) -> _Looked:
    looks = sum(bool(re.match(r"[A-Za-z]{2}\d\d", text)) for text in texts)
    usual = numbers.IBAN_COUNTRIES[0]
    if texts and looks < len(texts) / 2:
        return _CODES
    return lexicon.FALLBACK, [_iban_pattern(text) for text in texts], usual


def _iban_pattern(text: str) -> str:
    country = text[:2].upper()
    layout = numbers.layout_of(text)
    known = country in numbers.IBAN_COUNTRIES
    country = country if known else numbers.IBAN_COUNTRIES[0]
    n = len(numbers.ibans(country)[0].at(0))
    if layout.count("*") == n:
        return f"{country} {layout}"
    groups = " ".join(re.findall(".{1,4}", "*" * n)) if " " in text else "*" * n
    return f"{country} ^{groups}"


def _card(texts: Sequence[str]) -> _Looked:
    layouts = [numbers.layout_of(text) for text in texts]
    cards = [12 <= x.count("*") <= 19 and not x.startswith("^") for x in layouts]
    if texts and sum(cards) < len(texts) / 2:
        return _CODES
    pairs = zip(layouts, cards, strict=True)
    counted = [f"n{x.count('*')} {x}" if is_card else None for x, is_card in pairs]
    return lexicon.FALLBACK, list(counted), "n16"


def _ip(texts: Sequence[str]) -> _Looked:
    dotted = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
    return (
        lexicon.FALLBACK,
        [numbers.ip_layout(t) if ":" in t or dotted.fullmatch(t) else None for t in texts],
        "v4 3.2.3.3",
    )


def _hexadecimal(n: int, usual: str) -> Callable[[Sequence[str]], _Looked]:
    def look(texts: Sequence[str]) -> _Looked:
        layouts = [numbers.layout_of(text) for text in texts]
        whole = [x if x.count("*") == n else None for x in layouts]
        return lexicon.FALLBACK, list(whole), usual

    return look


def _free_text(texts: Sequence[str]) -> _Looked:
    small = {word: k for k, listed in _SMALL_WORDS.items() for word in listed.split()}
    votes = (small.get(lexicon.plain(word), "") for text in texts for word in text.split())
    n_words = 5 * round(median(len(text.split()) for text in texts) / 5)
    return _most(votes, lexicon.FALLBACK), [], str(min(max(n_words, 5), 40))


_LOOKS: dict[str, Callable[[Sequence[str]], _Looked]] = {
    "full_name": _names("full_name", ""),
    "first_name": _names("first_name", "first"),
    "last_name": _names("last_name", "last"),
    "email": _email,
    "phone": _phone,
    "national_id": _national,
    "iban": _iban,
    "card": _card,
    "ip": _ip,
    "mac": _hexadecimal(12, "**:**:**:**:**:**"),
    "address": _address,
    "url": _url,
    "uuid": _hexadecimal(32, "********-****-****-****-************"),
    "free_text": _free_text,
}
