"""Is a value made once, by key, and never kept where it failed?"""

import pickle

import pytest

from tabveil.memo import Memo


def test_a_value_is_made_once_for_each_key():
    made = []
    memo = Memo()
    for key in ("a", "b", "a"):
        assert memo.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["a", "b"]


def test_none_is_a_value_too():
    memo = Memo()
    assert memo.get("a", lambda: None) is None
    assert memo.get("a", lambda: 1) is None


def test_a_failure_is_not_kept():
    memo = Memo()
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 // 0)
    assert memo.get("a", lambda: 2) == 2


def test_it_travels_empty():
    memo = Memo()
    memo.get("a", lambda: 1)
    assert pickle.loads(pickle.dumps(memo)).get("a", lambda: 2) == 2
