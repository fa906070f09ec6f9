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

_CALLING = {"1": "en_US", "44": "en_GB", "49": "de_DE", "33": "fr_FR"}
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
USUAL_PHONE = "en_US " + r"+\1-###-###-####"
PHONES: dict[str, tuple[str, str, Pick, int, str]] = {
    "en_US": ("1", "", Pick([f"{area}55501" for area in _AREAS]), 2, r"+\1-###-###-####"),
    "en_GB": ("44", "0", Pick(_OFCOM.split()), 3, r"+\4\4 #### ######"),
    "de_DE": ("49", "0", Pick(_BNETZA.split()), 3, r"+\4\9 ### #######"),
    "fr_FR": ("33", "0", Pick(_ARCEP.split()), 4, r"+\3\3 # ## ## ## ##"),
    "none": ("999", "", Pick(("999",)), 9, "+### ### ######"),
    "home": ("", "", Pick(("000",)), 9, "### ### ######"),
}
"""Locale -> country code, what stands in its place at home, reserved starts, digits after, layout.

"none" is for countries without such a range: country code 999 is reserved by the ITU (E.164).
"home" is for numbers that do not say their country: none begins with three zeros.
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
_BYTE_WIDTHS = {"1": Count(0, 9), "2": Count(10, 99), "3": Count(100, 255)}
_BYTES, _HEX_BYTES = Count(0, 255), Pick([f"{n:02x}" for n in range(256)], "[0-9a-f]{2}")
_NIBBLE, _NOT_ZERO = Pick(tuple(_HEX), "[0-9a-f]"), Pick(tuple(_HEX[1:]), "[1-9a-f]")


def phone_layout(text: str) -> str | None:
    r"""Where a phone number is from, and how it is written.

    `#` stands for a digit and `~` for one of an extension; digits that stand for the country, or
    for it at home, are kept after a backslash.

    >>> phone_layout("+49 171/1234567"), phone_layout("201-555-0100x12")
    ('de_DE +\\4\\9 ###/#######', 'en_US ###-###-####x~~')
    """
    number, mark, extension = _extended(text)
    number = re.sub(r"[^\W\d_]", "", number)
    figures = re.sub(r"\D", "", number)
    if not figures:
        return None
    locale = _calling_from(number, figures)
    front = _front(number, locale)
    kept = re.sub(r"\d", r"\\\g<0>", number[:front])
    rest = re.sub(r"\d", "#", number[front:])
    return f"{locale} {kept}{rest}{mark}{'~' * len(extension)}"


def _calling_from(number: str, figures: str) -> str:
    """The entry of `PHONES` that a number is of."""
    if re.match(r"[^\d+]*(\+|00)", number):
        figures = figures.removeprefix("00")
        return next((loc for code, loc in _CALLING.items() if figures.startswith(code)), "none")
    if re.fullmatch(r"0\d( ?\d\d){4}", number):
        return "fr_FR"
    if figures.startswith("0"):
        british = len(figures) == 11 and figures[1] in "127" and "/" not in number
        return "en_GB" if british else "de_DE"
    american = len(figures) in (7, 10) or (len(figures) == 11 and figures[0] == "1")
    return "en_US" if american else "home"


def _extended(text: str) -> tuple[str, str, str]:
    """A number, what stands before its extension, and the extension's digits."""
    found = re.fullmatch(r"(.*?\d.*?)(\s*(?:x|ext\.?|#)\s*)(\d+)", text, re.IGNORECASE)
    return (found[1], found[2], found[3]) if found else (text, "", "")


def _front(number: str, locale: str) -> int:
    """How many characters of a number stand for the country, or for it at home."""
    country, home = PHONES[locale][:2]
    abroad = rf"[^\d+]*(?:\+|00\D?){country}"
    if locale == "none":
        openings = ["00(?=[1-9])"]
    else:
        openings = [rf"{abroad}\D*\(0\)", abroad, home] if country else []
    openings += [r"1(?=\D*(?:\d\D*){10}$)"] if locale == "en_US" else []
    found = next(filter(None, (re.match(opening, number) for opening in openings if opening)), None)
    return found.end() if found else 0


def phones(pattern: str) -> list[Space]:
    """Phone numbers of an entry of `PHONES`, written as its layout where its digits suffice.

    Numbers that are reserved come first, then ones that no exchange can give: no area begins with a
    zero in North America, and none with two in the other countries here.
    """
    locale, _, layout = pattern.partition(" ")
    starts, after, layout = _reserved(locale, layout)
    country, home = PHONES[locale][:2]
    extra = layout.count("~")
    width = starts_width(starts) + after
    fronts: tuple[str, ...] = ("00" + country, country + home, country, home)
    if locale in ("none", "home"):
        fronts = ("", "00")
    zeros = {"en_US": "0", "none": "", "home": ""}.get(locale, "00")
    bodies: list[tuple[Part, ...]] = [(starts, digits(after))]
    bodies += [(zeros, digits(width - len(zeros)))] if zeros else []
    more: tuple[Part, ...] = (digits(extra),) if extra else ()
    read = _figures(fronts, width + extra)
    return [Space((*body, *more), _dialled(layout), read) for body in bodies]


def starts_width(starts: Pick) -> int:
    """How many digits the reserved starts have."""
    return len(starts.options[0])


def _reserved(locale: str, layout: str) -> tuple[Pick, int, str]:
    """The starts of numbers that are nobody's, digits after, and a layout that they fit."""
    starts, after, usual = PHONES[locale][2:]
    room = layout.count("#")
    if locale == "en_US" and room == 7:
        starts = Pick(("55501",))  # without the area
    width = starts_width(starts)
    fits = room == width + after if locale == "en_US" else room > width
    if not fits:
        extension = layout[layout.index("~") :] if "~" in layout else ""
        layout, room = usual + (" x" + extension if extension else ""), usual.count("#")
        starts = PHONES[locale][2]
        width = starts_width(starts)
    starts = Pick(starts.options, rf"\d{{{width}}}")
    return starts, room - width, layout


def _dialled(layout: str) -> Callable[[str], str]:
    """Writes digits into a layout."""

    def write(number: str) -> str:
        following = iter(number)
        return re.sub(r"\\(.)|[#~]", lambda found: found[1] or next(following), layout)

    return write


def _figures(fronts: tuple[str, ...], width: int) -> Callable[[str], str]:
    """Reads the national digits out of a phone number, however it is written."""

    def read(text: str) -> str:
        figures = re.sub(r"\D", "", text)
        for front in fronts:
            if figures.startswith(front) and len(figures) == len(front) + width:
                return figures[len(front) :]
        return figures

    return read


def longer_phones(layout: str) -> list[str]:
    """Layouts with an extension, or with a longer one."""
    mark = "" if "~" in layout or layout.partition(" ")[2].strip("#") == "" else " x"
    return [layout + mark + "~" * more for more in (4, 7, 9)]


def phone_skeleton(layout: str) -> str:
    """What two layouts share if they may give the same number."""
    return re.sub(r"\\\d|~", "#", layout.partition(" ")[2])


def layout_of(text: str) -> str:
    """How a number is grouped: `*` for a letter or digit, `^` in front if letters are capitals.

    >>> layout_of("DE12 3456"), layout_of("0a:1b")
    ('^**** ****', '**:**')
    """
    capitals = "^" if text != text.lower() else ""
    return capitals + re.sub(r"[^\W_]", "*", text)


def grouped(space: Space, layout: str) -> Space:
    """The same numbers in a layout of `layout_of`; further characters stand at the end.

    A layout with too few or too many places is left aside.
    """
    change = str.upper if layout.startswith("^") else str.lower
    layout = layout.removeprefix("^")
    bare = _bare(space.at(0))
    if layout.count("*") > len(bare) or "*" not in layout:
        return space

    def finish(text: str) -> str:
        following = iter(change(_bare(space.finish(text))))
        written = re.sub(r"\*", lambda _: next(following), layout)
        return written + "".join(following)

    return Space(space.parts, finish, lambda text: space.undo(_bare(text)))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def ibans(country: str) -> list[Space]:
    """IBANs of a country in `IBAN_COUNTRIES`."""
    bank, width = _ACCOUNTS[country]

    def finish(text: str) -> str:
        return country + iban_digits(country, text[2:]) + text[2:]

    return [Space((country + bank, digits(width)), finish, lambda text: text[:2] + text[4:])]


def cards(width: int) -> list[Space]:
    """Numbers of `width` digits that pass Luhn's test."""
    body = digits(width - len(_TEST_CARDS) - 1)
    return [Space((_TEST_CARDS, body), lambda t: t + luhn_digit(t), lambda t: t[:-1])]


def ip_layout(text: str) -> str:
    """The version of an address, and of a v4 one how many digits its numbers have.

    >>> ip_layout("10.0.12.7"), ip_layout("2001:db8::1")
    ('v4 2.1.2.1', 'v6')
    """
    if ":" in text:
        return "v6"
    return "v4 " + ".".join(str(len(byte)) for byte in text.split("/")[0].split("."))


def ips(layout: str) -> list[Space]:
    """Addresses of no machine: RFC 2544's benchmark net and RFC 1112's reserved class E; v6 ones
    from RFC 3849's documentation net.
    """
    version, _, widths = layout.partition(" ")
    if version == "v6":
        group: tuple[Part, ...] = (":", _NOT_ZERO, _NIBBLE, _NIBBLE, _NIBBLE)
        return [Space(("2001:db8", *(group * 6)))]
    if widths == "more":
        return [Space((Count(248, 254), ".", _BYTES, ".", _BYTES, ".", _BYTES))]
    second, third, fourth = (_BYTE_WIDTHS[width] for width in widths.split(".")[1:])
    rest: tuple[Part, ...] = (".", third, ".", fourth)
    listed = [Space((Count(240, 247), ".", second, *rest))]
    if second is _BYTE_WIDTHS["2"]:
        listed.insert(0, Space(("198.", Count(18, 19), *rest)))
    return listed


def ip_skeleton(layout: str) -> str:
    """What two layouts share if they may give the same address."""
    return re.sub(r"^v4 \d", "v4 3", layout)  # the first number has three digits in all


def macs() -> list[Space]:
    """Local group addresses (lowest bits of the first byte set), which no device has as its own."""
    first = Pick([f"{n:02x}" for n in range(256) if n & 3 == 3], "[0-9a-f]{2}")
    return [Space((first, *((_HEX_BYTES,) * 5)))]


def uuids() -> list[Space]:
    """Version 8, which RFC 9562 leaves to whoever makes them."""
    template = "xxxxxxxxxxxx8xxx8xxxxxxxxxxxxxxx"
    return [Space(tuple(_NIBBLE if character == "x" else character for character in template))]
