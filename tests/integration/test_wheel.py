"""An installed tabveil works in an empty folder: its configs travel in the wheel."""

import os
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's content in a folder of its own, as an installation would lay it out."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("tabveil-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_the_configs_and_runs_with_them_anywhere(unpacked, tmp_path):
    assert (unpacked / "tabveil" / "conf" / "sweep.yaml").is_file()
    assert (unpacked / "tabveil" / "conf" / "gate" / "strict.yaml").is_file()
    assert (unpacked / "tabveil" / "report" / "release.html.j2").is_file()
    rows = "\n".join(f"{i % 50},{'ab'[i % 50 > 25]},{i * 7 % 31}" for i in range(200))
    (tmp_path / "mine.csv").write_text("x,income,y\n" + rows + "\n")
    words = ["sweep", "experiment=smoke", "dataset=csv", "dataset.path=mine.csv"]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tabveil", *words, "dataset.target=income"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "tabveil confirm experiment=smoke" in done.stdout
    code = "import tabveil; print(tabveil.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
    )
    assert str(unpacked) in where.stdout
