"""Does a drawn file come back in the form of its source? Against what chance alone does.

For each table of a folder, 20,000 rows are drawn with `synthesizer=marginals` at default settings
and no hand-written schema, and a tool that compares CSV files as text counts what it tells. The
same is counted for real rows of the training half, drawn with replacement: what it tells there, no
model that learns from that half can avoid.

    python experiments/form/run.py TABLES --tool same_form.py [--out experiments/form/results.json]

`TABLES` holds `*.csv.gz`; the tool takes SOURCE SYNTHETIC and `--identifiers a,b`, prints a line
for each thing that differs, and its number on the last line.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tabveil.data.masking import policies_of
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import load_prepared
from tabveil.data.tables import Place
from tabveil.preparation import Source, prepare
from tabveil.seeding import child_rng
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.wrapping import wrapped
from tabveil.tracking.models import Generator
from tabveil.tracking.samples import write_samples

N = 20_000


def main() -> None:
    """Compare each table; print and keep what is told."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path)
    parser.add_argument("--tool", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = {}
    for path in sorted(given.tables.glob("*.csv.gz")):
        with tempfile.TemporaryDirectory() as folder:
            drawn, real = Path(folder) / "drawn.csv", Path(folder) / "real.csv"
            identifiers = draw(path, drawn, Path(folder))
            resample(path, real)
            found[path.name] = {
                "drawn": told(given.tool, path, drawn, identifiers),
                "real rows of the training half": told(given.tool, path, real, identifiers),
            }
        print(path.name, {key: len(lines) for key, lines in found[path.name].items()})
    if given.out:
        given.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def draw(path: Path, out: Path, root: Path) -> list[str]:
    """Prepare a table, learn it, draw rows; the columns that identify."""
    source = Source(
        name="table",
        place=Place(path=path),
    )
    prepared = load_prepared(prepare(source, None, root=root))
    model = wrapped(Marginals(), Pooling(), prepared, prepared.train, 0)
    model.fit(prepared.train, prepared.schema, seed=0)
    write_samples(Generator(prepared.masking, {}, model), out, N, seed=1)
    return list(policies_of(prepared.masking.schema, {}))


def resample(path: Path, out: Path) -> None:
    """Real rows of a random half, drawn with replacement."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(io.StringIO(file.read())))
    rng = child_rng(0, "form")
    half = rng.permutation(len(rows))[: len(rows) // 2]
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows[i] for i in half[rng.integers(0, len(half), N)].tolist())


def told(tool: Path, source: Path, synthetic: Path, identifiers: list[str]) -> list[str]:
    """The lines that the tool prints, but for the last."""
    words = [sys.executable, str(tool), str(source), str(synthetic)]
    if identifiers:
        words += ["--identifiers", ",".join(identifiers)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    *lines, last = done.stdout.strip().split("\n")
    assert re.match(r"\d+ told", last), done.stderr
    return lines


if __name__ == "__main__":
    main()
