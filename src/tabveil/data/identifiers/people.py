"""What do made-up names, addresses and texts look like in a country?

Each function lists the spaces of one form, the most natural one first: where a table has more rows
than it holds, or where the originals fill it, longer texts follow ("Anna Keller", then "Anna
Keller-Brandt"). No text is in two spaces. Addresses lead nowhere: mail hosts and web hosts are
those of RFC 2606, postcodes are ones that no place has.
"""

from __future__ import annotations

from tabveil.data.identifiers import lexicon
from tabveil.data.identifiers.spaces import Count, Part, Pick, Space, digits

HOSTS = Pick(("com", "net", "org"))
"""RFC 2606: example.com, example.net and example.org belong to nobody."""
NAME_LAYOUTS = ("First Last", "Last, First", "Last, Mr. First", "First", "Last")
_TITLES = Pick(("Mr", "Mrs", "Miss", "Ms"))
_DOORS, _MANY_DOORS = Count(1, 9999), Count(10_000, 99_999_999)
# Postcodes that are given to no place: 00000 in all of these countries, ZZ99 9ZZ in Britain
# (where statistics offices use it for "no address"). Last names make the streets and towns.
_ADDRESSES = {
    "en_US": "{n} {last} {way}, {last}ville 00000",
    "en_GB": "{n} {last} {way}, {last}ham, ZZ99 9ZZ",
    "de_DE": "{last}straße {n}, 00000 {last}stadt",
    "fr_FR": "{n} rue {last}, 00000 {last}ville",
    "es_ES": "Calle {last} {n}, 00000 Villa {last}",
    "it_IT": "Via {last} {n}, 00000 Borgo {last}",
    "pl_PL": "ul. {last} {n}, 00-000 Nowy {last}",
}
_WAYS = Pick(("Street", "Road", "Avenue", "Lane", "Drive", "Court"))


def names(locale: str, layout: str) -> list[Space]:
    """Names written as one of `NAME_LAYOUTS`, or as one of them in capitals or in small letters.

    >>> names("en_US", "Last, First")[0].at(1000)
    'Acevedo, Jean'
    """
    shape = next(known for known in NAME_LAYOUTS if known.casefold() == layout.casefold())
    first, last = (Pick(kind(locale)) for kind in (lexicon.first_names, lexicon.last_names))
    finish = str.upper if layout == shape.upper() else str
    finish = str.lower if layout == shape.lower() else finish
    return [
        Space(_name(shape, first, last, doubled), finish=finish)
        for doubled in (0, 1, 2)  # single, double and triple names
    ]


def _name(shape: str, first: Pick, last: Pick, doubled: int) -> tuple[Part, ...]:
    """The parts of a name; the last name is doubled, or the first one where it stands alone."""
    lasts: tuple[Part, ...] = (last, *(("-", last) * doubled))
    return {
        "First Last": (first, " ", *lasts),
        "Last, First": (*lasts, ", ", first),
        "Last, Mr. First": (*lasts, ", ", _TITLES, ". ", first),
        "First": (first, *(("-", first) * doubled)),
        "Last": lasts,
    }[shape]


def emails(locale: str) -> list[Space]:
    """E-mail addresses: a name, if needed with digits, at a host that does not exist."""
    name = [Pick(lexicon.ascii_names(kind, locale), "[a-z]+") for kind in ("first", "last")]
    counters: list[tuple[Part, ...]] = [(), (digits(3),), (digits(6),), (digits(9),)]
    return [Space((name[0], ".", name[1], *count, "@example.", HOSTS)) for count in counters]


def urls() -> list[Space]:
    """Web addresses at hosts that do not exist."""
    word = Pick(lexicon.words(lexicon.FALLBACK))
    counters = [digits(width) for width in (3, 6, 9)]
    return [Space(("https://www.example.", HOSTS, "/", word, "/", count)) for count in counters]


def addresses(locale: str, layout: str) -> list[Space]:
    """Street addresses; `layout` is "street", or "full" with a postcode and a town."""
    template = _ADDRESSES.get(locale, _ADDRESSES[lexicon.FALLBACK])
    if layout == "street":
        template = template.split(",")[0]
    return [Space(_address(template, locale, doors)) for doors in (_DOORS, _MANY_DOORS)]


def _address(template: str, locale: str, doors: Count) -> tuple[Part, ...]:
    last = Pick(lexicon.last_names(locale))
    slots: dict[str, Part] = {"{n}": doors, "{last}": last, "{way}": _WAYS}
    parts: list[Part] = [template]
    for slot, part in slots.items():
        parts = [
            piece
            for text in parts
            for piece in (_cut(text, slot, part) if isinstance(text, str) else [text])
        ]
    return tuple(parts)


def _cut(text: str, slot: str, part: Part) -> list[Part]:
    """The text's pieces, with the part in place of each slot."""
    pieces: list[Part] = []
    for piece in text.split(slot):
        pieces += [piece, part]
    return [piece for piece in pieces[:-1] if piece != ""]


def texts(locale: str, n_words: int) -> list[Space]:
    """Sentences of `n_words` words that mean nothing."""
    word = Pick(lexicon.words(locale))
    parts: tuple[Part, ...] = (word, *((" ", word) * (n_words - 1)))
    return [Space(parts, finish=_sentence, undo=lambda text: text.removesuffix("."))]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
