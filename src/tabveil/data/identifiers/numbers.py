"""Which phone, account and card numbers and which addresses of machines are nobody's?

Each function lists the spaces of one form, natural ones first, from ranges that are reserved for
examples or never given out. Where a range is too small for a large table, phone numbers go on with
an extension.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tabveil.data.identifiers.checksums import iban_digits, luhn_digit
from tabveil.data.identifiers.spaces import Count, Part, Pick, Space, digits

# North America: 555-0100 … 555-0199 of every area code is for fiction (ATIS-0300115); left out are
# N11 and N9X, which are no area codes, and toll-free, personal and premium ones.
_AREAS = [
    str(area)
    for area in range(201, 980)
    if area % 100 != 11 and area // 10 % 10 != 9 and area // 100 not in (5, 8) and area != 900
]
# Britain: Ofcom's numbers for drama. Germany: Bundesnetzagentur's. France: ARCEP's.
_OFCOM = """1134960 1144960 1154960 1164960 1174960 1184960 1214960 1314960 1414960 1514960 1614960
1632960 1914980 2079460 2896496 2920180 3069990 7700900 8081570 9098790"""
_BNETZA = "2214710 3023125 4066969 6990009 8999998"
_ARCEP = "19900 26191 35301 46571 53649 63998"
PHONES: dict[str, tuple[str, str, Pick, int, str]] = {
    "en_US": ("1", "", Pick([f"{area}55501" for area in _AREAS]), 2, "+#-###-###-####"),
    "en_GB": ("44", "0", Pick(_OFCOM.split()), 3, "+## #### ######"),
    "de_DE": ("49", "0", Pick(_BNETZA.split()), 3, "+## ### #######"),
    "fr_FR": ("33", "0", Pick(_ARCEP.split()), 4, "+## # ## ## ## ##"),
    "none": ("999", "", Pick([f"{n:03d}" for n in range(1000)]), 6, "+### ### ######"),
}
"""Locale -> country code, what stands in its place at home, reserved starts, digits after, layout.

"none" is for countries without such a range: country code 999 is reserved by the ITU (E.164).
"""
# Country -> what an account of no bank begins with, digits after: the bank code is all zeros, which
# no bank has; where banks are named by letters, XXXX.
_ACCOUNTS = {
    "DE": ("0" * 8, 10),
    "GB": ("XXXX000000", 8),
    "FR": ("0" * 10, 13),
    "ES": ("0" * 8, 12),
    "IT": ("X" + "0" * 10, 12),
    "NL": ("XXXX", 10),
    "PL": ("0" * 8, 16),
    "AT": ("0" * 5, 11),
    "CH": ("0" * 5, 12),
    "PT": ("0" * 8, 13),
    "IE": ("XXXX000000", 8),
}
IBAN_COUNTRIES = tuple(_ACCOUNTS)
_TEST_CARDS = "400000"  # where payment providers publish their test numbers (Stripe, Adyen)
_HEX = "0123456789abcdef"
_BYTES, _HEX_BYTES = Count(0, 255), Pick([f"{n:02x}" for n in range(256)], "[0-9a-f]{2}")
_NIBBLE, _NOT_ZERO = Pick(tuple(_HEX), "[0-9a-f]"), Pick(tuple(_HEX[1:]), "[1-9a-f]")


def phones(locale: str, layout: str) -> list[Space]:
    """Phone numbers of a locale in `PHONES`, written as `layout` where its digits suffice."""
    country, home, starts, after, usual = PHONES[locale]
    starts = Pick(starts.options, rf"\d{{{len(starts.options[0])}}}")
    national = len(starts.options[0]) + after
    spaces = []
    for extra in (0, 4, 7):
        parts: tuple[Part, ...] = (starts, digits(after))
        parts += (digits(extra),) if extra else ()
        write = _dialled(country, home, national, layout, usual)
        spaces.append(Space(parts, write, _national_digits(country, home, national + extra)))
    return spaces


def _dialled(country: str, home: str, n: int, layout: str, usual: str) -> Callable[[str], str]:
    """Writes a national number of `n` digits, and what is beyond them as an extension."""
    room = layout.count("#")
    if room != len(country) + n and (layout.startswith("+") or room != len(home) + n):
        layout, room = usual, len(country) + n
    front = country if room == len(country) + n else home
    mark = "" if layout == "#" * room else " x"

    def write(number: str) -> str:
        figures = iter(front + number[:n])
        written = re.sub("#", lambda _: next(figures), layout)
        return written + mark + number[n:] if len(number) > n else written

    return write


def _national_digits(country: str, home: str, n: int) -> Callable[[str], str]:
    """Reads the national digits out of a phone number, however it is written."""

    def read(text: str) -> str:
        figures = re.sub(r"\D", "", text)
        for front in ("00" + country, country, home):
            if figures.startswith(front) and len(figures) == len(front) + n:
                return figures[len(front) :]
        return figures

    return read


def ibans(layout: str) -> list[Space]:
    """IBANs of a country in `IBAN_COUNTRIES`, as "DE", or "DE spaced" in groups of four."""
    country, _, spaced = layout.partition(" ")
    bank, width = _ACCOUNTS[country]

    def finish(text: str) -> str:
        whole = country + iban_digits(country, text[2:]) + text[2:]
        return " ".join(re.findall(".{1,4}", whole)) if spaced else whole

    def undo(text: str) -> str:
        bare = text.replace(" ", "")
        return bare[:2] + bare[4:]

    return [Space((country + bank, digits(width)), finish, undo)]


def cards(separator: str) -> list[Space]:
    """Sixteen digits that pass Luhn's test, in groups of four if there is a separator."""

    def finish(text: str) -> str:
        whole = text + luhn_digit(text)
        return separator.join(re.findall(".{4}", whole))

    return [Space((_TEST_CARDS, digits(9)), finish, lambda t: re.sub(r"\D", "", t)[:-1])]


def ips(version: str) -> list[Space]:
    """Addresses of no machine: RFC 2544's benchmark net, then RFC 1112's reserved class E; v6
    ones from RFC 3849's documentation net.
    """
    if version == "v6":
        group: tuple[Part, ...] = (":", _NOT_ZERO, _NIBBLE, _NIBBLE, _NIBBLE)
        return [Space(("2001:db8", *(group * 6)))]
    rest: tuple[Part, ...] = (".", _BYTES, ".", _BYTES)
    return [
        Space(("198.", Count(18, 19), *rest)),
        Space((Count(240, 254), ".", _BYTES, *rest)),
    ]


def macs(separator: str) -> list[Space]:
    """Group addresses (lowest bit of the first byte set), which no device has as its own."""
    return [Space(("03", *((separator, _HEX_BYTES) * 5)))]


def uuids() -> list[Space]:
    """Version 8, which RFC 9562 leaves to whoever makes them."""
    template = "xxxxxxxx-xxxx-8xxx-8xxx-xxxxxxxxxxxx"
    return [Space(tuple(_NIBBLE if character == "x" else character for character in template))]
