"""Any table goes down the whole line: roles, kinds, masks, rules, groups and conditions.

How cells are written is looked at in `test_made_files` and `test_zoo`. Tables, files, roles and
corrections are random; thousands of them under the marker `slow`, with `TABVEIL_ROUND_TRIPS` of
them in each of its parts.
"""

import os
import re
import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

import hypothesis
import numpy as np
import pytest
from compared import check_file, check_made_up, check_names, check_shares, check_where
from hypothesis import HealthCheck, given, settings
from made_cases import cases
from taken_down import take_down

from tabveil.errors import TabveilError
from tabveil.synthesizers import chunks
from tabveil.tracking.samples import write_samples

N = 150
"""Rows drawn."""
QUICK = 60
PARTS = range(12)
REFUSALS = {
    "too few rows": r"the table is too small to split: \d+ rows",
    "too few groups": r"the table is too small to split: \d+ different values of the group",
    "too large a group": r"the table cannot be split: .* group column",
    "too many copies": r"the table cannot be split: .* some rows and their copies",
    "rules too strict": r"only \d+ of \d+ rows obeyed the rules",
    "rules of too few rows": r"no level of .* is held by \d+ training rows",
    "nothing to predict": r"the target .* holds one value|nothing to predict",
    "an odd last line": r"the last line looks like a sum or a remark",
    "nothing to model": r"nothing to model: every column is an identifier or the group",
}
"""All that may be said instead of drawing rows; whatever else is said is a bug."""
LEAST_DONE = 0.9


def run(n_cases, seed, *, networks):
    """Take that many cases down the line; how many were done, and how many refused for what."""
    ends = Counter()

    @hypothesis.seed(seed)
    @settings(
        max_examples=n_cases,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(cases(networks=networks))
    def there_and_back(case):
        ends[end_of(case)] += 1

    there_and_back()
    return ends


def end_of(case):
    """Take a case there and back; "done", or the reason it was refused for."""
    # Ten thousand rows are drawn at once. With fewer, no time goes to rows that nobody looks at,
    # and samples have several chunks; where rows are rejected, it would take longer.
    at_once = chunks.CHUNK_ROWS if case.ruled else 100
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(chunks, "CHUNK_ROWS", at_once),
    ):
        try:
            line = take_down(case, Path(folder))
            check(case, line, Path(folder))
        except TabveilError as refusal:
            known = [name for name, said in REFUSALS.items() if re.search(said, str(refusal))]
            if not known:
                raise
            return known[0]
    return "done"


def check(case, line, folder):
    seed, rng = case.seed, np.random.default_rng(case.seed)
    drawn = line.loaded.sample(N, seed=seed)
    check_names(line, drawn, case)
    check_made_up(line, drawn, case)
    assert line.fitted.sample(N, seed=seed).equals(drawn)  # loaded as saved, and the same rows
    path = folder / f"rows.{'csv' if case.file[0] == 'csv' else 'parquet'}"
    assert write_samples(line.loaded, path, N, seed=seed) == N
    check_file(path, line, drawn, case)
    if not line.prepared.rules:
        check_where(line, drawn, rng, seed)
        check_shares(line, drawn, rng, seed)


def test_any_table_comes_back_as_it_was():
    ends = run(QUICK, seed=0, networks=0.03)
    assert ends["done"] >= LEAST_DONE * ends.total(), ends


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_thousands_of_tables_come_back_as_they_were(part):
    ends = run(int(os.environ.get("TABVEIL_ROUND_TRIPS", "280")), seed=1 + part, networks=0.08)
    assert ends["done"] >= LEAST_DONE * ends.total(), ends
