"""`tabveil audit` as a person types it: known answers, exit codes, every way to get it wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, tabveil
from tabveil.cli import main

GOLDEN = ROOT.parent / "shared" / "golden"
N = 1500


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "income": np.exp(9 + 0.6 * wealth).round(2),
            "visits": rng.poisson(np.where(wealth > 0, 1, 5)),
            "city": rng.choice(["Ulm", "São Paulo", "日本"], n, p=[0.6, 0.3, 0.1]),
            "smoker": rng.random(n) < 0.3,
        }
    )


@pytest.fixture
def files(tmp_path):
    """Write tables to CSV files; what is not given is as it should be."""

    def write(n=N, **given):
        words = []
        made = {name: people(n, i) for i, name in enumerate(("train", "control", "reference"))}
        made |= {"synthetic": people(n, 9), **given}
        for name, table in made.items():
            if table is not None:
                table.to_csv(tmp_path / f"{name}.csv", index=False)
                words.append(f"{name}={tmp_path / name}.csv")
        return [*words, f"out={tmp_path / 'out'}", "evaluation=quick"]

    return write


def scores(tmp_path):
    return json.loads((tmp_path / "out" / "scores.json").read_text("utf-8"))


def audit(words, code, capsys):
    """Run it in this process; return what it said."""
    assert main(["audit", *words]) == code
    return capsys.readouterr()


def refused(words, capsys, tmp_path):
    """Run what must be refused; return its one line."""
    said = audit(words, 2, capsys)
    assert said.err.startswith("tabveil: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
    return said.err


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden tables are not here")
@pytest.mark.parametrize(
    ("table", "code", "verdict"),
    [
        ("safe_fresh", 0, "nothing shown"),
        ("leak_copy10", 3, "leak shown"),
        ("leak_noise100", 3, "leak shown"),
    ],
)
def test_the_golden_tables_get_their_known_answers(tmp_path, table, code, verdict):
    given = {name: GOLDEN / f"{name}.csv.gz" for name in ("train", "control", "reference")}
    words = [f"{k}={v}" for k, v in {**given, "synthetic": GOLDEN / f"{table}.csv.gz"}.items()]
    sensitive = "dataset.sensitive=[income,marital]"
    done = tabveil("audit", *words, sensitive, "evaluation=quick", f"out={tmp_path / 'out'}")
    assert done.returncode == code, done.stdout + done.stderr
    found = scores(tmp_path)
    assert found["verdict"] == verdict
    assert verdict.capitalize() in done.stdout
    seen = {one["name"].partition("_")[0] for one in found["controls"] if one["seen"]}
    assert {"copies", "outliers", "near", "disguised"} <= seen


def test_fresh_rows_show_nothing_and_every_score_has_an_interval(files, tmp_path, capsys):
    said = audit([*files(), "dataset.sensitive=[smoker]"], 0, capsys).out
    assert "Nothing shown: 1500 synthetic rows" in said
    found = scores(tmp_path)
    assert {"privacy/learnt/auc"} <= set(found["scores"])
    assert all(one["low"] <= one["value"] <= one["high"] for one in found["scores"].values())
    assert found["risk"]["low"] == 0 < found["risk"]["high"]
    assert found["failed"] == []
    seen = {one["name"]: one["seen"] for one in found["controls"]}
    assert {name for name, was in seen.items() if not name.startswith(("near", "dis")) and was} == {
        "copies_1pct",
        "outliers_1pct",
    }
    assert {"near_1pct", "disguised_1pct", "fresh", "blind"} <= set(seen)
    assert "near-copies of training rows" in said.partition("Of leaks planted in it were seen")[2]
    assert found["tables"]["train"]["rows"] == N
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "scores.json", "roc.svg", "roc.png", "risk.svg", "risk.png",
    }  # fmt: skip
    assert str(float(people(N, 0)["income"][0])) not in (tmp_path / "out/scores.json").read_text()


def test_a_replay_is_a_leak(files, tmp_path, capsys):
    said = audit(files(synthetic=people(N, 0)), 3, capsys).out
    assert "Leak shown" in said
    assert scores(tmp_path)["risk"]["low"] > 0.5


def test_one_tenth_of_copies_is_a_leak_though_the_file_is_written_otherwise(
    files, tmp_path, capsys
):
    table = people(N, 9)
    table.iloc[:150] = people(N, 0).iloc[:150]
    table["age"] = table["age"].astype(float)
    table["smoker"] = table["smoker"].astype(int)
    audit(files(synthetic=table[sorted(table.columns)].sample(frac=1, random_state=0)), 3, capsys)
    assert scores(tmp_path)["risk"]["low"] > 0.05


def test_without_a_reference_half_of_control_plays_it(files, tmp_path, capsys):
    said = audit(files(reference=None), 0, capsys).out
    assert "half of control (750 rows) plays what the attacker knows" in said
    assert "half of control" in scores(tmp_path)["notes"][0]


def test_rows_of_one_person_count_once(files, tmp_path, capsys):
    twice = {
        name: pd.concat([people(N, i)] * 2).assign(person=[*range(i * N, (i + 1) * N)] * 2)
        for i, name in enumerate(("train", "control"))
    }
    said = audit([*files(**twice), "dataset.group=person"], 0, capsys).out
    assert "train: one row of each of 1500 persons" in said


def test_the_same_seed_gives_the_same_scores_in_any_order_of_rows(files, tmp_path, capsys):
    words = [*files(), "evaluation.plots=false", "attack=[copies,distance,learnt]"]
    audit(words, 0, capsys)
    first = scores(tmp_path)
    shuffled = files(train=people(N, 0).sample(frac=1, random_state=1))
    audit([*shuffled, *words[-2:]], 0, capsys)
    second = scores(tmp_path)
    del first["tables"], second["tables"]  # digests tell the order of rows apart
    assert first == second


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": 30, "control": 30, "reference": 30}, "unseen"),
        ({"synthetic": 1}, "synthetic has 1 rows"),
        ({"control": 12}, "control has 12 rows"),
        ({"train": 5}, "train has 5 rows"),
        ({"reference": 3}, "reference has 3 rows"),
    ],
    ids=["30 rows", "one synthetic row", "12 control rows", "5 train rows", "3 reference rows"],
)
def test_from_few_rows_it_cannot_tell(files, tmp_path, capsys, change, said):
    seeds = {"train": 0, "control": 1, "reference": 2, "synthetic": 9}
    made = {name: people(n, seeds[name]) for name, n in change.items()}
    out = audit(files(**made), 4, capsys).out
    assert "Cannot tell" in out
    assert said in out
    assert scores(tmp_path)["verdict"] == "cannot tell"


def test_control_rows_that_are_training_rows_in_another_order_cannot_tell(files, tmp_path, capsys):
    mixed = people(N, 0).sample(frac=1, random_state=1)
    assert "Cannot tell" in audit(files(control=mixed), 4, capsys).out


def test_a_reference_that_holds_the_training_rows_cannot_tell(files, capsys):
    mixed = people(N, 0).sample(frac=1, random_state=1)
    assert "train and reference overlap" in audit(files(reference=mixed), 4, capsys).out


def test_a_synthetic_table_made_of_control_cannot_tell(files, tmp_path, capsys):
    out = audit(files(synthetic=people(N, 1)), 4, capsys).out
    assert "are train and control swapped?" in out


def test_swapped_files_cannot_tell_without_a_reference_either(files, capsys):
    words = files(synthetic=people(N, 1).iloc[:750], reference=None)
    out = audit(words, 4, capsys).out
    assert "are train and control swapped?\n" in out


def test_identifiers_of_real_people_are_a_leak_whatever_the_attacks_say(files, tmp_path, capsys):
    def named(seed, rows):
        return people(N, rows).assign(ssn=[f"{seed}-{i:04}" for i in range(N)])

    made = {name: named(i, i) for i, name in enumerate(("train", "control", "reference"))}
    words = [*files(**made, synthetic=named(0, 9)), "attack=[copies,distance,learnt]"]
    out = audit(words, 3, capsys).out
    assert "Leak shown" in out
    found = scores(tmp_path)
    assert "100.0% of the values of column 'ssn' in train" in found["reason"]
    assert found["identifiers"][0]["leak_shown"]


def test_files_that_hold_one_distinct_row_say_so(files, tmp_path, capsys):
    one = pd.DataFrame({"a": [1] * N, "b": ["x"] * N})
    said = refused(files(train=one, control=one, synthetic=one, reference=None), capsys, tmp_path)
    assert "are one and the same row" in said


def test_rows_that_train_and_control_share_are_no_leak(files, tmp_path, capsys):
    control = pd.concat([people(700, 1), people(N, 0).iloc[:800]])
    assert main(["audit", *files(control=control)]) in (0, 4)  # half as many can be asked about
    assert scores(tmp_path)["risk"]["low"] == 0


def test_a_control_from_elsewhere_cannot_tell(files, tmp_path, capsys):
    other = people(4 * N, 5)
    other = other[other["city"] == "Ulm"].head(N)
    found = main(["audit", *files(control=other)])
    capsys.readouterr()
    assert found == 4
    assert "differ by themselves" in scores(tmp_path)["reason"]


def test_columns_without_any_secret_cannot_tell(files, tmp_path, capsys):
    """Constants and a coin: copies look like anybody, so that a planted leak stays unseen."""

    def coins(seed):
        rows = pd.DataFrame({"one": 1, "text": "same"}, index=range(N))
        return rows.assign(coin=np.random.default_rng(seed).choice(["a", "b"], N))

    made = {name: coins(i) for i, name in enumerate(("train", "control", "reference", "synthetic"))}
    assert "Cannot tell" in audit(files(**made), 4, capsys).out


def test_a_column_that_is_missing_everywhere_is_no_obstacle(files, capsys):
    tables = {name: people(N, i) for i, name in enumerate(("train", "control", "reference"))}
    made = {
        name: t.assign(nothing=np.nan) for name, t in {**tables, "synthetic": people(N, 9)}.items()
    }
    assert "Nothing shown" in audit(files(**made), 0, capsys).out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"synthetic": {"income": "?"}}, "synthetic: column 'income' (numeric) holds no value"),
        ({"synthetic": {"income": "much"}}, "column 'income' is to be numeric, but 1500 of its"),
        ({"synthetic": {"city": "Rome"}}, "synthetic: column 'city' (categorical) holds nothing"),
        ({"synthetic": {"city": None}}, "synthetic: column 'city' (categorical) holds no value"),
        ({"control": {"income": np.nan}}, "control: column 'income' (numeric) holds no value"),
        ({"synthetic": {"extra": "x"}}, "synthetic has the columns ['extra']"),
        ({"train": {"income": np.inf}}, "column 'income' is to be numeric, but 1500 of its 1500"),
        ({"synthetic": {"income": -np.inf}}, "column 'income' is to be numeric, but 1500 of its"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_tables_that_cannot_be_compared(files, tmp_path, capsys, change, said):
    seeds = {"train": 0, "control": 1, "synthetic": 9}
    made = {name: people(N, seeds[name]).assign(**columns) for name, columns in change.items()}
    assert said in refused(files(**made), capsys, tmp_path)


def test_two_workers_find_what_one_finds(files, tmp_path, capsys):
    """Each table is attacked wherever there is room; only how long it took may differ."""
    table = pd.concat([people(N, 9).iloc[100:], people(N, 0).head(100)])

    def found(*more):
        audit([*files(synthetic=table), "evaluation.plots=false", *more], 3, capsys)
        told = scores(tmp_path)
        return {key: value for key, value in told.items() if "seconds" not in key}

    alone = found()
    kinds = {one["name"].partition("_")[0] for one in alone["controls"]}
    assert kinds == {"copies", "outliers", "near", "disguised", "fresh", "blind"}
    assert found("executor=process", "executor.n_workers=2") == alone


def test_a_lacking_column(files, tmp_path, capsys):
    words = files(synthetic=people(N, 9).drop(columns="age"))
    assert "synthetic lacks the columns ['age']" in refused(words, capsys, tmp_path)
    audit([*words, "dataset.kinds={age: identifier}"], 0, capsys)


@pytest.mark.parametrize("content", ["", "age,income\n", "age,income\n1,2,3\n"])
def test_a_file_that_is_no_table(files, tmp_path, capsys, content):
    words = files()
    (tmp_path / "synthetic.csv").write_text(content)
    assert "synthetic.csv" in refused(words, capsys, tmp_path)


def test_the_same_file_twice(files, tmp_path, capsys):
    words = [f"control={tmp_path}/train.csv" if w.startswith("control") else w for w in files()]
    assert "train and control are the same table" in refused(words, capsys, tmp_path)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("train=nowhere.csv", "no file at nowhere.csv"),
        ("dataset.sensitive=[wage]", "sensitive='wage' is not a column"),
        ("dataset.group=household", "group='household' is not a column"),
        ("dataset.kinds={wage: numeric}", "dataset.kinds names ['wage']"),
        ("dataset.kinds={age: number}", "a kind is one of"),
        ("dataset.format=excel", "excel"),
        ("dataset.path=x.csv", "dataset"),
        ("evaluation=slow", "slow"),
        ("evaluation.max_targets=0", "evaluation.max_targets"),
        ("attack=[nothing]", "nothing"),
        ("attack=[distance]", "risk"),
    ],
)
def test_words_that_mean_nothing(files, tmp_path, capsys, word, said):
    assert said in refused([*files(), word], capsys, tmp_path)


@pytest.mark.parametrize("name", ["synthetic", "train", "control"])
def test_a_table_that_was_not_named(files, tmp_path, capsys, name):
    words = [word for word in files() if not word.startswith(name)]
    assert f"a value is needed for: {name}=" in refused(words, capsys, tmp_path)


def test_results_do_not_overwrite_what_is_not_ours(files, tmp_path, capsys):
    words = files()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scores.json").write_text("[]")
    assert "not written by an audit" in audit(words, 2, capsys).err
    assert (tmp_path / "out" / "scores.json").read_text() == "[]"


def test_held_against_a_policy_it_has_a_releases_report_and_the_policys_exit_code(
    files, tmp_path, capsys
):
    words = [*files(n=400), "gate=strict"]
    said = audit(words, 4, capsys).out
    assert "Cannot tell under the policy 'strict'" in said
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text("utf-8"))
    assert verdict["verdict"] == "cannot tell"
    assert verdict["candidate"]["dataset"] == "synthetic.csv"
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "an audited table" in html
    assert "São Paulo" not in html
    said = audit([*files(n=400, synthetic=people(400, 0)), "gate=strict"], 3, capsys).out
    assert "Fails the policy 'strict'" in said
    assert "a leak is shown" in said
