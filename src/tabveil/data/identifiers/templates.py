r"""Which words and figures stand where in a text, and how are more texts of that shape made?

A template writes `{Last}` for a last name, `{LAST}` for one in capitals, `{host}` for a host that
does not exist, and so on (`_SLOTS`); `#` for a digit, `9` for one that is not zero, `A` and `a` for
a letter. What follows a backslash and all other characters stand as they are. Every slot but the
short ones holds words of three letters or more, so that the shape of a text is its template's.

The words come from a country's lists first, then from those of other countries with the same
script. No word that may stand in a template as it is can come from a slot: two templates have no
text in common unless their `skeleton` is the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

from tabveil.data.identifiers import lexicon
from tabveil.data.identifiers.patterns import CLASSES
from tabveil.data.identifiers.spaces import Part, Pick, Space, fold

_TITLES = """mr mrs ms miss mister master dr prof rev don dona capt col major jonkheer mlle mme sir
lady herr frau sr sra srta sig dott ing dipl med phd md dds dvm esq jr ii iii iv"""
_PARTICLES = """de del della der den di da dos das do du la le les van von zu e el al bin
sur sous am im an bei ob"""
_UNITS = """apt suite unit box po psc apo fpo dpo uss usns usnv usnumc uscgc ae aa ap flat floor
studio bis ter st rd dr ln ct pl sq ave blvd no nr og via viale calle rue avenue ul os al km"""
_WEB = "www html htm php asp aspx pdf jpg png http https ftp com"
TITLES = frozenset(_TITLES.split())
PARTICLES = frozenset(_PARTICLES.split())
UNITS = frozenset(_UNITS.split())
WEB = frozenset(_WEB.split())
_VOCABULARY = TITLES | PARTICLES | UNITS | WEB
"""Words that may stand in a template as they are; none is a name of anybody."""
_SHORTEST = 3  # letters of a word in a slot; shorter ones have slots of their own
_STATES = """AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND
NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY"""
_TOWNS = {"en_US": "ville", "en_GB": "ham", "de_DE": "stadt", "fr_FR": "ville", "nl_NL": "dorp"}
_WAYS = "Street Road Lane Drive Court Square Way Terrace Path Grove Park Row Walk Mews"
_SIDES = "New North South East West Port Lake Great Little Upper Lower Old"
_BOXES = "mail post inbox webmail staff team office home"
# Letters of scripts that no list of names covers: common ones, drawn one by one.
ALPHABETS = {
    "CJK": "山田川本中村木林小高松井上野佐藤伊加原石和大太一子美明文王李张刘陈杨黄赵周吴徐孙马朱",
    "HANGUL": "김이박최정강조윤장임한오서신권황안송류홍민준서연지현우수진영호은경",
    "HIRAGANA": "あいうえおかきくけこさしすせそたちつてとなにはまみゆりる",
    "KATAKANA": "アイウエオカキクケコサシスセソタチツテトナニハマミユリル",
    "ARABIC": "ابتجحدرزسشصطعفقكلمنهوي",
    "HEBREW": "אבגדהוזחטילמנסעפצקרשת",
}


def literal(text: str) -> str:
    """A template of a text that stands as it is."""
    return re.sub(r"([^\W_]|[\\{}#])", r"\\\1", text)


def tokens(text: str) -> list[str]:
    """The runs of letters and of digits of a text, and every other character.

    >>> tokens("Ann O'Hara, 12b")
    ['Ann', ' ', 'O', "'", 'Hara', ',', ' ', '12', 'b']
    """
    return re.findall(r"[^\W\d_]+|\d+|.", text, re.DOTALL)


def figures(run: str) -> str:
    """The template of a run of digits, in a text of its own: a zero in front may come again."""
    return ("#" if run[0] == "0" else "9") + "#" * (len(run) - 1)


def cased(slot: str, word: str) -> str:
    """A slot in the case of a word.

    >>> cased("last", "Berg"), cased("last", "BERG"), cased("last", "berg")
    ('{Last}', '{LAST}', '{last}')
    """
    if word.isupper() and len(word) > 1:
        return "{" + slot.upper() + "}"
    return "{" + (slot if word.islower() else slot.capitalize()) + "}"


def letters(run: str) -> str:
    """The template of letters that are drawn one by one.

    >>> letters("bD")
    'aA'
    """
    return "".join("A" if character.isupper() else "a" for character in run)


def script(character: str) -> str:
    """The script of a letter that has an alphabet here; empty for others."""
    name = unicodedata.name(character, "").split(" ")[0]
    return name if name in ALPHABETS else ""


def pieces(template: str) -> list[str]:
    """A template cut into slots, classes and characters that stand as they are."""
    return re.findall(r"\\.|\{\w+\}|.", template, re.DOTALL)


def is_slot(piece: str) -> bool:
    """Whether a piece is a slot."""
    return len(piece) > 2 and piece[0] == "{"


def skeleton(template: str) -> str:
    """What two templates share if they may give the same text."""
    return "".join(map(_bone, pieces(template))).replace("><", "")


def _bone(piece: str) -> str:
    if is_slot(piece):
        slot = piece[1:-1]
        bone = _BONES.get(slot.casefold(), "www")
        first, rest = (bone[:1], bone[1:]) if slot.islower() else (bone[:1].upper(), bone[1:])
        return f"<{first}{rest.upper() if slot.isupper() else rest}>"
    return {"9": "#", "A": "<L>", "a": "<l>"}.get(piece, piece)


def spaces(template: str, locale: str) -> list[Space]:
    """The texts of a template, those with words of the locale's own lists first."""
    cut = pieces(template)
    wide = [i for i, piece in enumerate(cut) if is_slot(piece) and _slot(piece, locale, True)]
    levels: list[set[int]] = [set()]
    if wide:
        levels.append({wide[-1]})
    if len(wide) > 1:
        levels += [{wide[-1], wide[0]}, {wide[0]}]
    return [
        Space(_joined(part for i, p in enumerate(cut) for part in _parts(p, locale, i in level)))
        for level in levels
    ]


def _parts(piece: str, locale: str, more: bool) -> tuple[Part, ...]:
    if is_slot(piece):
        return _slot(piece, locale, more)
    return (CLASSES.get(piece, piece[-1]),)


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts, with texts that follow each other as one."""
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(before, str):
            joined[-1] = before + part
        else:
            joined.append(part)
    return tuple(joined)


@cache
def _slot(piece: str, locale: str, more: bool) -> tuple[Part, ...]:
    """What a slot stands for; nothing if there are no more words than the locale's own."""
    slot = piece[1:-1]
    change: Callable[[str], str] = str.upper if slot.isupper() else str.lower
    if not (slot.isupper() or slot.islower()):
        change = str
    base = slot.casefold()
    if base == "host":  # RFC 2606: example.com, example.net and example.org belong to nobody
        hosts = Pick([change(host) for host in ("com", "net", "org")])
        return () if more else (change("example."), hosts)
    if base == "user":
        short = [n for n in lexicon.ascii_names("first", locale) if len(n) == 4]
        short = short or [n for n in lexicon.ascii_names("first", "en_US") if len(n) == 4]
        given = str.capitalize if change is str else change
        lasts = _slot("{FAMILY}" if slot.isupper() else "{family}", locale, more)
        return (Pick([given(name) for name in short], "[a-z]{4}"), *lasts)
    words = _words(base, locale, more)
    if base in ("given", "family", "word", "box") and change is str:
        change = str.capitalize
    if not words:
        return ()
    return (Pick([change(word) for word in words], "." if base.startswith("of") else _RUN),)


_RUN = r"[^\W\d_]+"


def _words(base: str, locale: str, more: bool) -> tuple[str, ...]:
    if base.startswith("of"):
        return () if more else tuple(ALPHABETS[base.removeprefix("of").upper()])
    words = _SLOTS[base](locale, more)
    short = base in _BONES
    return tuple(w for w in words if fold(w) not in _VOCABULARY and (short or len(w) >= _SHORTEST))


def _names(kind: str) -> Callable[[str, bool], tuple[str, ...]]:
    def listed(locale: str, more: bool) -> tuple[str, ...]:
        if more:
            return lexicon.more_names(kind, locale)
        return (lexicon.first_names if kind == "first" else lexicon.last_names)(locale)

    return listed


def _ascii(kind: str) -> Callable[[str, bool], tuple[str, ...]]:
    def listed(locale: str, more: bool) -> tuple[str, ...]:
        return (lexicon.more_ascii_names if more else lexicon.ascii_names)(kind, locale)

    return listed


def _towns(ending: Callable[[str], str]) -> Callable[[str, bool], tuple[str, ...]]:
    def listed(locale: str, more: bool) -> tuple[str, ...]:
        return tuple(f"{name}{ending(locale)}" for name in _names("last")(locale, more))

    return listed


def _fixed(words: Iterable[str]) -> Callable[[str, bool], tuple[str, ...]]:
    listed = tuple(words)
    return lambda _, more: () if more else listed


def _initials(locale: str, more: bool) -> tuple[str, ...]:
    found = {fold(name[0]): name[0] for name in lexicon.first_names(locale)}
    return () if more else tuple(sorted(found.values()))


def _short_names(locale: str, more: bool) -> tuple[str, ...]:
    names = {n for other in (locale, *lexicon.related(locale)) for n in lexicon.last_names(other)}
    names |= {n for other in (locale, *lexicon.related(locale)) for n in lexicon.first_names(other)}
    found = {fold(name): name for name in sorted(names) if len(name) == len(fold(name)) == 2}
    return () if more else tuple(found.values())


def _web_words(_: str, more: bool) -> tuple[str, ...]:
    listed = [word for word in lexicon.words(lexicon.FALLBACK) if word.isascii()]
    own = {fold(word): word.lower() for word in listed}
    if not more:
        return tuple(own.values())
    names = {*lexicon.ascii_names("last", "en_US"), *lexicon.more_ascii_names("last", "en_US")}
    return tuple(sorted(names - set(own)))


_SLOTS: dict[str, Callable[[str, bool], tuple[str, ...]]] = {
    "first": _names("first"),
    "last": _names("last"),
    "given": _ascii("first"),
    "family": _ascii("last"),
    "town": _towns(lambda locale: _TOWNS.get(locale, "")),
    "strasse": _towns(lambda _: "straße"),
    "str": _towns(lambda _: "str"),
    "way": _fixed(_WAYS.split()),
    "side": _fixed(_SIDES.split()),
    "box": _fixed(_BOXES.split()),
    "word": _web_words,
    "state": _fixed(_STATES.split()),
    "ab": _short_names,
    "i": _initials,
    "o": _fixed("OD"),
}
# Slots of words shorter than three letters, and what they share with other pieces.
_BONES = {"state": "ll", "ab": "ll", "i": "l", "o": "l", "host": "host"}
_BONES |= {f"of{name.casefold()}": name.casefold() for name in ALPHABETS}
