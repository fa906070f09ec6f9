"""A file of any form comes back in it: columns of eighty forms, in any dialect.

Sixty files each time; thousands under the marker `slow`, with `TABVEIL_ROUND_TRIPS` of them in
each of its parts.
"""

import os
import tempfile
from pathlib import Path

import hypothesis
import pytest
from as_text import differences, read_file
from hypothesis import HealthCheck, given, settings
from line import draw
from made_files import FORMS, Column, Dialect, Made, files

from tabveil.data.pooling import Pooling

QUICK = 60
UNPOOLED = Pooling(min_rate=0, min_count=1, clip=0)
"""Forms are looked at, and not what pooling and clipping do to the rare cells of small tables."""
PARTS = range(8)


def told_of(made, folder):
    """What tells the drawn file from its source."""
    path = made.write(folder)
    out = folder / path.name.replace("made", "out")
    line = draw(path, out, n=600, pooling=UNPOOLED)
    how = {"delimiter": made.dialect.delimiter, "encoding": made.dialect.encoding}
    source, drawn = read_file(path, **how), read_file(out, **how)
    smooth = {c.name for c in made.columns if FORMS[c.form].is_smooth}
    told = differences(source, drawn, smooth=smooth, made_up=line.replaced)
    told += [f"{name}: not learnt" for name in sorted(line.replaced)]
    for i, column in enumerate(made.columns):
        odd = [c.text for c in drawn.column(i) if not c.is_gap and not _holds(column.form, c.text)]
        if odd:
            told.append(f"{column.name}: {len(odd)} cells are not written so, such as {odd[:3]}")
    return told


def _holds(form, text):
    try:
        return FORMS[form].holds(text)
    except ValueError:
        return False


def run(n_files, seed):
    @hypothesis.seed(seed)
    @settings(
        max_examples=n_files,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(files())
    def comes_back(made):
        with tempfile.TemporaryDirectory() as folder:
            assert told_of(made, Path(folder)) == []

    comes_back()


@pytest.mark.parametrize("part", range(8))
def test_every_form_comes_back(tmp_path, part):
    """Each form once, with gaps where it may have them, ten columns a file."""
    names = list(FORMS)[part::8]
    columns = [Column(name.replace("%", ""), name, 7, FORMS[name].may_lack[:2]) for name in names]
    assert told_of(Made((Column("number", "cents", 1), *columns), Dialect("|")), tmp_path) == []


def test_any_file_comes_back():
    run(QUICK, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_thousands_of_files_come_back(part):
    run(int(os.environ.get("TABVEIL_ROUND_TRIPS", "250")), seed=1 + part)
