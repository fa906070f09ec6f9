"""Does a drawn person have one made-up identifier, nobody's, whatever their column looks like?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking, policies_of
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, DataError

N = 150
WHOSE = np.repeat(np.arange(N), 3)
PERSONS = np.repeat(np.arange(2_500), 2)
"""Of drawn rows: more persons than are made up at once."""
GROUPS: dict[str, Any] = {
    "numbers": np.arange(N) * 7 + 40_000,
    "keys": [f"P{i:04}" for i in range(N)],
    "mails": [f"anna{i}@mail.test" for i in range(N)],
    "fractions": np.arange(N) + 0.5,
    "dates": pd.date_range("1950-01-01", periods=N),
    "nullable": pd.array(np.arange(N) + 1, dtype="Int64"),
    "names": [f"Anna {chr(65 + i % 26)}{chr(97 + i // 26)}berg" for i in range(N)],
}


def table_of(group: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "who": pd.Series(group).iloc[WHOSE].reset_index(drop=True),
            "mail": [f"a{i}@mail.test" for i in WHOSE],
            "visit": [f"V-{i:06}" for i in range(len(WHOSE))],
            "x": np.arange(len(WHOSE)) / 7,
        }
    )


def learnt(table: pd.DataFrame, **asked: str) -> Masking:
    kinds = {"mail": "identifier", "visit": "identifier"}
    schema = infer_schema(table, kinds=kinds).with_roles(target=None, group="who")
    return Masking.learn(table, schema, policies_of(schema, asked, sample_groups=True))


def drawn(masking: Masking, start: int = 0, end: int = len(PERSONS)) -> pd.DataFrame:
    rows = pd.DataFrame({"x": np.zeros(end - start)}, index=pd.RangeIndex(start, end))
    return masking.apply(rows, seed=1, persons=PERSONS[start:end])


@pytest.mark.parametrize("name", GROUPS)
def test_an_identifier_is_made_up_once_a_person_and_is_nobodys(name: str) -> None:
    table = table_of(GROUPS[name])
    masking = learnt(table)
    assert set(masking.of_persons) == {"who", "mail"}
    assert masking.schema.group == "who"
    rows = drawn(masking)
    assert list(rows) == ["who", "mail", "visit", "x"]
    for column in ("who", "mail"):
        assert rows.groupby(PERSONS)[column].nunique().eq(1).all()
        assert rows[column].nunique() == len(np.unique(PERSONS))
        assert not set(rows[column].astype(str)) & set(table[column].astype(str))
    assert rows["visit"].is_unique
    pd.testing.assert_frame_equal(
        pd.concat([drawn(masking, 0, 1_999), drawn(masking, 1_999)])[["who", "mail"]],
        rows[["who", "mail"]],
    )
    assert Masking.from_dict(masking.to_dict()) == masking


def test_an_identifier_that_differs_within_a_person_is_the_rows() -> None:
    table = table_of(GROUPS["keys"])
    table.loc[0, "mail"] = "other@mail.test"
    assert learnt(table).of_persons == ("who",)


def test_who_has_no_number_is_a_person_too_and_nobody_is_given_their_identifier() -> None:
    table = table_of(GROUPS["keys"])
    table.loc[:299, "who"] = None
    table["mail"] = [f"a{i}@mail.test" for i in range(N)] * 3  # each of three persons
    masking = learnt(table.assign(mail=table["mail"].where(table["who"].isna(), table["who"])))
    rows = drawn(masking)
    assert not rows[["who", "mail"]].isna().any(axis=None)
    assert not set(rows["mail"]) & set(table["mail"])


def test_without_whole_groups_their_column_has_no_place_in_rows() -> None:
    table = table_of(GROUPS["keys"])
    schema = infer_schema(table).with_roles(target=None, group="who")
    masking = Masking.learn(table, schema, policies_of(schema, {}))
    assert "who" not in masking.schema.names
    assert masking.of_persons == ()
    assert "of_persons" not in masking.to_dict()


def test_what_cannot_be_is_refused() -> None:
    table = table_of(GROUPS["keys"])
    assert learnt(table, who="token").masks["who"].form == "token"
    with pytest.raises(ConfigError, match="ask for fake or token"):
        learnt(table, who="drop")
    with pytest.raises(ConfigError, match=r"needs dataset\.group"):
        policies_of(infer_schema(table), {}, sample_groups=True)
    told = learnt(table).to_dict()
    for change in ({"of_persons": ["nobody"]}, {"of_persons": ["x"]}, {"masks": {}}):
        with pytest.raises(DataError):
            Masking.from_dict(told | change)
