"""What stands after the first `=` is what is meant: no type of YAML's or Hydra's comes between."""

from __future__ import annotations

import pickle
import re
import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from tabveil.config.compose import Composition, compose_command, parse_overrides
from tabveil.config.settings import Sample, read
from tabveil.config.typed import as_typed, quoted, split_typed
from tabveil.errors import ConfigError

SAMPLE = ("model=m", "n=5", "out=o.csv")
CSV = ("dataset=csv", "dataset.path=t.csv")


def sampled(*words: str) -> Sample:
    composition = compose_command("sample", [*SAMPLE, *words])
    travelled: Composition = pickle.loads(pickle.dumps(composition))
    assert read(travelled.varied(["seed=1"]), Sample).where == read(composition, Sample).where
    return read(travelled, Sample)


TEXTS = [
    *("NO", "on", "off", "yes", "n", "1.10", "1.1", "1_000", "1000", "01234", "12:30", "0x1F"),
    *("2020-05-04", "2020-05-04 10:00:00", "1e5", "0o17", "~", "Null", "NULL", ".inf", "nan"),
    *("true", "???", "O'Brien", "<=50K", ">50K", "*", "&a", "!b", "|", "?", "-", "#1", "@home"),
    *("50%", "a: b: c", "a=b", "$x", "c:\\x", "é ü", "=", "`"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_level_is_the_text_that_was_typed(text: str) -> None:
    (alone, listed), _ = split_typed([f"where={{a: {text}}}", f"where={{a: [{text}, b]}}"])
    assert (alone.value, listed.value) == ({"a": text}, {"a": [text, "b"]})


def test_levels_come_through_the_composition_as_they_were_typed() -> None:
    assert sampled(f"where={{column: [{', '.join(TEXTS)}]}}").where == {"column": TEXTS}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_can_be_written_in_quotes(text: str) -> None:
    inside = text.replace("'", "''")
    (typed,), _ = split_typed([f"where={{'{inside}': ['{inside}']}}"])
    assert typed.value == {text: [text]}


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "\\${x}", "\\\\${x", "${", "a\\${b}\\"])
def test_nothing_in_a_level_is_replaced(text: str) -> None:
    assert sampled(f"where={{column: '{text}'}}").where == {"column": text}
    assert (
        compose_command("sweep", [*CSV, f"dataset.target={text}"]).flat()["dataset.target"] == text
    )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("{größe: a, 2020: {min: 1}}", {"größe": "a", "2020": {"min": "1"}}),
        ("{a (EUR): [x, y], a.b: z}", {"a (EUR)": ["x", "y"], "a.b": "z"}),
        ("{a:b,c:{min:1},d:[x,null]}", {"a": "b", "c": {"min": "1"}, "d": ["x", None]}),
        ("{a: null, b: 'null', null: c}", {"a": None, "b": "null", "null": "c"}),
        ('{"a: b": "x, \\"y\\"", \'it\'\'s\': z}', {"a: b": 'x, "y"', "it's": "z"}),
        ("{at 12:30: x, time:12:30}", {"at 12:30": "x", "time": "12:30"}),
        ("null", None),
        ("{}", {}),
    ],
)
def test_mappings_name_any_column(typed: str, expected: Any) -> None:
    assert sampled(f"where={typed}").where == expected


@pytest.mark.parametrize(
    "typed",
    ["{a: [}", "{a}", "{a: }", "{a: x", "{a: x, a: y}", "{a: 'x' y}", "{a: b} c", "{a: x[1]}"],
)
def test_what_cannot_be_read_is_told_with_the_way_to_write_it(typed: str) -> None:
    with pytest.raises(ConfigError, match=r"where=.*in quotes"):
        sampled(f"where={typed}")


def test_shares_have_levels_as_typed_and_numbers() -> None:
    asked = sampled("shares={v: {1_000: .5, 1000: 0.25, null: 0.125, 'null': 1e-1}}")
    assert asked.shares == {"v": {"1_000": 0.5, "1000": 0.25, None: 0.125, "null": 0.1}}
    with pytest.raises(ConfigError, match=r"shares\.v\.x='lots'"):
        sampled("shares={v: {x: lots}}")


def test_what_a_person_knows_of_a_table_is_text() -> None:
    words = [
        *("dataset.target=2019", "dataset.group=a: b", "dataset.sensitive=[on, a b, 01]"),
        *("dataset.masks={a.b: drop}", "split.by=yes", "dataset.name=1e5"),
        'dataset.kinds={visit: {kind: datetime, format: "%d-%m-%Y"}, 2019:categorical}',
        *("dataset.kinds.zip=categorical", "+dataset.kinds.visit.why=seen"),
    ]
    node = compose_command("sweep", [*CSV, *words]).node
    assert (node.dataset.target, node.dataset.group, node.split.by) == ("2019", "a: b", "yes")
    assert node.dataset.sensitive == ["on", "a b", "01"]
    assert node.dataset.masks == {"a.b": "drop"}
    assert node.dataset.kinds == {
        "visit": {"kind": "datetime", "format": "%d-%m-%Y", "why": "seen"},
        "2019": "categorical",
        "zip": "categorical",
    }
    assert node.dataset.name == "1e5"


def test_null_is_one_of_the_words_that_mean_missing() -> None:
    (one, other), _ = split_typed(["dataset.missing=[NA, null, ?, -]", "missing=null"])
    assert one.value == ["NA", "null", "?", "-"]
    assert other.value is None


NAMES = ["a=b, c's #1 $x (2).csv", "'a' and 'b'.csv", "2019", "{x}.csv", "-x.csv", "größe?.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_what_was_typed(name: str) -> None:
    node = compose_command("sweep", ["dataset=csv", f"dataset.path={name}", f"root={name}"]).node
    assert (node.dataset.path, node.root) == (name, name)
    assert node.dataset.name[0].isalnum() or node.dataset.name[0] == "_"
    quoted_node = compose_command("sweep", ["dataset=csv", f"dataset.path={quoted(name)}"]).node
    assert quoted_node.dataset.path == name


def test_a_place_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLES", "it's")
    for text in ("${oc.env:TABLES}/x y.csv", '"${oc.env:TABLES}/x y.csv"'):
        node = compose_command("sweep", ["dataset=csv", f"dataset.path={text}"]).node
        assert (node.dataset.path, node.dataset.name) == ("it's/x y.csv", "x y")
    assert compose_command("inspect", ["path=null"]).node.path is None
    node = compose_command("sweep", ["dataset=csv", "dataset.path=a\\${b}.csv"]).node
    assert node.dataset.path == "a${b}.csv"
    with pytest.raises(ConfigError, match=r"dataset\.path=a\$\{b.*begins what is replaced"):
        compose_command("sweep", ["dataset=csv", "dataset.path=a${b.csv"])


@pytest.mark.parametrize(
    ("word", "refuses"),
    [
        ("dataset.target=choice(a,b)", split_typed),
        ("where=choice({a: b},{a: c})", split_typed),
        ("gate.name=1 2 x'(", parse_overrides),
    ],
)
def test_what_is_refused_can_be_written_as_the_message_says(word: str, refuses: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        refuses([word])
    (said,) = re.findall(r"(?:is written|in quotes:) ('.*')$", str(refused.value))
    (override,) = refuses(shlex.split(said))[:1]
    value = override.value() if refuses is parse_overrides else override[0].value
    assert value == word.partition("=")[2]


def test_a_key_that_the_command_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no such key: where"):
        compose_command("sweep", ["where={a: b}"])
    with pytest.raises(ConfigError, match=r"a value is needed for: model=…"):
        compose_command("sample", ["n=1", "out=x", "model=???"])


def test_a_count_beyond_reason_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"n=9{20}.*less than or equal to 1000000000000"):
        read(compose_command("sample", ["model=m", "n=" + "9" * 20, "out=o"]), Sample)


@given(st.text(alphabet="a\\'\"$ {},=#é"))
def test_quotes_are_those_of_hydra(text: str) -> None:
    if "${" not in text:
        assert OverridesParser.create().parse_override(f"a={quoted(text)}").value() == text
    (typed,), _ = split_typed([f"why={as_typed(text)}"])
    assert typed.value == text
