"""Do the rules of real tables hold in what is drawn of them?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.relations import FixedCombination
from tabveil.data.rules.suggest import suggest
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.data.tables import read_table
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.ruled import Ruled

REAL = Path(__file__).parents[5] / "shared" / "data"
KNOWN: dict[str, Rule] = {
    "adult": FixedCombination("education", "education_num", one_to_one=True),
    "airbnb_nyc": LevelWhen("last_review", None, When("number_of_reviews", (0,))),
    "telco_pii": LevelWhen("StreamingTV", "No internet service", When("InternetService", ("No",))),
}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real tables are not here")
@pytest.mark.parametrize("name", KNOWN)
def test_what_is_suggested_of_a_real_table_holds_in_every_row(name: str) -> None:
    whole = read_table(REAL / f"{name}.csv.gz")
    schema = infer_schema(whole).modelled()
    table = whole[schema.names].head(5000)
    rules = tuple(suggested.rule for suggested in suggest(table, schema))
    synthesizer = Ruled(Marginals(), Rules(rules).learn(table, schema, seed=0))
    synthesizer.fit(table, schema, seed=0)
    rows = synthesizer.sample(3000, seed=0)
    assert len(rules) > 5
    assert KNOWN[name] in rules
    assert all(rule.holds(rows).all() for rule in rules)
