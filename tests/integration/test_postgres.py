"""Is a ledger in a real PostgreSQL as good as one in a file?"""

import multiprocessing
from datetime import UTC, datetime

import sqlalchemy as sa

from tabveil.cli import main
from tabveil.tracking.ledger import Ledger, Line
from tabveil.web.database import _METADATA as _WEB
from tabveil.web.database import EVENTS, Database


def _append(url, name):
    ledger = Ledger(url)
    for i in range(20):
        ledger.append(Line("sample", "digest", name, {"i": i}))


def test_several_processes_make_the_table_at_once_and_lose_no_line(postgres, tmp_path, capsys):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append, args=(postgres, name)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    lines = Ledger(postgres).lines(event="sample")
    assert len(lines) == len({line.number for line in lines}) == 80
    for name in "abcd":
        assert [line.detail["i"] for line in lines if line.model == name] == list(range(20))
    assert main(["ledger", f"ledger.url={postgres}", f"root={tmp_path}"]) == 0
    assert capsys.readouterr().out.count("sample") >= 80
    assert not (tmp_path / "ledger.db").exists()


def test_a_database_that_is_not_there_is_one_clear_error(tmp_path, capsys):
    url = "postgresql+psycopg2://me:secret@127.0.0.1:9/none"
    assert main(["ledger", f"ledger.url={url}", f"root={tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert "cannot be used" in said
    assert "secret" not in said
    assert said.count("\n") == 1


def _open_both(url, start):
    start.wait()
    Ledger(url).lines()
    Database.at(url)


def test_tables_from_before_revisions_are_brought_up_to_date_by_several_at_once(postgres):
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        for table in (*_WEB.tables, "web_about", "tabveil_ledger_version", "tabveil_web_version"):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
        _WEB.create_all(connection)  # as it was before there were revisions
        connection.execute(sa.text("CREATE TABLE web_about (version INTEGER PRIMARY KEY)"))
        told = {"user": "ann", "action": "upload", "subject": "a", "detail": {"n": 1}}
        connection.execute(EVENTS.insert().values({"at": datetime.now(UTC), **told}))
    Ledger(postgres).append(Line("sample", "before", "rows/1"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE tabveil_ledger_version"))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    openers = [spawn.Process(target=_open_both, args=(postgres, start)) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
        assert opener.exitcode == 0
    assert [line.model for line in Ledger(postgres).lines(data_digest="before")] == ["rows/1"]
    (event,) = Database.at(postgres).rows(EVENTS.select())
    assert event["detail"] == {"n": 1}
    inspected = sa.inspect(engine)
    assert not inspected.has_table("web_about")
    assert inspected.has_table("tabveil_web_version")
    engine.dispose()
