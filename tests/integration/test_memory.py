"""A million rows come from a registered model at bounded memory (README, `tabveil sample`)."""

import os
import shutil
import subprocess

import pyarrow.parquet as pq
import pytest

from conftest import ROOT, TABVEIL


@pytest.mark.slow
def test_a_million_rows_take_less_than_one_and_a_half_gigabytes(confirmed_store, tmp_path):
    out, root = tmp_path / "rows.parquet", tmp_path / "store"
    shutil.copytree(confirmed_store[0], root)  # whoever draws is written down there
    words = ["model=models:/randhie-smoke@balanced", "n=1000000", f"root={root}"]
    process = subprocess.Popen([*TABVEIL, "sample", *words, f"out={out}"], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss < 1.5 * 2**20  # KiB
    assert pq.ParquetFile(out).metadata.num_rows == 1_000_000
