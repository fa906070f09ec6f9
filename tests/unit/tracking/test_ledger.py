"""Is the ledger only ever added to, by several processes at once, and readable by its owner?"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tabveil.errors import ConfigError, TrackingError
from tabveil.tracking.ledger import Ledger, Line


def test_lines_come_back_in_order_with_time_name_and_detail(tmp_path: Path) -> None:
    ledger = Ledger.at(None, root=tmp_path / "new")
    ledger.append(Line("open release", "digest", "study trial 3", {"models": 3}))
    ledger.append(Line("sample", "digest", "rows/1", {"n": 10, "where": {"sex": "f"}}))
    ledger.append(Line("open release", "other", "study trial 0"))
    first, second, third = ledger.lines()
    assert [line.number for line in (first, second, third)] == [1, 2, 3]
    assert first.detail == {"models": 3}
    assert second.detail["where"] == {"sex": "f"}
    assert "@" in first.who
    assert first.at.endswith("+00:00")
    assert [line.model for line in ledger.lines(data_digest="other")] == ["study trial 0"]
    assert ledger.n_openings("digest") == 1


def _append(root: Path, name: str) -> None:
    ledger = Ledger.at(None, root=root)
    for i in range(20):
        ledger.append(Line("sample", "digest", name, {"i": i}))


def test_several_processes_lose_no_line(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append, args=(tmp_path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lines = Ledger.at(None, root=tmp_path).lines()
    assert len(lines) == 60
    for name in "abc":
        assert [line.detail["i"] for line in lines if line.model == name] == [*range(20)]


def test_what_cannot_be_written_is_said_without_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no database URL"):
        Ledger("no url at all")
    (tmp_path / "ledger.db").write_text("this is no database" * 100)
    with pytest.raises(TrackingError, match="cannot be used"):
        Ledger.at(None, root=tmp_path).lines()
    with pytest.raises(TrackingError, match=r"cannot be used|needs a driver") as caught:
        Ledger("postgresql://user:secret@127.0.0.1:1/none").lines()
    assert "secret" not in str(caught.value)
