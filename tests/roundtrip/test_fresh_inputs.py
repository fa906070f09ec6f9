"""Thirty inputs of the same kinds as the zoo's, written after it was thought done.

How many failed at first stands in the note of the issue; each that did was mended as a kind.
"""

import random
import re
from datetime import datetime, timedelta

import pytest
from as_text import differences, read_file
from line import draw

N = 700
START = datetime(2017, 3, 1)


def swiss(rng):
    return f"{rng.uniform(0, 30_000):,.2f}".replace(",", "'")


def sap(rng):
    return f"{rng.randint(1, 900)}{rng.choice(['-', ''])}"


def null_words(rng):
    return rng.choice([*(str(rng.randint(1, 90)) for _ in range(8)), "NULL", "\\N"])


def unknown(rng):
    return "unknown" if rng.random() < 0.1 else str(rng.randint(18, 80))


def moment(pattern, days=1400):
    def make(rng):
        seconds = rng.randrange(days * 86_400)
        return (START + timedelta(seconds=seconds)).strftime(pattern)

    return make


def iso_week(rng):
    year, week, _ = (START + timedelta(days=rng.randrange(1400))).isocalendar()
    return f"{year}-W{week:02d}"


def unix_ms(rng):
    return str(1_500_000_000_000 + rng.randrange(10**11))


def phone_like(rng):
    return f"49{rng.choice([30, 89, 40])}{rng.randrange(10**6, 10**7)}"


def ean(rng):
    digits = f"40{rng.randrange(10**10):010d}"
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return f"{digits}{-total % 10}"


def some_eans(rng):
    return rng.choice(EANS)


EANS = [ean(random.Random(i)) for i in range(12)]
ICD = ("E11.9", "I10", "J45.0", "E10", "I25.1", "C50")
VERSIONS = ("1.9", "1.10", "2.0", "2.1", "10.0")
HASHES = ("12e45678", "98765432", "00000e12", "1234e567")


def pick(*levels):
    return lambda rng: rng.choice(levels)


def no_date(rng):
    return "0000-00-00" if rng.random() < 0.2 else moment("%Y-%m-%d")(rng)


def summer_time(rng):
    from zoneinfo import ZoneInfo

    utc = datetime.fromisoformat("2021-01-01T00:00:00+00:00")
    local = (utc + timedelta(hours=rng.randrange(9000))).astimezone(ZoneInfo("Europe/Paris"))
    return local.isoformat()


def r_text(rng):
    return rng.choice(['"NA"', "NA", '"BW"', '"ZA"'])


def german(rng):
    return f"{rng.uniform(-5000, 90_000):,.2f}".translate(str.maketrans(",.", ".,"))


def percent(rng):
    return f"{rng.randint(0, 100)}%"


def empty_or_missing(rng):
    return rng.choice(['""', "", "red", "blue"])


def look_alikes(rng):
    return rng.choice(["North", "north", "North ", "NORTH"])


WORDS = ["the", "patient", "came", "in", "on", "a", "cold", "day", "with", "pain", "and", "left"]


def long_text(rng):
    return " ".join(rng.choice(WORDS) for _ in range(400))


def with_seconds(rng):
    at = START + timedelta(seconds=rng.randrange(10**8))
    return f"{at.month}/{at.day}/{at.year} {at.hour}:{at:%M:%S}"


def fraction(rng):
    at = START + timedelta(microseconds=rng.randrange(10**14))
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def scientific(rng):
    return f"{10 ** rng.uniform(-9, -3):.3E}"


def indian(rng):
    x = rng.randrange(1000, 10**7)
    whole = str(x)
    head, tail = whole[:-3], whole[-3:]
    parts = re.findall(r"\d{1,2}(?=(?:\d{2})*$)", head)
    return ",".join([*parts, tail])


def censored(rng):
    return "<0.5" if rng.random() < 0.15 else f"{rng.uniform(0.5, 20):.1f}"


def duration(rng):
    return f"{rng.randrange(0, 9)}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"


def plus(rng):
    x = rng.randint(-50, 50)
    return f"{x:+d}"


def ratio(rng):
    return f"{rng.randint(90, 180)}/{rng.randint(50, 99)}"


def grade(rng):
    return rng.choice(["1", "2", "3", "4", "5+"])


def zeros(rng):
    return f"{rng.choice([0, 0, 1, 2, 5]):.1f}"


def year_quarter(rng):
    return f"{rng.randint(2010, 2020)}Q{rng.randint(1, 4)}"


def excel_day(rng):
    return str(rng.randint(42_000, 44_500))


INPUTS = {
    # name: (cells, other delimiter, smooth, made up)
    "Swiss numbers": (swiss, ";", True, False),
    "SAP's minus": (sap, ",", True, False),
    "NULL and \\N": (null_words, "\t", True, False),
    "unknown beside numbers": (unknown, ",", True, False),
    "dd.mm.yy": (moment("%d.%m.%y"), ";", True, False),
    "two-digit years first": (moment("%y%m%d"), ",", True, False),
    "AM and PM": (moment("%d/%m/%Y %I:%M %p"), ",", True, False),
    "ISO weeks": (iso_week, ",", False, True),
    "Unix milliseconds": (unix_ms, ",", True, False),
    "phone-like numbers": (phone_like, ",", False, True),
    "EANs": (ean, ",", False, True),
    "some EANs": (some_eans, ",", False, False),
    "diagnoses": (pick(*ICD), ",", False, False),
    "versions": (pick(*VERSIONS), ",", False, False),
    "addresses": (pick("10.0.0.1", "10.0.0.12", "192.168.1.1"), ",", False, False),
    "hashes like floats": (pick(*HASHES), ",", False, False),
    "no dates": (no_date, ",", True, False),
    "summer time": (summer_time, ",", True, False),
    "R's NA": (r_text, ",", False, False),
    "German numbers": (german, ";", True, False),
    "percent": (percent, ",", True, False),
    "ja and nein": (pick("ja", "nein", ""), ";", False, False),
    "empty or missing": (empty_or_missing, ",", False, False),
    "look-alikes": (look_alikes, ",", False, False),
    "TRUE, true and True": (pick("TRUE", "true", "True", "false"), ",", False, False),
    "bare dates with seconds": (with_seconds, ",", True, False),
    "microseconds": (fraction, ",", True, False),
    "scientific": (scientific, ",", True, False),
    "Indian groups": (lambda r: f'"{indian(r)}"', ",", True, False),
    "censored": (censored, ",", True, False),
    "durations of a digit": (duration, ",", True, False),
    "signs of plus": (plus, ",", True, False),
    "blood pressure": (ratio, ",", False, True),
    "an open level": (grade, ",", False, False),
    "decimals that are all zero": (zeros, ",", False, False),
    "quarters": (year_quarter, ",", False, False),
    "days of a spreadsheet": (excel_day, ",", True, False),
}


@pytest.mark.parametrize("name", INPUTS)
def test_fresh_inputs_come_back(tmp_path, name):
    make, delimiter, smooth, made_up = INPUTS[name]
    rng = random.Random(name)
    rows = [f"{make(rng)}{delimiter}{rng.randint(100, 999)}\n" for _ in range(N)]
    path, out = tmp_path / "t.csv", tmp_path / "o.csv"
    path.write_text(f"value{delimiter}x\n" + "".join(rows))
    line = draw(path, out, n=1000)
    source, drawn = read_file(path, delimiter=delimiter), read_file(out, delimiter=delimiter)
    told = differences(
        source,
        drawn,
        smooth={"x", *(["value"] if smooth else [])},
        made_up={"value"} if made_up else (),
    )
    assert told == []
    assert made_up or not line.replaced


def test_long_texts_are_left_out_and_told(tmp_path):
    rng = random.Random(0)
    path, out = tmp_path / "t.csv", tmp_path / "o.csv"
    path.write_text("note,x\n" + "".join(f"{long_text(rng)},{i % 7}\n" for i in range(N)))
    line = draw(path, out)
    assert line.replaced == {"note"}
    assert read_file(out).header == "x"


@pytest.mark.parametrize("pattern", ["%y%m%d", "%d%m%Y", "%d%m%y", "%G-W%V"])
def test_every_drawn_day_exists(tmp_path, pattern):
    make, rng = moment(pattern), random.Random(pattern)
    path, out = tmp_path / "t.csv", tmp_path / "o.csv"
    path.write_text("day,x\n" + "".join(f"{make(rng)},{i % 90}\n" for i in range(N)))
    draw(path, out)
    more = "-%u" if "%V" in pattern else ""
    for cell in read_file(out).column(0):
        day = datetime.strptime(cell.text + more.replace("%u", "1"), pattern + more)
        assert day.strftime(pattern) == cell.text


def test_codes_of_districts_in_six_digits_are_no_days(tmp_path):
    codes = [f"1101{i:02d}" for i in (1, 2, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19)]
    rng = random.Random(1)
    path, out = tmp_path / "t.csv", tmp_path / "o.csv"
    path.write_text("code,x\n" + "".join(f"{rng.choice(codes)},{i % 90}\n" for i in range(N)))
    draw(path, out)
    assert {cell.text for cell in read_file(out).column(0)} <= set(codes)
