"""Source and drawn file compared as text, by a reader of the standard library alone.

Nothing of tabveil is imported, and no type is guessed: a test says with which delimiter and which
encoding it wrote the source, the drawn file must be readable in the same way, and cells are
compared as they are written.

What is compared: the bytes before the header (byte-order mark, `sep=` line), the header as it is
written, line ends, the end of a line, quotes and blanks around cells; and of each column

    gaps      cells that are empty or hold a word for missing: the share of each such word
    shape     the shapes of cells (digits 9, letters a): which there are, and how often
    decimals  the numbers of digits behind the last mark
    levels    in a column of few different cells: which there are, and how often

Shares are compared up to sampling error. The model sees `TRAIN` of the source's rows without
replacement, and each drawn row is a draw from it, so the share of a cell that the source has at p
varies with p (1 - p) (1 / n_train - 1 / n + 1 / n_drawn). A share may differ by `SIGMAS` standard
deviations of that and by `ROUNDING`, since stored shares have three digits. The total variation of
k shares is at most its mean, half the sum of the k mean absolute deviations, plus SIGMAS / 2 of
sqrt(1 / n_train + 1 / n_drawn) (each row moves it by one row's share: McDiarmid).
"""

import gzip
import math
import re
from collections import Counter
from dataclasses import dataclass

TRAIN = 0.5
"""The default share of the rows that a model sees."""
SIGMAS = 4.5
"""One check in 150,000 fails by chance: some thousand checks are made."""
ROUNDING = 0.005
FEW = 60
"""So many different cells at most, each in ten rows on average, are compared as levels."""
NEW_SHAPES = 0.02
"""Of drawn numbers: a model draws between and beside the source's, such as 9 beside 10 and 12."""
SHAPES = 0.15
"""Total variation of shapes where cells are numbers: smoothing moves some across a power of ten."""
SHARED = 5
"""Cells that fewer rows hold are nobody's business: no share of them need come back."""
GAPS = (
    *("", "NA", "N/A", "n/a", "na", "NULL", "null", "None", "NaN", "nan", "-", "--", "?", "."),
    *("\\N", "#N/A", "n.a.", "k.A.", "unknown", "missing", "0000-00-00"),
)


@dataclass(frozen=True)
class Cell:
    """A cell as it is written, its quotes and what they double taken off."""

    text: str
    is_quoted: bool = False

    @property
    def is_gap(self):
        return self.text.strip() in GAPS


@dataclass(frozen=True)
class File:
    """A delimited file as it is written.

    Attributes:
        start: the bytes before the first name: a byte-order mark, a `sep=` line.
        header: the first line, as it is written.
        names: the names in it.
        rows: of cells.
        line_ends: each line end outside of quotes → lines.
        blanks: share of cells, but the first of each line and empty ones, with a blank before.
    """

    start: str
    header: str
    names: tuple
    rows: list
    line_ends: Counter
    blanks: float

    def column(self, i):
        return [row[i] for row in self.rows if i < len(row)]


def unpacked(path):
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def read_file(path, *, delimiter=",", encoding="utf-8"):
    """Read a delimited file; raises ValueError where its bytes are not of the encoding."""
    text = unpacked(path).decode(encoding)
    start = re.match("\ufeff?(sep=.\r?\n)?", text)[0]
    lines, ends, n_blanks, n_cells = _lines(text[len(start) :], delimiter)
    if n_cells and n_blanks == n_cells:
        lines = [
            [line[0], *(Cell(c.text.removeprefix(" "), c.is_quoted) for c in line[1:])]
            for line in lines
        ]
    header = text[len(start) :].splitlines()[0] if lines else ""
    names = tuple(cell.text for cell in lines[0]) if lines else ()
    return File(start, header, names, lines[1:], ends, n_blanks / max(1, n_cells))


def _lines(text, delimiter):
    mark = re.escape(delimiter)
    pattern = re.compile(rf'( ?)("(?:[^"]|"")*"|[^{mark}\r\n]*)({mark}|\r\n|\r|\n|\Z)')
    lines, line, ends, n_blanks, n_cells = [], [], Counter(), 0, 0
    place = 0
    while place < len(text):
        found = pattern.match(text, place)
        if found is None:
            raise ValueError(f"no cell at {text[place : place + 40]!r}")
        blank, cell, end = found.groups()
        if line and cell:
            n_cells += 1
            n_blanks += bool(blank)
        is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
        plain = blank + (cell[1:-1].replace('""', '"') if is_quoted else cell)
        line.append(Cell(plain, is_quoted))
        if end != delimiter:
            ends[end] += 1
            lines.append(line)
            line = []
        place = found.end()
    if line:  # a delimiter ends the file
        lines.append([*line, Cell("")])
    return lines, ends, n_blanks, n_cells


def shape(text):
    """The shape of a cell: digits 9, letters a, long runs as one.

    >>> shape("2021-03-04 Mr. Brown"), shape("-1,234.50")
    ('9+-99-99 aa. a+', '-9,9+.99')
    """
    plain = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))
    return re.sub(r"9{3,}", "9+", re.sub(r"a{3,}", "a+", plain))[:80]


def variation(a, b):
    """Total variation between two counts, as shares."""
    n_a, n_b = max(1, sum(a.values())), max(1, sum(b.values()))
    return sum(abs(a[k] / n_a - b[k] / n_b) for k in a.keys() | b.keys()) / 2


def _variance(p, n, n_drawn):
    n_train = max(1.0, TRAIN * n)
    return p * (1 - p) * (1 / n_train - 1 / n + 1 / n_drawn)


def share_bound(p, n, n_drawn):
    """By how much the share of a cell may differ."""
    at_least = max(p, 1 / n)
    return SIGMAS * math.sqrt(_variance(at_least, n, n_drawn)) + ROUNDING


def variation_bound(counts, n_drawn):
    """How far the shares of cells may lie from those of the source, in total variation."""
    n = sum(counts.values())
    mean = sum(
        math.sqrt(2 / math.pi * _variance(count / n, n, n_drawn)) for count in counts.values()
    )
    return mean / 2 + SIGMAS / 2 * math.sqrt(1 / (TRAIN * n) + 1 / n_drawn) + ROUNDING


def differences(source, drawn, *, made_up=(), smooth=()):
    """What tells the drawn file from its source, a text each; nothing where they are of one form.

    Args:
        source, drawn: files.
        made_up: columns whose cells are new: their levels are not compared.
        smooth: columns of numbers or dates, of which a model draws such as lie between.
    """
    told = _of_file(source, drawn)
    for i, name in enumerate(source.names):
        if drawn.names[i : i + 1] == (name,):
            s, d = source.column(i), drawn.column(i)
            told += [
                f"{name}: {text}"
                for text in (
                    *_of_gaps(s, d),
                    *_of_quotes(s, d),
                    *_of_cells(s, d, is_made_up=name in made_up, is_smooth=name in smooth),
                )
            ]
    return told


def _of_file(source, drawn):
    told = []
    if source.start != drawn.start:
        told.append(f"starts with {drawn.start!r}, not {source.start!r}")
    if source.header != drawn.header:
        told.append(f"header {drawn.header!r}, not {source.header!r}")
    if set(source.line_ends) != set(drawn.line_ends):
        told.append(f"line ends {set(drawn.line_ends)}, not {set(source.line_ends)}")
    widths = {len(row) for row in source.rows}, {len(row) for row in drawn.rows}
    if widths[0] != widths[1]:
        told.append(f"cells in a line: {widths[1]}, not {widths[0]}")
    if source.blanks in (0, 1) and drawn.blanks != source.blanks:
        told.append(f"blanks before {drawn.blanks:.0%} of cells, not {source.blanks:.0%}")
    return told


def _of_gaps(source, drawn):
    """The share of each word that stands for missing, quoted and bare ones told apart."""
    s = Counter(cell for cell in source if cell.is_gap)
    d = Counter(cell for cell in drawn if cell.is_gap)
    for cell in s.keys() | d.keys():
        was, now = s[cell] / len(source), d[cell] / len(drawn)
        may_vanish = s[cell] < 2 * SHARED + SIGMAS * math.sqrt(2 * SHARED)
        if abs(was - now) > share_bound(was, len(source), len(drawn)) and not (
            may_vanish and now <= was + share_bound(was, len(source), len(drawn))
        ):
            written = f'"{cell.text}"' if cell.is_quoted else repr(cell.text)
            yield f"{written} in {now:.1%} of cells, not {was:.1%}"


def _of_quotes(source, drawn):
    """Whether cells that need no quotes have them: all, none, or some."""
    structural = re.compile(r'[",;\t|\r\n]|^ | $')
    s, d = (
        [c.is_quoted for c in cells if not c.is_gap and not structural.search(c.text)]
        for cells in (source, drawn)
    )
    if s and d and all(s) != all(d):
        yield f"{sum(d) / len(d):.0%} of cells quoted, not {sum(s) / len(s):.0%}"
    if s and d and any(d) and not any(s):
        yield f"{sum(d) / len(d):.0%} of cells quoted, not none"


def _of_cells(source, drawn, *, is_made_up, is_smooth):
    s = [cell.text for cell in source if not cell.is_gap]
    d = [cell.text for cell in drawn if not cell.is_gap]
    if not s or not d:
        if bool(s) != bool(d):
            yield "nothing drawn" if s else "values where the source has none"
        return
    places, places_drawn = set(map(_places, s)), set(map(_places, d))
    if not places_drawn <= places:
        yield f"{sorted(places_drawn)} digits behind the last mark, not {sorted(places)}"
    shapes, shapes_drawn = Counter(map(shape, s)), Counter(map(shape, d))
    new = [k for k in shapes_drawn if k not in shapes]
    if sum(shapes_drawn[k] for k in new) > NEW_SHAPES * len(d):
        yield f"shapes that the source has not: {new[:3]}, beside {list(shapes)[:3]}"
    apart = variation(shapes, shapes_drawn)
    may = variation_bound(shapes, len(d))
    if apart > (max(may, SHAPES) if is_smooth or is_made_up else may):
        was, now = shapes.most_common(3), shapes_drawn.most_common(3)
        yield f"shapes differ by {apart:.2f}: {now}, not {was}"
    levels = Counter(s)
    if is_made_up or len(levels) > FEW or len(s) < 10 * len(levels):
        return
    levels_drawn = Counter(d)
    strange = {k: n for k, n in levels_drawn.items() if k not in levels}
    if sum(strange.values()) > (NEW_SHAPES * len(d) if is_smooth else 0):
        yield f"cells that the source never has: {list(strange)[:3]}"
    apart, may = variation(levels, levels_drawn), variation_bound(levels, len(d))
    if not is_smooth and apart > may:
        yield f"shares of levels differ by {apart:.2f}, more than {may:.2f}"


def _places(text):
    found = re.search(r"[.,](\d+)\D*$", text)
    return len(found[1]) if found else 0
