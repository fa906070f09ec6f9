"""What does one text look like: an e-mail address, a phone number, a date, a person's name?

Each question is about a single text without spaces around it; how many texts of a column must
look so, `find.py` says.
"""

from __future__ import annotations

import ipaddress
import re

from tabveil.data.identifiers.checksums import iban_holds, luhn_holds
from tabveil.data.identifiers.lexicon import known_first_names, known_last_names, plain

_EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\W\d_]{2,}")
_UUID = re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?", re.IGNORECASE)
_URL = re.compile(r"(https?://|ftp://|www\.)\S+", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}([:-])([0-9a-f]{2}\1){4}[0-9a-f]{2}", re.IGNORECASE)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"[2-6]\d{11,18}")  # of the networks in use, whose numbers begin with 2 to 6
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,24}(\s?(x|ext\.?|#)\s?\d+)?", re.IGNORECASE)
_POSTCODE = re.compile(r"\d{5}-\d{3,4}|\d{3,4}-\d{3,4}|\d\d-\d{3}")
_FIGURES = r"[+-]?\d*([.,]\d+)*"
_UNIT = r"([%€$£¥]|eur|usd|gbp|chf|kg|g|mg|km|cm|mm|m|ml|l|h|min|s)"
_NUMBER = re.compile(
    rf"[€$£¥]?\s?{_FIGURES}\s?{_UNIT}?|[+-]?\d+(\.\d*)?e[+-]?\d+"
    rf"|\(?{_FIGURES}[,;]?\s{_FIGURES}\)?",
    re.IGNORECASE,
)
_MONTH = r"(jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|ene|abr|ago|dic|avr|fev)\w*"
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(\d{4}|\d{2})"
    rf"|\d{{1,2}}\.?[\s-]{_MONTH}\.?,?[\s-]\d{{2,4}}|{_MONTH}\s\d{{1,2}},?\s\d{{4}}"
    r"|(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))"
    r"([T\s]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([ap]\.?m\.?)?(Z|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[ap]m)?",
    re.IGNORECASE,
)
_WAY = re.compile(
    r"\b(street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|way|square|terrace"
    r"|place|suite|apt|unit|box|rue|impasse|chemin|allee|quai|calle|avenida|plaza|paseo|pasaje|via"
    r"|viale|vicolo|canale|stretto|rotonda|incrocio|piazza|corso|contrada|borgo|strada|ul|al|pl|os|ulica|plac|aleja)\b"
    r"|(strasse|str|weg|platz|gasse|ring|allee|damm|ufer)\b"
)
_BRITISH_CODE = re.compile(r"\b[a-z]{1,2}\d[a-z\d]? \d[a-z]{2}$")
# Chinese, Japanese and Korean names: a few characters, often without a space.
_EASTERN_NAME = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,3} ?[^\x00-\u303f]{1,4}")
_NAME = re.compile(r"[^\W\d_][^\d_@/:;!?%&=+*<>\[\]{}|\\]*")
_TITLE = re.compile(
    r"\b(mr|mrs|ms|miss|master|dr|prof|herr|frau|mme|m|sr|sra|sig|jr|ii|iii|md|phd)\b"
)


def is_email(text: str) -> bool:
    """An e-mail address."""
    return bool(_EMAIL.fullmatch(text))


def is_uuid(text: str) -> bool:
    """A UUID, with or without hyphens."""
    return bool(_UUID.fullmatch(text))


def is_url(text: str) -> bool:
    """A web address."""
    return bool(_URL.fullmatch(text))


def is_mac(text: str) -> bool:
    """The hardware address of a network card."""
    return bool(_MAC.fullmatch(text))


def is_iban(text: str) -> bool:
    """An IBAN, spaced or not, whose check digits hold."""
    bare = re.sub(r"[\s-]", "", text).upper()
    return bool(_IBAN.fullmatch(bare)) and iban_holds(bare)


def is_card(text: str) -> bool:
    """A payment card's number whose check digit holds."""
    bare = re.sub(r"[\s-]", "", text)
    return bool(_CARD.fullmatch(bare)) and luhn_holds(bare)


def is_ip(text: str) -> bool:
    """An internet address, version 4 or 6."""
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_phone(text: str) -> bool:
    """A phone number that shows: 8 to 15 digits with a +, a leading 0 or groups, and no date."""
    n_digits = sum(character.isdigit() for character in text.partition("x")[0])
    if not 8 <= n_digits <= 16 or not _PHONE.fullmatch(text) or text.startswith("000"):
        return False
    if _POSTCODE.fullmatch(text) or (is_number(text) and text[0] not in "+0") or is_date(text):
        return False
    return bool(re.search(r"[\s().\-/+]", text)) or text.startswith("0")


def has_phone_digits(text: str) -> bool:
    """Digits enough for a phone number and little else, for a column that is named as one."""
    return 6 <= sum(character.isdigit() for character in text) >= 0.5 * len(text)


def is_number(text: str) -> bool:
    """A number, also with decimals, an exponent or a unit; or two numbers, a place on a map."""
    return bool(_NUMBER.fullmatch(text)) and any(map(str.isdigit, text))


def is_date(text: str) -> bool:
    """A date, a time, or both, in the usual orders."""
    return bool(_DATE.fullmatch(text))


def is_address(text: str) -> bool:
    """A street with a number: a word for a way, and digits; or a house number, words and a code."""
    if not re.search(r"\d", text) or len(re.findall(r"[^\W\d_]{2,}", text)) < 1:
        return False
    folded = plain(text)
    lined = bool(re.fullmatch(r".*\d+.*[,\n].*\d{4,5}.*", text, re.DOTALL))
    return " " in text and (bool(_WAY.search(folded) or _BRITISH_CODE.search(folded)) or lined)


def is_words(text: str) -> bool:
    """One to six words of letters, as names of people are (initials, titles and hyphens too)."""
    return bool(_NAME.fullmatch(text)) and 1 <= len(text.split()) <= 14


def name_words(text: str) -> list[str]:
    """The words of a name, folded, without titles and initials.

    >>> name_words("Braund, Mr. Owen Harris")
    ['braund', 'owen', 'harris']
    """
    words = re.findall(r"[^\W\d_]{2,}", _TITLE.sub(" ", plain(text)))
    return [str(word) for word in words]


def is_full_name(text: str) -> bool:
    """Two words or more, one of which is a known first name and another a known name."""
    words = name_words(text) if is_words(text) else []
    if not 2 <= len(words) <= 8:
        return False
    firsts = sum(word in known_first_names() for word in words)
    known = sum(word in known_first_names() or word in known_last_names() for word in words)
    return firsts >= 1 and known >= 2


def is_eastern_name(text: str) -> bool:
    """A few Chinese, Japanese or Korean characters, as names there are written."""
    return bool(_EASTERN_NAME.fullmatch(text))


def is_first_name(text: str) -> bool:
    """A known first name, or several."""
    words = name_words(text) if is_words(text) else []
    return 1 <= len(words) <= 3 and all(word in known_first_names() for word in words)


def is_last_name(text: str) -> bool:
    """A known last name, or several."""
    words = name_words(text) if is_words(text) else []
    return 1 <= len(words) <= 3 and all(word in known_last_names() for word in words)


def is_sentence(text: str) -> bool:
    """Four words or more, at least 20 characters; where words are not parted, 15 characters."""
    words = [word for word in text.split() if re.search(r"[^\W\d_]{2}", word)]
    eastern = len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text)) >= 15
    return (len(text) >= 20 and len(words) >= 4) or eastern
