"""What users meet: exit codes as documented, and messages that quote no data."""

import re

import pandas as pd
import pytest

from tabveil import errors
from tabveil.errors import DataError, TabveilError, safe_summary, safe_traceback


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn = dict(re.findall(r"(?:── |^    )([A-Z]\w+) +(\d)", errors.__doc__, re.MULTILINE))
    real = {
        name: str(kind.exit_code)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TabveilError)
    }
    assert drawn == real


def test_a_library_message_that_quotes_a_cell_is_not_repeated():
    name = "Smi" + "th"
    with pytest.raises(ValueError, match=name) as caught:
        pd.Series([name]).astype(float)
    assert name not in safe_summary(caught.value)
    assert safe_summary(caught.value).startswith("ValueError at ")
    assert name not in safe_traceback(caught.value)


def test_our_own_message_is_repeated_whole():
    assert safe_summary(DataError("5 rows are too few")) == "DataError: 5 rows are too few"
