"""Several drivers work on one study in PostgreSQL; one of them dies; nothing is lost."""

import time

import pytest
from drivers import Driver, assert_balanced, trials
from processes import until
from servers import Postgres, mlflow_server

from tabveil.search import orphans
from tabveil.search.space import Dimension
from tabveil.search.study import Identity, Sampler, open_study


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """PostgreSQL, and an MLflow server over another database of it."""
    database = Postgres()
    server = mlflow_server(tmp_path_factory.mktemp("mlflow"), database=database.create("mlflow"))
    try:
        yield database, server
    finally:
        server.stop()
        database.remove()


def team(database, server):
    return {"TABVEIL_DATABASE": database.url(), "TABVEIL_TRACKING": server.url}


def kill_one_of_two(tmp_path, env, words, target):
    """Two drivers at once; the first is killed when a third of the trials is done."""
    url, root = env["TABVEIL_DATABASE"], tmp_path / "store"
    words = ["stores=team", *words, f"sweep.trials={target}"]
    study = next(w.partition("=")[2] for w in words if w.startswith("sweep.study="))
    first, second = (Driver(root, *words, env=env) for _ in range(2))
    try:
        first.until(lambda: first.done() >= target // 4)
        second.until(lambda: second.done() >= 1)
        first.until(lambda: any(state == "RUNNING" for _, state, _ in trials(url, study)))
        first.kill()
        assert second.wait() == 0, second.said
    finally:
        first.end()
        second.end()
    return first, second


@pytest.mark.slow
@pytest.mark.parametrize("target", [10, 40])
def test_one_of_two_drivers_is_killed_and_the_other_reaches_exactly_the_target(
    tmp_path, randhie, stores, target
):
    study, env = f"chaos-{target}", team(*stores)
    kill_one_of_two(tmp_path, env, [f"sweep.study={study}"], target)
    assert_balanced(env["TABVEIL_DATABASE"], stores[1].url, target, study=study)


def test_a_driver_on_another_host_is_taken_for_dead_only_when_it_is_silent(stores, monkeypatch):
    monkeypatch.setattr(orphans, "BEAT", 0.5)
    url = stores[0].create("hosts")
    space = {"x": Dimension("float", 0.0, 1.0)}
    study = open_study(
        name="s",
        storage=url,
        identity=Identity(space, "d"),
        sampler=Sampler("random"),
        seed=0,
        grace=2,
    )
    trial = orphans.ask(study)
    orphans.beat(study, trial._trial_id)
    x = trial.suggest_float("x", 0, 1)
    trial.set_user_attr(orphans.OWNER, "elsewhere:1:1.00")
    with orphans.beating(study, lambda: [trial._trial_id]):
        time.sleep(4)
        assert orphans.recover(study) == []
    recovered = []
    assert until(lambda: recovered.extend(orphans.recover(study)) or recovered)
    assert recovered == [0]
    assert orphans.dead_owners(study) == {"elsewhere:1:1.00"}
    assert orphans.ask(study).suggest_float("x", 0, 1) == x
