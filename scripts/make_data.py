"""Which tables does the project ship, and how are they made?

From the RAND Health Insurance Experiment (1974-1982), the full file of which lies in the
statsmodels package (public domain; 20,190 person-years, 45 columns), this makes

    data/randhie.parquet        5,912 rows: one row a person, their first year in the experiment
    data/randhie_years.parquet  20,190 rows: one row a person and year; `person` is the group

    column                 source    what it says
    person                 zper      person number (randhie_years only)
    year                   year      year of the experiment, 1 to 5 (randhie_years only)
    age                    xage      whole years
    sex                    female    female, male
    race                   black     black, other
    education_years        educdec   schooling of the family's decision maker, whole years
    family_size            num       persons
    income                 income    of the family, whole dollars, corrected for inflation
    site                   site      S1 to S6: the six places of the experiment, which the file
                                     numbers and does not name
    coinsurance_percent    coins     part of a bill that the family pays: 0, 25, 50, 95, 100
    individual_deductible  idp       whether the plan had a deductible for each person
    self_rated_health      hlthg/f/p excellent, good, fair, poor
    physical_limitation    physlm    yes, no (at the start)
    chronic_diseases       disea     how many of the listed chronic diseases (at the start)
    mental_health_index    mhi       0 to 100, higher is better (at the start)
    general_health_index   ghindx    0 to 100, higher is better (at the start)
    doctor_visits          mdvis     face-to-face visits in the year
    psychotherapy_visits   mentvis   visits in the year
    hospital_admissions    totadm    in the year
    outpatient_spending    outpdol   dollars in the year, without drugs and psychotherapy
    drug_spending          drugdol   dollars in the year
    inpatient_spending     inpdol    dollars in the year

Missing values. The source replaced them by averages of the site, and these are undone, because an
average is nobody's value: a race or a limitation strictly between 0 and 1; an education, a
mental-health index or a disease score with more decimals than the questionnaire can give; and in
each site the one income that many families share to the tenth of a cent (it lies within 2 % of
the mean of the others). `general_health_index` is taken before imputation.

`chronic_diseases` undoes a second step of the source, which stores 100 times the share of the
listed diseases: 29 are listed, but 23 in site 1.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_HEALTH = {"hlthg": "good", "hlthf": "fair", "hlthp": "poor"}  # none of them: excellent
_WHOLE = {
    "doctor_visits": "mdvis",
    "psychotherapy_visits": "mentvis",
    "hospital_admissions": "totadm",
    "outpatient_spending": "outpdol",
    "drug_spending": "drugdol",
    "inpatient_spending": "inpdol",
}


def read_source() -> pd.DataFrame:
    """Read the full file, shape (20190, 45), without importing statsmodels."""
    package = importlib.util.find_spec("statsmodels")
    if package is None or package.origin is None:
        raise SystemExit("statsmodels is not installed; its wheel holds the source file")
    file = Path(package.origin).parent / "datasets" / "randhie" / "src" / "randhie.csv"
    return pd.read_csv(file, float_precision="round_trip").sort_values(
        ["zper", "year"], ignore_index=True
    )


def person_years(source: pd.DataFrame) -> pd.DataFrame:
    """Recode the source to `randhie_years`, shape (20190, 22)."""
    listed = np.where(source["site"] == 1, 23, 29)
    coded = {
        "person": source["zper"],
        "year": source["year"],
        "age": np.floor(source["xage"]).astype(int),
        "sex": source["female"].map({1: "female", 0: "male"}),
        "race": source["black"].map({1: "black", 0: "other"}),
        "education_years": _answered(source["educdec"]).round(),
        "family_size": source["num"],
        "income": _own_income(source).round(),
        "site": "S" + source["site"].astype(str),
        "coinsurance_percent": source["coins"],
        "individual_deductible": source["idp"].astype(bool),
        "self_rated_health": _health(source),
        "physical_limitation": source["physlm"].map({1: "yes", 0: "no"}),
        "chronic_diseases": (_answered(source["disea"]) / 100 * listed).round(),
        "mental_health_index": _answered(source["mhi"]),
        "general_health_index": source["ghindx"],
    }
    whole = {name: source[column].round().astype(int) for name, column in _WHOLE.items()}
    return pd.DataFrame({**coded, **whole})


def first_years(years: pd.DataFrame) -> pd.DataFrame:
    """Reduce `randhie_years` to `randhie`, shape (5912, 20): each person's first year."""
    first = years.drop_duplicates("person", keep="first")
    return first.drop(columns=["person", "year"]).reset_index(drop=True)


def main() -> None:
    """Write both tables into `data/`, beside this folder."""
    folder = Path(__file__).resolve().parents[1] / "data"
    folder.mkdir(exist_ok=True)
    years = person_years(read_source())
    for name, table in {"randhie": first_years(years), "randhie_years": years}.items():
        path = folder / f"{name}.parquet"
        table.to_parquet(path, index=False, compression="zstd")
        print(f"{path.name}: {table.shape[0]} rows, {table.shape[1]} columns")


def _answered(values: pd.Series[Any]) -> pd.Series[Any]:
    """Keep what has at most one decimal; the rest are averages put in for missing answers."""
    return values.round(1).where((values - values.round(1)).abs() < 1e-6)


def _own_income(source: pd.DataFrame) -> pd.Series[Any]:
    """Incomes, missing where the source put the site's mean: the site's commonest above 1."""
    income = source["income"].where(source["income"] > 1)
    commonest = income.groupby(source["site"]).transform(lambda values: values.mode().iloc[0])
    return source["income"].mask(income == commonest)


def _health(source: pd.DataFrame) -> pd.Series[Any]:
    health = pd.Series("excellent", index=source.index)
    for column, level in _HEALTH.items():
        health = health.mask(source[column] == 1, level)
    return health


if __name__ == "__main__":
    main()
