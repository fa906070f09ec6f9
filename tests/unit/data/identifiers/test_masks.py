"""Masks: what they hold, what they draw, and that no original comes back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.identifiers.find import FORMS, Found, find_identifier
from tabveil.data.identifiers.learning import learn
from tabveil.data.identifiers.masks import ROOM, Mask
from tabveil.errors import DataError

MAKERS = {
    "full_name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "ascii_safe_email",
    "phone": "phone_number",
    "national_id": "ssn",
    "iban": "iban",
    "card": "credit_card_number",
    "ip": "ipv4",
    "mac": "mac_address",
    "address": "address",
    "url": "url",
    "uuid": "uuid4",
    "key": "license_plate",
    "free_text": "sentence",
}


def originals(form, locale="en_US", n=1000):
    made = Faker(locale)
    made.seed_instance(1)
    return pd.Series([str(getattr(made, MAKERS[form])()) for _ in range(n)], name=form)


def draw(mask, n, start=0):
    return mask.draw(n, np.random.default_rng(start), start=start)


@pytest.mark.parametrize("locale", ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL"])
@pytest.mark.parametrize("form", MAKERS)
def test_no_original_is_in_the_mask_or_among_what_it_draws(form, locale):
    values = originals(form, locale)
    mask = learn(values, Found(form, ""), seed=0)
    stored = json.dumps(mask.to_dict(), ensure_ascii=False)
    assert not [text for text in values if len(text) > 3 and text in stored]
    n = 50_000 if locale == "en_US" else 3000
    drawn = draw(replace(mask, unique=True), n)
    assert not {" ".join(text.split()).casefold() for text in values} & {
        text.casefold() for text in drawn
    }
    assert len(set(drawn)) == n


@pytest.mark.parametrize("form", [*FORMS, "token"])
def test_masks_travel_as_json(form):
    values = originals("full_name" if form == "token" else form, n=200)
    mask = learn(values, Found(form, ""), seed=0)
    again = Mask.from_dict(json.loads(json.dumps(mask.to_dict())))
    assert again == mask
    assert draw(again, 50) == draw(mask, 50)


@pytest.mark.parametrize("form", [*FORMS, "token"])
def test_unique_values_never_meet_up_to_ten_million(form):
    values = originals("full_name" if form == "token" else form, n=50)
    mask = replace(learn(values, Found(form, ""), seed=0), unique=True)
    assert mask.room >= ROOM
    starts = [0, 1000, 2000, 65_000, 999_000, 5_000_000, ROOM - 1000]
    drawn = [text for start in starts for text in draw(mask, 1000, start)]
    assert len(set(drawn)) == len(drawn)


def test_one_draw_of_many_rows_equals_many_draws():
    mask = replace(learn(originals("email"), Found("email", ""), seed=0), unique=True)
    parts = [text for start in range(0, 100, 25) for text in draw(mask, 25, start)]
    assert parts == draw(mask, 100)


@settings(max_examples=30)
@given(
    texts=st.lists(st.text("AB19-", min_size=1, max_size=4), min_size=1, max_size=60),
    form=st.sampled_from(["key", "national_id", "free_text", "full_name", "phone", "ip"]),
    seed=st.integers(0, 9),
)
def test_whatever_the_originals_are_none_is_drawn(texts, form, seed):
    mask = learn(pd.Series(texts, dtype=object), Found(form, ""), seed=seed)
    assert not set(texts) & set(draw(replace(mask, missing=0.0, unique=True), 3000))


@pytest.mark.parametrize("form", FORMS)
def test_what_was_made_up_can_be_masked_again(form):
    """The originals then fill the very range that made-up values come from."""
    first = replace(learn(originals(form, n=300), Found(form, ""), seed=0), unique=True)
    made_up = pd.Series(draw(first, 3000), name=form)
    second = learn(made_up, Found(form, ""), seed=0)
    assert not set(made_up) & set(draw(second, 5000))


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("key", "free_text")])
def test_made_up_values_have_the_form_they_stand_for(form):
    mask = learn(originals(form, n=100), Found(form, ""), seed=0)
    assert mask.form == form
    found = find_identifier(pd.Series(draw(mask, 500)), name=form)
    assert found is not None
    assert found.form == form


def test_numbers_stay_numbers_of_their_dtype():
    rng = np.random.default_rng(0)
    columns = {
        "running": pd.Series(np.arange(1, 892)),
        "sampled": pd.Series(rng.choice(10**6, 500, replace=False), dtype="int32"),
        "nullable": pd.Series([*rng.choice(10**9, 500, replace=False), None], dtype="Int64"),
        "with_gaps": pd.Series([*rng.choice(10**9, 500, replace=False), None], dtype="float64"),
        "negative": pd.Series(-np.arange(1, 500)),
        "huge": pd.Series(rng.integers(10**17, 10**18, 500)),
    }
    for name, values in columns.items():
        mask = learn(values.rename(name), Found("key", ""), seed=0)
        drawn = pd.Series(draw(replace(mask, missing=0.0, unique=True), 5000))
        numbers = pd.to_numeric(drawn).astype(mask.dtype)
        assert numbers.is_unique, name
        assert not set(numbers) & set(values.dropna()), name


def test_rows_are_numbered_in_order_where_they_were():
    mask = learn(pd.Series(range(1, 892)), Found("key", ""), seed=0)
    assert draw(mask, 3, start=7) == ["1007", "1008", "1009"]


def test_missing_values_keep_their_share_to_two_digits():
    values = originals("email").mask(np.random.default_rng(0).random(1000) < 0.4)
    mask = learn(values, Found("email", ""), seed=0)
    assert mask.missing == round(mask.missing, 2) == pytest.approx(0.4, abs=0.04)
    absent = np.mean([text is None for text in draw(mask, 20_000)])
    assert absent == pytest.approx(mask.missing, abs=0.02)


def test_a_mask_does_not_say_which_originals_there_were():
    """Two tables of different people, the same shape: the masks differ in nothing but chance."""
    values = originals("full_name", n=200)
    one, other = (
        learn(half, Found("full_name", ""), seed=0) for half in (values[:100], values[100:])
    )
    plain = [replace(mask, writings=(), salt=0) for mask in (one, other)]
    assert plain[0] == plain[1]


def test_a_category_s_levels_are_not_stored():
    mask = learn(originals("email", n=50).astype("category"), Found("email", ""), seed=0)
    assert mask.dtype == "object"


def test_the_seed_and_the_column_decide_the_values():
    values = originals("email", n=50)
    found = Found("email", "")
    drawn = [
        tuple(draw(learn(column, found, seed=seed), 20))
        for column in (values, values.rename("other"))
        for seed in (0, 1)
    ]
    assert len(set(drawn)) == 4
    assert tuple(draw(learn(values, found, seed=0), 20)) == drawn[0]


def test_a_column_without_values_has_a_mask_of_missing_ones():
    mask = learn(pd.Series([None, None], dtype=object), Found("email", ""), seed=0)
    assert draw(mask, 3) == [None, None, None]


def test_an_unknown_form_and_a_broken_mask_are_refused():
    with pytest.raises(DataError, match="no made-up values of the form 'shoe'"):
        learn(pd.Series(["a"]), Found("shoe", ""), seed=0)
    good = learn(originals("email", n=50), Found("email", ""), seed=0).to_dict()
    writing = good["writings"][0]
    tier = writing["tiers"][0]
    for change in (
        {"form": "shoe"},
        {"locale": "os"},
        {"writings": []},
        {"writings": [writing | {"tiers": []}]},
        {"writings": [writing | {"share": 10}]},
        {"writings": [writing | {"tiers": [tier | {"step": 0}]}]},
        {"writings": [writing | {"tiers": [tier | {"space": 99}]}]},
        {"missing": 2},
        {"extra": 1},
    ):
        with pytest.raises(DataError, match="not a mask"):
            Mask.from_dict(good | change)


def test_other_word_lists_are_noticed_before_anything_is_drawn():
    mask = learn(originals("email", n=50), Found("email", ""), seed=0)
    with pytest.raises(DataError, match="install that version"):
        draw(replace(mask, words="1.0 0000"), 1)


def test_an_empty_mask_says_so():
    mask = learn(originals("uuid", n=50), Found("uuid", ""), seed=0)
    with pytest.raises(DataError, match="draw fewer rows"):
        draw(mask, 1, start=mask.room)


def test_measurements_that_somebody_calls_identifiers_have_a_mask():
    values = pd.Series(np.random.default_rng(0).lognormal(size=40), name="weight")
    made_up = learn(values, Found("token", ""), seed=0)
    assert not set(draw(made_up, 100)) & set(values.astype(str))
