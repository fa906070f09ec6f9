"""Is a table prepared once, and again when anything that shapes it has changed?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tabveil import preparation
from tabveil.cli import main
from tabveil.data.opening import Wishes
from tabveil.data.prepared import load_prepared
from tabveil.data.split import Shares
from tabveil.data.tables import Place
from tabveil.preparation import Source, prepare

TEXT = "the patient said that the pain in the left arm had come back on the second day of {}"


def source(folder: Path, **changed: Any) -> Source:
    path = folder / "t.csv"
    if not path.exists():
        table = pd.DataFrame({"age": range(200), "city": ["Rome", "Bonn"] * 100})
        table["note"] = [
            TEXT.format(f"week {i} of the year, and went in week {i + 1}") for i in range(200)
        ]
        table.to_csv(path, index=False)
    made = Source(
        name="t",
        place=Place(path=path),
        shares=Shares(0.5, 0.15, 0.15, 0.2),
    )
    return replace(made, **changed)


def test_the_same_file_in_the_same_way_is_not_even_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(source(tmp_path), None, root=tmp_path)

    def unwanted(*_: Any, **__: Any) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(Place, "open", unwanted)
    assert prepare(source(tmp_path), None, root=tmp_path) == first
    with pytest.raises(AssertionError):
        prepare(source(tmp_path, split_seed=1), None, root=tmp_path)
    with pytest.raises(AssertionError):
        prepare(source(tmp_path, wishes=Wishes(kinds={"age": "categorical"})), None, root=tmp_path)
    path = tmp_path / "t.csv"
    path.write_text(path.read_text().replace("Bonn", "Oslo"))
    with pytest.raises(AssertionError):
        prepare(source(tmp_path), None, root=tmp_path)


def test_what_was_deleted_or_altered_is_prepared_again(tmp_path: Path) -> None:
    first = prepare(source(tmp_path), None, root=tmp_path)
    (first / "prepared.json").write_text("{}")
    again = prepare(source(tmp_path), None, root=tmp_path)
    assert again == first
    assert load_prepared(again).about.digest[:12] in first.name


def test_other_code_prepares_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(source(tmp_path), None, root=tmp_path)
    n_read: list[int] = []
    read = Place.open
    monkeypatch.setattr(Place, "open", lambda self, wishes: n_read.append(1) or read(self, wishes))
    monkeypatch.setattr(preparation.again, "_code", lambda: "another")
    prepare(source(tmp_path), None, root=tmp_path)
    assert n_read == [1]


def test_free_text_is_left_out_with_a_warning_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source(tmp_path)
    words = ["prepare", "dataset=csv", f"dataset.path={tmp_path / 't.csv'}", f"root={tmp_path}"]
    for _ in range(2):
        assert main(words) == 0
        said = capsys.readouterr().out
        assert "Warning: note: not learnt, left out" in said
        assert "left arm" not in said
    assert main([*words, "dataset.masks={note: token}"]) == 0
    assert "Warning: note: not learnt, replaced by made-up tokens" in capsys.readouterr().out


def test_rules_that_are_kept_unasked_can_be_switched_off(tmp_path: Path) -> None:
    table = pd.DataFrame({"came": pd.to_datetime(["2020-01-06", "2020-02-03"] * 100)})
    table["left"] = table["came"] + pd.Timedelta(1, "D")
    table.to_csv(tmp_path / "t.csv", index=False)
    kept = prepare(source(tmp_path), None, root=tmp_path)
    assert {rule.name for rule in load_prepared(kept).rules} >= {"came <= left", "weekday of came"}
    none = prepare(source(tmp_path, automatic_rules=()), None, root=tmp_path)
    assert none != kept
    assert load_prepared(none).rules == ()
    words = ["prepare", "dataset=csv", f"dataset.path={tmp_path / 't.csv'}", f"root={tmp_path}"]
    assert main([*words, "dataset.automatic_rules=[]"]) == 0
    assert main([*words, "dataset.automatic_rules=[weekdays]"]) == 2
