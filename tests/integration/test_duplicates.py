"""A table of which most rows are duplicates: a network log, split, trained on and audited."""

import json

import numpy as np
import pandas as pd
import pytest

from conftest import tabveil
from tabveil.cli import main

N = 5000


def flows(n: int, rng: np.random.Generator, *, fine: bool) -> pd.DataFrame:
    protocol = rng.choice(["tcp", "udp", "icmp"], n, p=[0.7, 0.25, 0.05])
    flags = np.where(protocol == "tcp", rng.choice(["S", "SA", "SF", "R"], n), "none")
    return pd.DataFrame(
        {
            "protocol": protocol,
            "port": np.where(protocol == "icmp", 0, rng.choice([22, 53, 80, 443, 8080], n)),
            "flags": flags,
            "bytes": rng.lognormal(7, 2, n).astype(int) if fine else 2 ** rng.integers(5, 16, n),
            "duration": rng.exponential(30, n).round(2) if fine else rng.choice([0.0, 1, 2, 5], n),
            "label": np.where((flags == "S") | (rng.random(n) < 0.1), "attack", "normal"),
        }
    )


def log(n: int, seed: int) -> pd.DataFrame:
    """Seven rows in ten are one of 600 flows, the first of which holds a fifth of them."""
    common = flows(600, np.random.default_rng(99), fine=False).drop_duplicates()
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(common) + 1) ** 1.2
    chosen = rng.choice(len(common), int(0.7 * n), p=share / share.sum())
    rows = pd.concat([common.iloc[chosen], flows(n - len(chosen), rng, fine=True)])
    return rows.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture
def files(tmp_path):
    def write(**given):
        tables = {name: log(N, i) for i, name in enumerate(("train", "control", "reference"))}
        words = []
        for name, table in {**tables, **given}.items():
            table.to_csv(tmp_path / f"{name}.csv", index=False)
            words.append(f"{name}={tmp_path / name}.csv")
        return [*words, f"out={tmp_path / 'out'}", "evaluation=quick"]

    return write


def test_a_network_log_goes_down_the_line_and_says_who_can_be_asked_about(tmp_path):
    table = log(N, 0)
    assert table.duplicated(keep=False).mean() > 0.6
    table.to_csv(tmp_path / "log.csv", index=False)
    done = tabveil(
        *("train", "dataset=csv", f"dataset.path={tmp_path / 'log.csv'}", "dataset.target=label"),
        *("synthesizer=marginals", f"root={tmp_path / 'root'}", "evaluation=quick"),
    )
    assert done.returncode == 0, done.stderr
    assert "what is common to all is nobody's secret" in done.stdout
    report = json.loads(next((tmp_path / "root").rglob("prepared.json")).read_text("utf-8"))[
        "report"
    ]
    assert report["n_common_rows"] == report["n_twin_rows_parted"] > N / 3
    assert report["n_train"] == pytest.approx(0.65 * N, rel=0.05)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_shown_of_a_log_that_holds_nobody(files, seed, capsys):
    assert main(["audit", *files(synthetic=log(N, 10 + seed))]) == 0, capsys.readouterr().out
    assert "nobody's secret" in capsys.readouterr().out


def test_a_log_that_was_replayed_is_a_leak(files, capsys):
    assert main(["audit", *files(synthetic=log(N, 0))]) == 3
    assert "Leak shown" in capsys.readouterr().out


def test_a_control_that_is_a_part_of_train_is_refused_in_words(files, capsys):
    part = log(N, 0).sample(2000, random_state=1)
    assert main(["audit", *files(control=part, synthetic=log(N, 10))]) == 4
    assert "control has 0 distinct rows of its own (is control a part" in capsys.readouterr().out


def test_a_reference_that_is_train_in_another_order_is_refused_in_words(files, capsys):
    again = log(N, 0).sample(frac=1, random_state=1)
    assert main(["audit", *files(reference=again, synthetic=log(N, 10))]) == 4
    assert "train and reference overlap" in capsys.readouterr().out
