"""A file of any form comes back in it: columns of eighty forms, in any dialect.

Sixty files each time; thousands under the marker `slow`, with `TABVEIL_ROUND_TRIPS` of them in
each of its parts.
"""

import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from as_text import Cell, File, differences, read_file
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


@pytest.mark.parametrize("end", [".parquet", ".jsonl"])
@pytest.mark.parametrize("part", range(4))
def test_texts_of_any_form_come_back_in_typed_files(tmp_path, part, end):
    """Cells that a typed file holds as texts, words for missing among them; empty ones are null."""
    columns = [Column("number", "cents", 1)]
    columns += [Column(name, name, 5, FORMS[name].may_lack[:2]) for name in list(FORMS)[part::4]]
    columns = [c for c in columns if c.form not in ("empty", "0 or 1")]  # in Parquet no texts
    names = [column.name for column in columns]
    cells = [[text or None for text in column.cells()] for column in columns]
    path, out = tmp_path / f"t{end}", tmp_path / f"o{end}"
    if end == ".parquet":
        pq.write_table(pa.table(dict(zip(names, cells, strict=True))), path)
    else:
        rows = (dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = draw(path, out, n=600, pooling=UNPOOLED)
    smooth = {c.name for c in columns if FORMS[c.form].is_smooth}
    told = differences(typed(path), typed(out), smooth=smooth, made_up=line.replaced)
    assert told == []
    assert not line.replaced


def typed(path):
    """A typed file as if it were a delimited one."""
    if path.suffix == ".parquet":
        columns = pq.read_table(path).to_pydict()
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
    cells = [[Cell("" if v is None else str(v)) for v in c] for c in columns.values()]
    return File("", "", tuple(columns), list(zip(*cells, strict=True)), Counter(), 0)


def test_any_file_comes_back():
    run(QUICK, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_thousands_of_files_come_back(part):
    run(int(os.environ.get("TABVEIL_ROUND_TRIPS", "250")), seed=1 + part)
