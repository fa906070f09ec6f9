"""An undocumented option, command, metric or attack fails here; so does a file map that lies."""

import re
from pathlib import Path

import pytest

from tabveil.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGS = sorted((ROOT / "conf").rglob("*.yaml"))
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_config_says_what_it_is_and_what_each_key_means(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# "), "the first line says what the config is"
    inside = None
    for i, line in enumerate(lines):
        key = re.match(r"( *)([\w.]+):", line)
        if not key or key[2] in {"_target_", "defaults"}:
            continue
        if inside is not None and len(key[1]) > inside:
            continue  # below a commented mapping: one comment speaks for all of it
        inside = None
        commented = " #" in line or (i > 0 and lines[i - 1].lstrip().startswith("#"))
        nested = i + 1 < len(lines) and len(lines[i + 1]) - len(lines[i + 1].lstrip()) > len(key[1])
        if nested and commented:
            inside = len(key[1])
        assert commented or nested or "/experiment/" in str(path), f"no comment: {line.strip()}"


def test_the_readme_names_every_command():
    assert not [name for name in COMMANDS if f"tabveil {name}" not in README]


def test_the_file_map_names_what_is_there_and_nothing_else():
    block = README.split("## File map", 1)[1].split("```", 2)[1]
    named = {re.split(r"\s{2,}", line)[0].rstrip("/") for line in block.strip().splitlines()[0:]}
    ignored = {".git", ".venv", "data", "store", "out", "tmp", "dvc.lock"}
    there = {
        path.name
        for path in ROOT.iterdir()
        if path.name not in ignored and not path.name.startswith((".mypy", ".ruff", ".pytest"))
    }
    there -= {".hypothesis", ".import_linter_cache", "dist", "__pycache__"}
    assert named == there


@pytest.mark.parametrize("kind", ["metric", "attack"])
def test_every_metric_and_attack_is_explained(kind):
    text = (ROOT / "docs" / {"metric": "metrics.md", "attack": "threat-model.md"}[kind]).read_text(
        encoding="utf-8"
    )
    names = [path.stem for path in (ROOT / "conf" / kind).glob("*.yaml")]
    assert names
    assert not [
        name for name in names if not re.search(rf"^(#+ .*|\*\*){name}", text, re.MULTILINE)
    ]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_decisions_are_numbered_without_gaps():
    names = sorted(p.name for p in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))


def test_no_registry_host_and_no_path_of_a_machine_is_written_down():
    forbidden = re.compile(r"https?://[^\s\"']+/simple\b|file:///opt/")
    for pattern in ("*.md", "*.toml", "*.txt", "Makefile", "*.yaml"):
        for path in ROOT.glob(pattern):
            assert not forbidden.search(path.read_text(encoding="utf-8")), path
