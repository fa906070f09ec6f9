"""Is a ledger in a real PostgreSQL as good as one in a file?"""

import multiprocessing

from tabveil.cli import main
from tabveil.tracking.ledger import Ledger, Line


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
