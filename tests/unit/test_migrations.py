"""Do tables come up to date whole or not at all, once, whoever opens them at the same time?"""

import multiprocessing
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tabveil.migrations import NewerTables, Tables
from tabveil.tracking import ledger
from tabveil.web import database

GOLDEN = Path(__file__).parents[1] / "golden_files" / "before_revisions"
ADD = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("tabveil_ledger", sa.Column("why", sa.Text, server_default="not said"))
"""


@pytest.fixture
def later(tmp_path):
    """The ledger's tables as a later version may have them."""
    folder = Path(shutil.copytree(Tables.of("ledger").folder, tmp_path / "revisions"))
    (folder / "0002_why.py").write_text(ADD)
    return Tables("ledger", folder)


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copy(GOLDEN / "ledger.db", tmp_path / "old.db"))


def lines(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT * FROM tabveil_ledger ORDER BY id")).all()


def test_an_old_table_is_changed_and_every_line_kept(later, old):
    engine = sa.create_engine(f"sqlite:///{old}")
    before = lines(engine)
    assert before
    later.bring_up_to_date(engine)
    assert lines(engine) == [(*line, "not said") for line in before]
    later.bring_up_to_date(engine)  # nothing to do
    with pytest.raises(NewerTables, match="version 0002 of its tables; this one knows 0001"):
        Tables.of("ledger").bring_up_to_date(engine)


def test_a_revision_that_fails_changes_nothing(later, old):
    broken = (
        ADD + '    op.execute("UPDATE tabveil_ledger SET who = 1")\n    op.drop_table("none")\n'
    )
    (later.folder / "0002_why.py").write_text(broken)
    engine = sa.create_engine(f"sqlite:///{old}")
    before = lines(engine)
    with pytest.raises(sa.exc.OperationalError, match="none"):
        later.bring_up_to_date(engine)
    assert lines(engine) == before
    assert not sa.inspect(engine).has_table(later.version_table)
    (later.folder / "0002_why.py").write_text(ADD)
    later.bring_up_to_date(engine)
    assert len(lines(engine)) == len(before)


def _bring(later, url, start):
    start.wait()
    later.bring_up_to_date(sa.create_engine(url, connect_args={"timeout": 30}))


@pytest.mark.parametrize("is_new", [True, False])
def test_several_processes_at_once_make_it_once(later, old, tmp_path, is_new):
    url = f"sqlite:///{tmp_path / 'new.db' if is_new else old}"
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    openers = [spawn.Process(target=_bring, args=(later, url, start)) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
        assert opener.exitcode == 0
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        versions = connection.execute(sa.text("SELECT version_num FROM tabveil_ledger_version"))
        assert versions.all() == [("0002",)]
    assert bool(lines(engine)) is not is_new


@pytest.mark.parametrize(
    ("name", "metadata"), [("ledger", ledger._METADATA), ("web", database._METADATA)]
)
def test_the_revisions_lead_to_the_tables_that_the_code_reads(name, metadata, tmp_path):
    for url in (f"sqlite:///{tmp_path}/new.db", f"sqlite:///{tmp_path}/old.db"):
        if url.endswith("old.db"):
            shutil.copy(GOLDEN / f"{name}.db", tmp_path / "old.db")
        engine = sa.create_engine(url)
        Tables.of(name).bring_up_to_date(engine)
        with engine.connect() as connection:
            options = {"include_name": lambda n, kind, _: kind != "table" or "_version" not in n}
            differ = compare_metadata(
                MigrationContext.configure(connection, opts=options), metadata
            )
        assert differ == []
