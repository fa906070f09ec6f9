"""Tables in which what leaks is known, for tests of audits and their controls."""

import numpy as np
import pandas as pd

from tabveil.contracts import EvalInput
from tabveil.data.schema import infer_schema


def people(n: int, seed: int, shift: float = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(shift, 1, n), "sex": rng.choice(["f", "m"], n)})


def given(n: int = 1000, n_reference: int = 1000, **more) -> EvalInput:
    tables = {"train": people(n, 0), "control": people(n, 1), "synthetic": people(n, 2)}
    tables |= {"reference": people(n_reference, 3), **more}
    return EvalInput(**tables, schema=infer_schema(people(n, 0)), seed=0)
