"""Tables that people bring: each kind comes back in the form in which it went in, or is refused.

Each test writes a small table by hand, draws from it, and reads what was drawn with the standard
library (Parquet: with pyarrow). What is refused is refused by the command line, with exit code 2.
"""

import datetime
import decimal
import json
import random
import sqlite3
from collections import Counter
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from as_text import differences, read_file, variation, variation_bound
from line import draw, fitted, said

from tabveil.data.tables import Place
from tabveil.errors import DataError

N = 800


def made(seed, *columns, n=N):
    """Rows of cells: each column is a function of a random generator."""
    rng = random.Random(seed)
    return [[str(column(rng)) for column in columns] for _ in range(n)]


def pick(*levels):
    return lambda rng: rng.choice(levels)


def whole(low, high):
    return lambda rng: rng.randint(low, high)


def gaps(column, share=0.12, word=""):
    return lambda rng: word if rng.random() < share else column(rng)


def day(start="2017-03-01", span=1500, form="%Y-%m-%d"):
    first = datetime.datetime.fromisoformat(start)
    return lambda rng: (first + timedelta(days=rng.randrange(span))).strftime(form)


def write_csv(path, names, rows, delimiter=",", end="\n", **how):
    lines = [delimiter.join(line) for line in [names, *rows]]
    path.write_text(end.join(lines) + end, newline="", **how)
    return path


def there_and_back(path, *, smooth=(), made_up=(), delimiter=",", encoding="utf-8", **wishes):
    """The drawn file, once it is known to have its source's form."""
    out = path.with_name("out-" + path.name)
    draw(path, out, **wishes)
    how = {"delimiter": delimiter, "encoding": encoding}
    source, drawn = read_file(path, **how), read_file(out, **how)
    assert differences(source, drawn, smooth=smooth, made_up=made_up) == []
    return {name: [c.text for c in drawn.column(i)] for i, name in enumerate(drawn.names)}


def refused(path, *words, command="prepare"):
    """What is said of a table that is refused."""
    where = [f"dataset.path={path}", "dataset=csv"] if command == "prepare" else [f"path={path}"]
    root = [f"root={path.parent / 'store'}"] if command == "prepare" else []
    code, text = said(command, *where, *root, *words)
    assert code == 2, text
    assert "Traceback" not in text
    return text


def json_rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def alike(source, drawn):
    """Whether the shares of values differ by sampling only."""
    s, d = Counter(source), Counter(drawn)
    return not d.keys() - s.keys() and variation(s, d) <= variation_bound(s, len(drawn))


# --- 01, 03, 05: codes ---------------------------------------------------------------------------


def test_codes_with_leading_zeros_are_texts(tmp_path):
    rows = made(1, pick("00412", "08540", "33101"), pick("003", "040", "118"), whole(20, 80))
    path = write_csv(tmp_path / "t.csv", ["plz", "unit", "age"], rows)
    there_and_back(path, smooth={"age"})


def test_codes_with_leading_zeros_are_texts_where_most_have_none(tmp_path):
    rows = made(2, lambda rng: f"{rng.choice([1, 7, 52, 640, 8815, 31007]):04d}", whole(20, 80))
    path = write_csv(tmp_path / "t.csv", ["code", "age"], rows)
    there_and_back(path, smooth={"age"})


LONG = (1000000000000000061, 330000000000000017, 9007199254740995, 123456789012345678)


def test_codes_of_many_digits_are_exact(tmp_path):
    rows = made(3, pick(*LONG), gaps(pick(*LONG)), whole(0, 90))
    path = write_csv(tmp_path / "t.csv", ["concept", "cause", "score"], rows)
    there_and_back(path, smooth={"score"})


def test_codes_of_many_digits_are_exact_in_json_lines(tmp_path):
    rng = random.Random(4)
    rows = [
        {"concept": rng.choice(LONG), "cause": rng.choice([*LONG, None]), "x": rng.randint(0, 9)}
        for _ in range(N)
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    draw(path, tmp_path / "o.jsonl")
    drawn = json_rows(tmp_path / "o.jsonl")
    for name in ("concept", "cause"):
        assert alike([row[name] for row in rows], [row[name] for row in drawn])
        assert {type(row[name]) for row in drawn} <= {int, type(None)}


def test_codes_that_read_as_numbers_are_texts(tmp_path):
    rows = made(5, pick("3E2", "5E1", "7E4"), pick("20E1", "2E2", "200"), whole(20, 80))
    path = write_csv(tmp_path / "t.csv", ["room", "lot", "age"], rows)
    there_and_back(path, smooth={"age"})


# --- 02, 04, 35: gaps ----------------------------------------------------------------------------


def test_words_for_missing_are_levels_beside_words(tmp_path):
    rows = made(
        *(6, pick("NA", "NA", "NL", "MX", ""), pick("None", "crawl", "full"), pick("n/a", "HR")),
        whole(900, 9000),
    )
    path = write_csv(tmp_path / "t.csv", ["country", "cellar", "dept", "pay"], rows)
    there_and_back(path, smooth={"pay"})


def test_words_for_missing_are_a_setting(tmp_path):
    rows = made(7, pick("none", "low", "high"), gaps(whole(20, 80), 0.1, "unknown"))
    path = write_csv(tmp_path / "t.csv", ["risk", "age"], rows)
    line = fitted(path, missing=["unknown"])
    assert line.prepared.train["age"].isna().any()
    assert set(line.prepared.train["risk"]) == {"none", "low", "high"}


@pytest.mark.parametrize("end", [".csv", ".jsonl", ".parquet"])
def test_whole_numbers_with_gaps_stay_whole(tmp_path, end):
    rows = made(8, *(gaps(c) for c in (whole(0, 5), pick(1, 2, 3), pick("true", "false"))))
    path = write_csv(tmp_path / "t.csv", ["kids", "stage", "vaccinated"], rows)
    out = tmp_path / f"o{end}"
    draw(path, out)
    source = read_file(path)
    if end == ".csv":
        assert differences(source, read_file(out)) == []
    elif end == ".jsonl":
        drawn = json_rows(out)
        for i, name in enumerate(source.names):
            texts = ["" if r[name] is None else json.dumps(r[name]) for r in drawn]
            assert alike([cell.text for cell in source.column(i)], texts)
    else:
        table = pq.read_table(out)
        assert [str(t) for t in table.schema.types] == ["int64", "int64", "bool"]
        assert all(0.05 < column.null_count / len(column) < 0.2 for column in table.columns)
        assert str(pd.read_parquet(out).dtypes["kids"]) == "Int64"


@pytest.mark.parametrize("word", [" ", "-", "?", "NULL", "#N/A", ""])
def test_amounts_with_a_word_for_missing_are_numbers(tmp_path, word):
    rows = made(9, lambda rng: word if rng.random() < 0.03 else f"{rng.uniform(1, 900):.2f}")
    rows = [[f"{i:04d}-PQXY", *row] for i, row in enumerate(rows)]
    path = write_csv(tmp_path / "t.csv", ["account", "total"], rows)
    line = fitted(path)
    assert line.replaced == {"account"}
    there_and_back(path, smooth={"total"}, made_up={"account"})


def test_eleven_blanks_among_thousands_of_amounts(tmp_path):
    rng = random.Random(10)
    rows = [[f"{rng.uniform(18, 9000):.2f}", rng.choice(["Yes", "No"])] for _ in range(3000)]
    for row in rng.sample(rows, 11):
        row[0] = " "
    path = write_csv(tmp_path / "t.csv", ["TotalCharges", "Churn"], rows)
    there_and_back(path, smooth={"TotalCharges"})


# --- 07: money, percent --------------------------------------------------------------------------


def test_money_and_percent_are_numbers_written_so(tmp_path):
    def bracketed(rng):
        x = rng.gauss(0, 700)
        return f"({-x:.2f})" if x < 0 else f"{x:.2f}"

    rows = made(
        11,
        lambda rng: f'"£{rng.gammavariate(2, 1500):,.2f}"',
        lambda rng: f"{rng.betavariate(2, 5) * 100:.1f}%",
        bracketed,
        lambda rng: f"{rng.gammavariate(2, 90):.2f} CHF",
    )
    path = write_csv(tmp_path / "t.csv", ["fee", "rate", "balance", "paid"], rows)
    drawn = there_and_back(path, smooth={"fee", "rate", "balance", "paid"})
    assert all(0 <= float(text[:-1]) <= 100 for text in drawn["rate"])
    fees = sorted(float(text[1:].replace(",", "")) for text in drawn["fee"])
    assert 1500 < fees[len(fees) // 2] < 3500


# --- 08, 09, 10, 10b: days -----------------------------------------------------------------------


def test_days_in_digits_are_days(tmp_path):
    form = "%Y%m%d"
    rows = made(12, day(form=form), day(form="%Y%m"), whole(20, 80))
    path = write_csv(tmp_path / "t.csv", ["dt", "period", "age"], rows)
    code, text = said("inspect", f"path={path}")
    assert code == 0
    assert "%Y%m%d" in text
    drawn = there_and_back(path, smooth={"dt", "period", "age"}, kinds={"dt": "datetime"})
    for text in drawn["dt"]:
        assert datetime.datetime.strptime(text, form).strftime(form) == text
    assert all(1 <= int(text[4:]) <= 12 for text in drawn["period"])


def test_an_open_end_stays_a_value_of_its_own(tmp_path):
    open_end = gaps(day(), 0.3, "9999-12-31")
    rows = made(13, day(), open_end, day("1599-01-01", 30_000), lambda r: f"{r.gauss(90, 9):.1f}")
    path = write_csv(tmp_path / "t.csv", ["start", "end", "baptised", "premium"], rows)
    drawn = there_and_back(path, smooth={"start", "end", "baptised", "premium"})
    ends = Counter(text[:4] for text in drawn["end"])
    assert 0.22 < ends["9999"] / len(drawn["end"]) < 0.38
    assert max(year for year in ends if year != "9999") < "2023"
    assert all("1590" < text < "1690" for text in drawn["baptised"])


def test_dates_in_other_forms_come_back_in_them(tmp_path):
    forms = {"visit": "%d-%m-%Y", "sample": "%d-%b-%Y", "month": "%Y-%m", "us": "%m/%d/%Y"}
    rows = made(14, *(day(form=form) for form in forms.values()))
    path = write_csv(tmp_path / "t.csv", list(forms), rows)
    drawn = there_and_back(path, smooth=forms)
    for name, form in forms.items():
        for text in drawn[name]:
            assert datetime.datetime.strptime(text, form).strftime(form) == text


@pytest.mark.parametrize("first", ["04-02-2019", "24-02-2019"])
def test_the_first_row_decides_nothing(tmp_path, first):
    rows = [[first, "1"], *made(15, day(form="%d-%m-%Y"), whole(0, 1))]
    path = write_csv(tmp_path / "t.csv", ["visit", "x"], rows)
    dates = fitted(path).prepared.train["visit"]
    assert {stamp.day for stamp in dates} == set(range(1, 32))


def test_a_column_of_days_and_months_that_look_alike_is_asked_for(tmp_path):
    rows = made(16, lambda r: f"{r.randint(1, 12):02d}/{r.randint(1, 12):02d}/2021", whole(0, 1))
    path = write_csv(tmp_path / "t.csv", ["visit", "x"], rows)
    text = refused(path)
    assert "%d/%m/%Y" in text
    assert "%m/%d/%Y" in text
    code, text = said("inspect", f"path={path}")
    assert code == 0
    assert "Say which" in text
    told = {"visit": {"kind": "datetime", "format": "%m/%d/%Y"}}
    there_and_back(path, smooth={"visit"}, kinds=told)


# --- 12, 33: zones, milliseconds -----------------------------------------------------------------


def moment(form, start="2021-01-01", seconds=9_000_000, step=1):
    first = datetime.datetime.fromisoformat(start)
    return lambda rng: format((first + timedelta(seconds=step * rng.randrange(seconds))), form)


def test_zones_in_parquet_come_back(tmp_path):
    rng, n = random.Random(17), N
    start = pd.Timestamp("2020-11-01", tz="America/Chicago")
    a = [start + timedelta(hours=rng.randrange(9000)) for _ in range(n)]
    b = [(x + timedelta(hours=rng.randrange(1, 99))).tz_convert("Asia/Kolkata") for x in a]
    c = [x.tz_localize(None) for x in a]
    pd.DataFrame({"seen": a, "billed": b, "bare": c}).to_parquet(tmp_path / "t.parquet")
    draw(tmp_path / "t.parquet", tmp_path / "o.parquet")
    types = pq.read_schema(tmp_path / "o.parquet").types
    assert types == pq.read_schema(tmp_path / "t.parquet").types
    table = pq.read_table(tmp_path / "o.parquet").to_pandas()
    assert (table["seen"] <= table["billed"]).all()  # the order that is found and kept


@pytest.mark.parametrize("offsets", [("+02:00",), ("+02:00", "-05:00", "+05:30"), ("Z",)])
def test_offsets_come_back(tmp_path, offsets):
    rows = made(18, lambda r: moment("%Y-%m-%dT%H:%M:%S")(r) + r.choice(offsets), whole(0, 9))
    path = write_csv(tmp_path / "t.csv", ["sent", "x"], rows)
    drawn = there_and_back(path, smooth={"sent"})["sent"]
    assert alike([row[0][19:] for row in rows], [text[19:] for text in drawn])


def test_milliseconds_padding_and_years_come_back(tmp_path):
    def milliseconds(rng):
        return moment("%Y-%m-%d %H:%M:%S")(rng) + f".{rng.randrange(1000):03d}"

    rows = made(19, milliseconds, whole(1930, 2010), lambda rng: f" {rng.randint(1, 8)}")
    path = write_csv(tmp_path / "t.csv", ["at", "year", "padded"], rows)
    there_and_back(path, smooth={"at", "year"})


# --- 14: what comes out of a spreadsheet ---------------------------------------------------------


def sheet(rng):
    return [str(rng.randint(20, 70)), f"{rng.randint(0, 16)},5", rng.choice("fm")]


def sheet_text(n=300, seed=20):
    rng = random.Random(seed)
    return "".join(";".join(sheet(rng)) + "\n" for _ in range(n))


@pytest.mark.parametrize(
    "start", ["sep=;\nage;dose;sex\n", "\ufeffage;dose;sex\n", "\ufeffsep=;\nage;dose;sex\n"]
)
def test_what_a_spreadsheet_writes_before_the_names_comes_back(tmp_path, start):
    path = tmp_path / "t.csv"
    path.write_text(start + sheet_text())
    there_and_back(path, smooth={"age", "dose"}, delimiter=";")


def test_comment_lines_above_the_names_are_passed_over_and_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("# exported 2023\n# by hand\nage;dose;sex\n" + sheet_text())
    draw(path, tmp_path / "o.csv")
    drawn = read_file(tmp_path / "o.csv", delimiter=";")
    assert drawn.header == "age;dose;sex"
    code, text = said("inspect", f"path={path}")
    assert code == 0
    assert "2 lines at the top" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age;dose;sex\nyears;mg;code\n" + sheet_text(), "second line of names"),
        ("age;dose;sex\n" + sheet_text() + "Total;;\n", "last line"),
        ("age;dose;sex\n" + sheet_text().replace("\n", ";\n"), "ends with a delimiter"),
    ],
)
def test_lines_that_are_no_rows_are_refused(tmp_path, text, words):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert words in refused(path)


def test_a_delimiter_at_the_end_of_every_line_comes_back(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(("age;dose;sex\n" + sheet_text()).replace("\n", ";\n"))
    there_and_back(path, smooth={"age", "dose"}, delimiter=";")


def test_blanks_behind_the_delimiter_come_back(tmp_path):
    text = ("age;dose;sex\n" + sheet_text()).replace(",", ".").replace(";", ", ")
    path = tmp_path / "t.csv"
    path.write_text(text)
    there_and_back(path, smooth={"age", "dose"})


# --- 16: data frames in Parquet ------------------------------------------------------------------


def frame(n=300):
    rng = random.Random(21)
    ages, sexes = [rng.randint(18, 80) for _ in range(n)], [rng.choice("fm") for _ in range(n)]
    return pd.DataFrame({"age": ages, "sex": sexes})


def in_kind(tmp_path, table):
    """The drawn table, once its types are known to be its source's."""
    path, out = tmp_path / "t.parquet", tmp_path / "o.parquet"
    table.to_parquet(path) if isinstance(table, pd.DataFrame) else pq.write_table(table, path)
    draw(path, out)
    drawn = pq.read_table(out)
    types = {f.name: f.type for f in pq.read_schema(path)}
    assert {f.name: f.type for f in drawn.schema} == types
    return drawn


def test_types_of_parquet_come_back(tmp_path):
    rng, table = random.Random(22), pa.Table.from_pandas(frame())
    n = table.num_rows
    columns = {
        "fee": pa.array([decimal.Decimal(rng.randint(99, 9999)) / 100 for _ in range(n)]),
        "wait": pa.array([rng.randrange(9999) for _ in range(n)], pa.duration("s")),
        "at": pa.array([datetime.time(rng.randrange(24), 30) for _ in range(n)]),
        "kids": pa.array([rng.choice([0, 1, 2, None]) for _ in range(n)], pa.int8()),
        "flag": pa.array([rng.choice([True, False, None]) for _ in range(n)]),
        "kind": pa.array([rng.choice("abc") for _ in range(n)]).dictionary_encode(),
        "day": pa.array([datetime.date(2020, rng.randint(1, 12), 5) for _ in range(n)]),
        "small": pa.array([round(rng.random(), 2) for _ in range(n)], pa.float32()),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    drawn = in_kind(tmp_path, table).to_pydict()
    assert {time.minute for time in drawn["at"]} == {30}
    assert {None, 0, 1, 2} == set(drawn["kids"])
    assert min(drawn["fee"]) > 0


def test_an_index_without_a_name_is_passed_over(tmp_path):
    table = frame()
    table.index = pd.Index(range(5, 305))
    table = table.sample(frac=1, random_state=0)
    table.to_parquet(tmp_path / "t.parquet")
    draw(tmp_path / "t.parquet", tmp_path / "o.parquet")
    assert pq.read_schema(tmp_path / "o.parquet").names == ["age", "sex"]


def test_frames_that_are_no_table_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    clash = frame()
    clash.index = pd.Index(reversed(range(300)), name="age")
    levels = frame()
    levels.columns = pd.MultiIndex.from_tuples([("who", "age"), ("who", "sex")])
    period = frame().assign(month=pd.period_range("2001-01", periods=300, freq="M"))
    nested = frame().assign(codes=[[1, 2]] * 300)
    for table, words in (
        (clash, "both named 'age'"),
        (levels, "2 levels"),
        (period, "'month'"),
        (nested, "'codes'"),
    ):
        table.to_parquet(path)
        for command in ("inspect", "prepare"):
            assert words in refused(path, command=command)


# --- 21, 22, 25b, 27, 29 -------------------------------------------------------------------------


def test_a_target_of_one_class_is_refused_before_training(tmp_path):
    path = write_csv(tmp_path / "t.csv", ["x", "same"], made(23, whole(0, 99), pick("one")))
    assert "same" in refused(path, "dataset.target=same")


def test_levels_that_yaml_reads_otherwise_are_levels(tmp_path):
    columns = (pick("NO", "SE"), pick("on", "off"), pick("1.10", "1.1", "2.0b"), pick("1_000", "1"))
    names = ["country", "switch", "version", "word"]
    rows = made(24, *columns)
    path = write_csv(tmp_path / "t.csv", names, rows)
    there_and_back(path)
    generator = fitted(path).generator
    for i, name in enumerate(names):
        level = rows[0][i]
        drawn = generator.sample(20, seed=0, where={name: [level]})
        assert set(drawn[name].astype(str)) == {level}


def test_forty_levels_of_twenty_rows_keep_their_shares(tmp_path):
    rows = made(25, lambda r: f"W{r.randrange(40):02d}", lambda r: f"B{r.randrange(9)}", n=1000)
    path = write_csv(tmp_path / "t.csv", ["ward", "bed"], rows)
    there_and_back(path)


def test_the_same_rows_give_the_same_values_from_any_file(tmp_path):
    rows = made(26, pick("NA", "ZA"), pick("01234", "94110"), whole(0, 4), pick("True", "False"))
    names = ["country", "zip", "kids", "flag"]
    write_csv(tmp_path / "t.csv", names, rows)
    columns = list(zip(*rows, strict=True))
    typed = [list(columns[0]), list(columns[1]), [int(x) for x in columns[2]]]
    table = pa.table(dict(zip(names, [*typed, [x == "True" for x in columns[3]]], strict=True)))
    pq.write_table(table, tmp_path / "t.parquet")
    first, second = (Place(tmp_path / f"t.{end}").open().table for end in ("csv", "parquet"))
    pd.testing.assert_frame_equal(first, second)


def test_a_database_comes_back_exactly(tmp_path):
    rng, path = random.Random(27), tmp_path / "t.db"
    types = "snomed bigint, zip varchar(5), country char(2), kids integer, active boolean, "
    types += "fee decimal(9,2), at time"
    rows = [
        (
            rng.choice([*LONG[:2], None]),
            rng.choice(["00501", "94110"]),
            rng.choice(["NA", "ZA"]),
            rng.choice([0, 1, 2, None]),
            rng.choice([0, 1, None]),
            round(rng.gammavariate(2, 40), 2),
            f"{rng.randrange(24):02d}:{rng.choice([0, 15, 30]):02d}:00",
        )
        for _ in range(N)
    ]
    with sqlite3.connect(path) as database:
        database.execute(f"create table visits ({types})")
        database.executemany("insert into visits values (?,?,?,?,?,?,?)", rows)
    database.close()
    names = [part.split()[0] for part in types.split(", ")]
    place = Place(url=f"sqlite:///{path}", query="visits")
    draw(place, tmp_path / "o.csv")
    spelled = [[_sql(value, i) for i, value in enumerate(row)] for row in rows]
    source = write_csv(tmp_path / "source.csv", names, spelled)
    drawn = read_file(tmp_path / "o.csv")
    assert differences(read_file(source), drawn, smooth={"fee", "at"}) == []


def _sql(value, i):
    if value is None:
        return ""
    if i == 4:
        return "true" if value else "false"
    return f"{value:.2f}" if i == 5 else str(value)


# --- without a file ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a=b.csv", "a,b.csv", "a#b.csv", "a'b.csv", "a$b.csv", "a b.csv"])
def test_a_path_with_a_mark_is_read_or_said(tmp_path, name):
    path = write_csv(tmp_path / name, ["age", "sex"], made(28, whole(20, 60), pick("f", "m")))
    code, text = said("inspect", f"path={path}")
    assert code == 0 or (code == 2 and "quote" in text), text


def test_what_is_not_of_its_kind_is_refused(tmp_path):
    path = write_csv(tmp_path / "t.csv", ["age", "name"], made(29, whole(20, 60), pick("u", "v")))
    with pytest.raises(DataError, match="'name' is to be numeric"):
        fitted(path, kinds={"name": "numeric"})
    assert "'name' is to be numeric" in refused(path, "dataset.kinds={name: numeric}")


@pytest.mark.parametrize(
    ("reading", "is_thousands"), [("1,234,567", True), ("1,234", False), ("1.234,5", False)]
)
def test_marks_that_may_be_of_thousands_or_of_decimals_are_asked_for(
    tmp_path, reading, is_thousands
):
    rows = made(30, lambda r: f"{r.randint(1, 99)},{r.randrange(1000):03d}", pick("1,5", "2.5"))
    rows = [[f'"{a}"', f'"{b}"'] for a, b in rows]
    path = write_csv(tmp_path / "t.csv", ["amount", "other"], rows)
    text = refused(path)
    assert "1,234,567 or 1,234" in text
    told = {"amount": {"kind": "numeric", "format": reading}}
    amounts = fitted(path, kinds=told).prepared.train["amount"]
    assert (amounts.max() > 1000) == is_thousands
    there_and_back(path, smooth={"amount"}, kinds=told)


@pytest.mark.parametrize("pad", [" {}", "{} ", "{:>12}", "{:<12}"])
def test_cells_with_blanks_around_them_keep_them(tmp_path, pad):
    columns = {
        "code": pick("007", "012", "130"),
        "amount": lambda r: f"{r.uniform(-20, 900):.2f}",
        "day": day(),
        "at": lambda r: f"{r.randrange(24):02d}:{r.randrange(60):02d}",
        "long": pick(*LONG[:2]),
        "word": pick("yes", "no"),
    }
    rows = [["1", *(pad.format(cell) for cell in row)] for row in made(31, *columns.values())]
    path = write_csv(tmp_path / "t.csv", ["id", *columns], rows, delimiter=";")
    there_and_back(path, smooth={"amount", "day", "at"}, delimiter=";")


def test_thousands_are_told_from_decimals_where_none_of_many_ends_in_a_zero(tmp_path):
    rows = made(32, lambda r: f'"{r.randrange(90_000):,}"', pick('"1,5"', '"2,5"', '"3,0"'))
    path = write_csv(tmp_path / "t.csv", ["amount", "dose"], rows)
    there_and_back(path, smooth={"amount", "dose"})
    assert fitted(path).prepared.train["amount"].max() > 10_000


def test_decimals_of_three_places_stay_decimals(tmp_path):
    rows = made(33, lambda r: f"{r.uniform(0, 9):.3f}", lambda r: f"{r.uniform(0, 90):.3f}")
    path = write_csv(tmp_path / "t.csv", ["small", "large"], rows)
    there_and_back(path, smooth={"small", "large"})
    assert fitted(path).prepared.train.max().max() < 100
