"""A store that is away is waited for, boundedly and audibly; a full disk is known as one."""

import errno
import sqlite3

import pytest

from tabveil.surroundings import VARIABLE, in_a_hurry, is_full, is_lasting, patiently


def away(error):
    return isinstance(error, ConnectionError)


GONE = ConnectionError("gone")


def failing(n, error=GONE):
    tries = iter(range(n))

    def call():
        if next(tries, None) is not None:
            raise error
        return "answer"

    return call


def test_a_store_that_comes_back_is_waited_for_and_both_are_said(monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, "20")
    assert patiently("the store", failing(2), is_away=away) == "answer"
    said = capsys.readouterr().err.splitlines()
    assert [line.split(";")[0] for line in said] == [
        "tabveil: the store does not answer",
        "tabveil: the store answers again",
    ]


def test_patience_ends_and_other_errors_have_none(monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, "0.2")
    with pytest.raises(ConnectionError):
        patiently("the store", failing(100), is_away=away)
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ValueError, match="no"):
        patiently("the store", failing(1, ValueError("no")), is_away=away)
    monkeypatch.setenv(VARIABLE, "60")
    with in_a_hurry(), pytest.raises(ConnectionError):
        patiently("the store", failing(1), is_away=away)
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_known_by_whoever_says_so():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert is_full(full)
    wrapped = RuntimeError("library")
    wrapped.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert is_full(wrapped)
    assert not is_full(OSError(errno.ENOENT, "no such file"))
    assert not is_full(RuntimeError("the quota of attention"))


def test_sqlite_is_waited_for_only_while_somebody_else_writes():
    assert not is_lasting(sqlite3.OperationalError("database is locked"))
    assert is_lasting(sqlite3.OperationalError("no such table: trials"))
    assert not is_lasting(ConnectionError("gone"))
