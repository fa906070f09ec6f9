"""A real table of the repository comes back as text, from CSV and from Parquet."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from as_text import differences, read_file
from line import draw

TABLE = Path(__file__).parents[2] / "data" / "randhie.parquet"
N = 20_000


@pytest.fixture
def rows():
    if not TABLE.is_file():
        pytest.skip("data/randhie.parquet is absent; run `dvc pull`")
    return pq.read_table(TABLE).to_pylist()


def as_csv(path, rows, **how):
    """As people write it: whole numbers without decimals, also where gaps made them floats."""
    whole = {n for n in rows[0] if all(float(v).is_integer() for v in _floats(rows, n))}
    rows = [{n: int(v) if n in whole and v is not None else v for n, v in r.items()} for r in rows]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", **how)
        writer.writerow(rows[0])
        writer.writerows([("" if v is None else v for v in row.values()) for row in rows])
    return path


def _floats(rows, name):
    return (row[name] for row in rows if row[name] is not None) if _is_float(rows, name) else [0.5]


def _is_float(rows, name):
    return any(isinstance(row[name], float) for row in rows)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_real_table_comes_back(tmp_path, rows, delimiter):
    path = as_csv(tmp_path / "t.csv", rows, delimiter=delimiter)
    draw(path, tmp_path / "o.csv", n=N)
    source, drawn = (read_file(tmp_path / name, delimiter=delimiter) for name in ("t.csv", "o.csv"))
    numbers = [n for n, v in rows[0].items() if isinstance(v, int | float)]
    assert differences(source, drawn, smooth=numbers) == []


def test_a_real_table_of_parquet_is_written_as_csv(tmp_path, rows):
    source = as_csv(tmp_path / "t.csv", rows)
    draw(TABLE, tmp_path / "o.csv", n=N)
    numbers = [n for n, v in rows[0].items() if isinstance(v, int | float)]
    assert differences(read_file(source), read_file(tmp_path / "o.csv"), smooth=numbers) == []


def test_a_real_table_of_parquet_keeps_its_types(tmp_path, rows):
    draw(TABLE, tmp_path / "o.parquet", n=N)
    types = {f.name: f.type for f in pq.read_schema(TABLE)}
    drawn = pq.read_table(tmp_path / "o.parquet")
    assert {f.name: f.type for f in drawn.schema} == types
    for name, type_ in types.items():
        values = {row[name] for row in rows}
        if pa.types.is_string(type_) or len(values) <= 20:
            assert set(drawn[name].to_pylist()) <= values
