"""Which templates do names, addresses and web addresses of people follow?

Each function reads one text into its template (`templates.py`), or says which template is usual or
longer. Addresses lead nowhere: mail hosts and web hosts are those of RFC 2606, postcodes are ones
that no place has.
"""

from __future__ import annotations

import re

from tabveil.data.identifiers import lexicon
from tabveil.data.identifiers.spaces import Part, Pick, Space, fold
from tabveil.data.identifiers.templates import (
    PARTICLES,
    TITLES,
    UNITS,
    WEB,
    cased,
    figures,
    is_slot,
    letters,
    literal,
    pieces,
    script,
    tokens,
)

USUAL_NAMES = {"full_name": "{First} {Last}", "first_name": "{First}", "last_name": "{Last}"}
USUAL_EMAIL = "{given}.{family}@{host}"
USUAL_URL = literal("https://www.") + "{host}/{word}/###"
_USUAL_ADDRESSES = {
    "en_US": "9### {Last} {Way}, {Town}, {STATE} " + literal("00000"),
    "en_GB": "9## {Last} {Way}, {Town}, " + literal("ZZ99 9ZZ"),
    "de_DE": "{Strasse} 9##, " + literal("00000") + " {Town}",
    "fr_FR": "9## " + literal("rue") + " {Last}, " + literal("00000") + " {Town}",
    "es_ES": literal("Calle") + " {Last} 9##, " + literal("00000") + " {Last}",
    "it_IT": literal("Via") + " {Last} 9##, " + literal("00000") + " {Last}",
    "pl_PL": literal("ul.") + " {Last} 9##, " + literal("00-000") + " {Last}",
}
# Postcodes as they are written where they show; a plain run of digits is looked for after these.
_BRITISH = r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"
_CODES = re.compile(
    rf"{_BRITISH}|\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b|\b\d\d-\d{{3}}\b"
    r"|\b\d{3} \d\d\b(?= [^\W\d])|\b\d{3,5}-\d{3,4}\b",
    re.IGNORECASE,
)
_PLAIN_CODES = re.compile(r"\b\d{4} ?[A-Z]{2}\b|\b\d{4,6}\b")
_CODE_FIRST = re.compile(
    r"(\d{4,6}) [^\d,]+,.*[^\W\d_]{3}\D* \d+\w?"
)  # before the town, then the street
_DOORS = frozenset(
    ("#", "apt", "suite", "unit", "box", "psc", "flat", "floor", "studio", "no", "nr")
)
_STREET = re.compile(r"(?i)(stra[sß]s?e|weg|gasse|platz|allee|ring|damm|ufer)$")


def name_template(text: str, *, role: str) -> str:
    """The template of a name.

    Args:
        text: as it stands in a cell.
        role: "first" or "last" for a column of such names, "" for whole names: what stands before
            a comma, at the end or in capitals is a last name then.

    >>> name_template("Braund, Mr. Owen J.", role="").replace(chr(92), "")
    '{Last}, Mr. {First} {I}.'
    """
    cut = tokens(text)
    lasts = set() if role else _last_names(cut)
    shouted = text.isupper()
    written = []
    for i, token in enumerate(cut):
        word = role or ("last" if i in lasts or (token.isupper() and not shouted) else "first")
        elided = cut[i + 1 : i + 2] in (["'"], ["’"])
        written.append(_name_piece(token, word, elided=elided))
    return "".join(written)


def _last_names(cut: list[str]) -> set[int]:
    """Where last names stand: before the comma, else at the end; at the end of a bracket, too."""
    words = [i for i, t in enumerate(cut) if _is_word(t, TITLES)]
    found = {i for i in words if cut[i + 1 : i + 2] == [")"]}
    end = cut.index("(") if "(" in cut else len(cut)
    if "," in cut[:end] and (before := [i for i in words if i < cut.index(",")]):
        return found | set(before)
    return found | set([i for i in words if i < end][-1:])


def _is_word(token: str, apart: frozenset[str]) -> bool:
    return len(token) > 1 and token[0].isalpha() and fold(token) not in apart


def _name_piece(token: str, role: str, *, elided: bool) -> str:
    if token[0].isdecimal():
        return figures(token)
    if not token[0].isalpha():
        return literal(token)
    if fold(token) in TITLES or fold(token) in PARTICLES:
        return literal(token)
    if script(token[0]):
        return "".join(
            "{of" + script(c).casefold() + "}" if script(c) else literal(c) for c in token
        )
    if len(token) == 1:
        return cased("o" if elided else "i", token)
    return cased("ab" if len(token) == 2 else role, token)


def email_template(text: str) -> str | None:
    """The template of an e-mail address; None for another text.

    >>> email_template("anna.berg12@mail.test")
    '{given}.{family}9#@{host}'
    """
    local, at, host = text.rpartition("@")
    if not at or not local:
        return None
    cut = tokens(local)
    long = [i for i, token in enumerate(cut) if token[0].isalpha() and len(token) > 2]
    roles = {i: "given" if i == long[0] else "family" for i in long}
    if len(long) == 1:
        roles = {long[0]: "user"}
    written = "".join(_mail_piece(token, roles.get(i, "")) for i, token in enumerate(cut))
    return written + "@" + _host(host)


def _mail_piece(token: str, role: str) -> str:
    if role:
        return cased(role, token)
    if token[0].isalpha():
        return letters(token)
    return figures(token) if token[0].isdecimal() else literal(token)


def _host(host: str) -> str:
    labels = host.split(".")
    ending = "{HOST}" if host.isupper() else "{host}"
    deep = len(labels) > 2 and all(label.isalpha() and len(label) > 2 for label in labels)
    return cased("box", labels[0]) + "." + ending if deep else ending


def url_template(text: str) -> str | None:
    """The template of a web address; None for another text.

    >>> url_template("http://shop.test/item/12").replace(chr(92), "")
    'http://{host}/{word}/9#'
    """
    found = re.fullmatch(r"((?:https?|ftp)://)?([^/\s:?#]+)(.*)", text, re.IGNORECASE)
    if not found or "." not in found[2]:
        return None
    scheme, host, path = found[1] or "", found[2], found[3]
    rest = "".join(map(_web_piece, tokens(path)))
    ending = "{HOST}" if host.isupper() else "{host}"
    front = ""
    if host.count(".") > 1 and any(map(str.isalpha, host)):
        varies = any(is_slot(piece) or piece in "#9Aa" for piece in pieces(rest))
        is_www = fold(host).startswith("www.")
        front = literal(host[:4]) if is_www and varies else cased("word", host.split(".")[0]) + "."
    return literal(scheme) + front + ending + rest


def _web_piece(token: str) -> str:
    if token[0].isalpha() and len(token) > 2:
        return literal(token) if fold(token) in WEB else cased("word", token)
    return _mail_piece(token, "")


def address_template(text: str, locale: str) -> str:
    """The template of a street address, with a postcode that no place has.

    >>> address_template("Hauptstr. 5, 10115 Berlin", "de_DE").replace(chr(92), "")
    '{Str}. 9, 00000 {Town}'
    """
    start, end = _postcode(text, locale)
    before, code, after = text[:start], text[start:end], text[end:]
    nines = "9" if re.fullmatch(_BRITISH, code, re.IGNORECASE) else "0"
    nowhere = re.sub(r"[^\W\d_]", "Z", re.sub(r"\d", nines, code))
    nowhere = nowhere.lower() if code.islower() else nowhere
    cut = tokens(before)
    cut_after = tokens(after)
    written = _address_pieces([*cut, "\0", *cut_after], locale)
    return written.replace("\0", literal(nowhere))


def _postcode(text: str, locale: str) -> tuple[int, int]:
    """Where the postcode stands; an empty span behind the text if there is none."""
    found = list(_CODES.finditer(text))
    if found:
        return found[-1].span()
    first = _CODE_FIRST.fullmatch(text)
    plain = [m for m in _PLAIN_CODES.finditer(text) if not _is_door(text[: m.start()], locale)]
    if first and not any(m.start() for m in plain):
        return first.span(1)
    plain = [m for m in plain if len(m[0]) == 5 and m[0].isdecimal()] or plain
    return plain[-1].span() if plain else (len(text), len(text))


def _is_door(before: str, locale: str) -> bool:
    """Whether a number after such a text is one of a house, a flat or a box."""
    if not before.strip():
        return locale.startswith("en")
    words = re.findall(r"[^\W\d_]+|#", before)
    last = fold(words[-1]) if words and re.search(r"[^\W\d_]\.? $|# ?$", before) else ""
    return last in _DOORS


def _address_pieces(cut: list[str], locale: str) -> str:
    """The template of an address's pieces; the postcode is a null character."""
    words = [i for i, token in enumerate(cut) if _is_word(token, UNITS) and len(token) > 2]
    sections = _sections(cut)
    street = next((sections[i] for i, t in enumerate(cut) if t[0].isdecimal()), 0)
    written = []
    for i, token in enumerate(cut):
        here = [j for j in words if sections[j] == sections[i]]
        written.append(_address_piece(token, _place_of(i, here, sections[i] == street, locale)))
    return "".join(written)


def _sections(cut: list[str]) -> list[int]:
    """Which part of the address each piece is in: commas, lines and the postcode part them."""
    numbers, number = [], 0
    for token in cut:
        number += token in (",", "\n", "\0")
        numbers.append(number)
    return numbers


def _place_of(i: int, words: list[int], in_street: bool, locale: str) -> str:
    """The slot of a word, by its place among those of its part."""
    is_end = bool(words) and i == words[-1]
    if in_street:
        ways = is_end and len(words) > 1 and locale.startswith("en")
        return "way" if ways else "street" if locale == "de_DE" else "last"
    if is_end:
        return "town"
    return "side" if locale.startswith("en") else "last"


def _address_piece(token: str, place: str) -> str:
    if token == "\0":
        return token
    if token[0].isdecimal():
        return figures(token)
    if not token[0].isalpha():
        return literal(token)
    if fold(token) in UNITS or fold(token) in PARTICLES:
        return literal(token)
    if len(token) == 1:
        return letters(token)
    if len(token) == 2:
        return "{STATE}" if token.isupper() else cased("ab", token)
    if place == "street":
        short = fold(token).endswith("str")
        place = "str" if short else "strasse" if _STREET.search(token) else "last"
    return cased(place, token)


def usual_address(locale: str) -> str:
    """The template of an address where too few rows share one."""
    return _USUAL_ADDRESSES.get(locale, _USUAL_ADDRESSES[lexicon.FALLBACK])


def longer_names(template: str) -> list[str]:
    """Double and triple names: the last one, or the first one where it stands alone."""
    cut = pieces(template)
    names = [i for i, p in enumerate(cut) if p.casefold() in ("{last}", "{first}")]
    lasts = [i for i in names if cut[i].casefold() == "{last}"]
    if not names:
        return ["{First} {Last}-{Last}-{Last}", "{First} {First} {Last}-{Last}-{Last}"]
    at = (lasts or names)[-1]
    return [
        "".join((*cut[: at + 1], *(("-", cut[at]) * times), *cut[at + 1 :])) for times in (1, 2, 3)
    ]


def longer_emails(template: str) -> list[str]:
    """Addresses with more digits before the @."""
    local, _, host = template.rpartition("@")
    return [f"{local}{'#' * more}@{host}" for more in (3, 6, 9)]


def longer_urls(template: str) -> list[str]:
    """Addresses with a number at the end."""
    return [f"{template}/{'#' * more}" for more in (6, 9, 12)]


def longer_addresses(template: str) -> list[str]:
    """Addresses with more digits in the house number."""
    cut = pieces(template)
    at = next((i for i, piece in enumerate(cut) if piece in ("#", "9")), None)
    if at is None:
        return [f"9{'#' * more} {template}" for more in (3, 6, 9)]
    return ["".join((*cut[: at + 1], "#" * more, *cut[at + 1 :])) for more in (3, 5, 8)]


def texts(locale: str, n_words: int) -> list[Space]:
    """Sentences of `n_words` words that mean nothing."""
    word = Pick(lexicon.words(locale))
    parts: tuple[Part, ...] = (word, *((" ", word) * (n_words - 1)))
    return [Space(parts, finish=_sentence, undo=lambda text: text.removesuffix("."))]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
