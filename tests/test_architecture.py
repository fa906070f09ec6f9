"""The walls of the house are tests: import-linter's contracts, and what it cannot say."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "tabveil").rglob("*.py"))


def test_the_layers_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is_for_and_is_one_idea(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no module docstring"
    # No file is split for its length; one so long is hardly one idea.
    assert text.count("\n") <= 600, "over 600 lines: look for the second idea"
    assert path.stem not in {"utils", "util", "common", "helpers", "misc"}


def test_only_seeding_touches_global_random_state():
    seeders = ("np.random.seed(", "numpy.random.seed(", "random.seed(", "torch.manual_seed(")
    guilty = [
        path.name
        for path in SOURCES
        if path.name != "seeding.py" and any(s in path.read_text("utf-8") for s in seeders)
    ]
    assert guilty == []
