"""Which rows of the given tables are asked about, and which does the attacker know?

An attack speaks of people: of `train` and `control` it asks about one row a person, since rows of
one person would count as independent findings. The tables stay whole beside them: a generator may
leak a row that nobody asks about. Where nobody gave a reference, half of the control people play
it; the other half stays to be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import EvalInput, Limits, Membership
from tabveil.data.twins import Codes, group_codes, link, twin_codes
from tabveil.errors import DataError
from tabveil.measure.alike import SYNTHETIC, Alike
from tabveil.measure.lineup import MIN_ROWS
from tabveil.seeding import child_rng


def to_input(alike: Alike, *, seed: int, limits: Limits) -> tuple[EvalInput, tuple[str, ...]]:
    """What the attacks look at, and what a reader of the results should know of it.

    Args:
        alike: `train`, `control`, `synthetic` and perhaps `reference`, in an order that only
            contents decide.
        seed: of every draw.
        limits: how much the attacks look at.

    Raises:
        DataError: a person stands in `train` and in `control`.
    """
    _refuse_shared_persons(alike.groups)
    tables, notes = dict(alike.tables), []
    persons = {name: _persons(alike, name) for name in ("train", "control")}
    if "reference" not in tables:
        control, units = tables["control"], _units(tables, persons["control"])
        order = child_rng(seed, "reference").permutation(units.max() + 1)
        known = np.isin(units, order[: len(order) // 2])
        tables["reference"] = control[known].reset_index(drop=True)
        tables["control"] = control[~known].reset_index(drop=True)
        persons["control"] = persons["control"][~known]
        notes.append(
            f"no reference was given: half of control ({int(known.sum())} rows) plays what the "
            f"attacker knows of the population"
        )
    asked = {}
    for name, codes in persons.items():
        chosen = _one_row_a_person(codes, child_rng(seed, "one row a person", name))
        if len(chosen) < len(tables[name]):
            notes.append(f"{name}: one row of each of {len(chosen)} persons")
        asked[name] = tables[name].iloc[chosen].reset_index(drop=True)
    one_each = all(len(asked[name]) == len(tables[name]) for name in asked)
    data = EvalInput(
        train=tables["train"],
        control=tables["control"],
        reference=tables["reference"],
        synthetic=tables[SYNTHETIC],
        schema=alike.schema,
        seed=seed,
        limits=limits,
        membership=None if one_each else _membership(asked["train"], asked["control"]),
    )
    return data, tuple(notes)


def _membership(train: pd.DataFrame, control: pd.DataFrame) -> Membership:
    """These rows are asked about, and no other."""
    rows = pd.concat([train, control], ignore_index=True)
    is_member = np.arange(len(rows)) < len(train)
    return Membership(rows, is_member, in_pool=is_member)


def _units(tables: Mapping[str, pd.DataFrame], persons: Codes) -> Codes:
    """What must not be parted when control is halved; the number of each row's unit, shape (n,).

    Rows of one person, and identical rows: parted, they would say nothing of a non-member. Not
    those that stand in `train` too, which say nothing of anybody.
    """
    train, control = (
        pd.util.hash_pandas_object(tables[name], index=False).to_numpy().astype(np.uint64)
        for name in ("train", "control")
    )
    return link(
        persons,
        twin_codes(control),
        most_rows=len(control) / 10,
        fewest_units=min(2 * MIN_ROWS, len(control)),
        common=np.isin(control, train),
    ).unit


def _persons(alike: Alike, name: str) -> Codes:
    """The number of each row's person, shape (n,)."""
    groups = pd.Series(alike.groups[name]) if name in alike.groups else None
    return group_codes(groups, len(alike.tables[name]))


def _one_row_a_person(persons: Codes, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of a random row of each person, ascending."""
    order = rng.permutation(len(persons))
    _, first = np.unique(persons[order], return_index=True)
    return np.sort(order[first])


def _refuse_shared_persons(groups: Mapping[str, NDArray[np.object_]]) -> None:
    if not {"train", "control"} <= set(groups):
        return
    n_shared = len(set(groups["train"]) & set(groups["control"]) - {None})
    if n_shared:
        raise DataError(
            f"{n_shared} persons of the group column stand in train and in control: the generator "
            f"saw them; take them out of control, or number the persons of both files apart"
        )
