"""The syntax that users of Hydra's Optuna sweeper know, and clear errors for the rest."""

import pytest

from tabveil.config.compose import parse_overrides
from tabveil.config.space import parse_space, split_overrides, to_overrides
from tabveil.errors import ConfigError
from tabveil.search.space import Dimension


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("interval(1, 5)", Dimension("float", 1.0, 5.0)),
        ("int(interval(1, 5))", Dimension("int", 1, 5)),
        ("tag(log, interval(1e-4, 1e-1))", Dimension("float", 1e-4, 1e-1, log=True)),
        ("tag(log, int(interval(1, 50)))", Dimension("int", 1, 50, log=True)),
        ("int(tag(log, interval(1, 50)))", Dimension("int", 1, 50, log=True)),
        ("tag(log, range(1, 50))", Dimension("int", 1, 49, log=True)),
        ("range(1, 10, 3)", Dimension("int", 1, 7, step=3)),
        ("range(0, 1, 0.25)", Dimension("choice", choices=(0.0, 0.25, 0.5, 0.75))),
        ("choice(1, true, 0.5, x)", Dimension("choice", choices=(1, True, 0.5, "x"))),
        ("choice([128,128],[256])", Dimension("choice", choices=("[128,128]", "[256]"))),
    ],
)
def test_each_form_means_its_dimension(text, dimension):
    assert parse_space({"synthesizer.pac": text}) == {"synthesizer.pac": dimension}


@pytest.mark.parametrize(
    "text",
    ["5", "interval(5, 1)", "tag(log, interval(0, 1))", "range(3, 3)", "glob(*)", "choice("],
)
def test_anything_else_is_refused_and_the_key_is_named(text):
    with pytest.raises(ConfigError, match=r"synthesizer\.pac"):
        parse_space({"synthesizer.pac": text})


def test_a_command_line_may_span_the_space_itself():
    fixed, space = split_overrides(["dataset=csv", "synthesizer.pac=choice(1,5)"])
    assert fixed == ["dataset=csv"]
    assert space == {"synthesizer.pac": "choice(1,5)"}


def test_a_key_that_is_taken_as_typed_is_never_swept():
    words = ["dataset.path=a, b = {c.csv", "where={a: [x, y]}"]
    assert split_overrides(words) == (words, {})
    with pytest.raises(ConfigError, match=r"dataset\.target: several values"):
        parse_space({"dataset.target": "choice(a,b)"})


@pytest.mark.parametrize("text", ["b c", "x,y", "it's", "1", "choice(1,2)", "a=b", "größe"])
def test_a_text_among_the_choices_is_given_to_the_trial_as_that_text(text):
    quoted = '"' + text + '"'
    (dimension,) = parse_space({"gate.name": f"choice({quoted},other)"}).values()
    (override,) = to_overrides({"gate.name": dimension.choices[0]})
    assert parse_overrides([override])[0].value() == text


def test_drawn_values_become_overrides():
    values = {"a": 1, "b": "[1,2]", "d": True}
    assert to_overrides(values) == ["a=1", "b=[1,2]", "d=True"]
