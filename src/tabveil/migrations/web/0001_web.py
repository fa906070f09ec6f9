"""The web service's tables as they were when revisions began.

A database from before has them already, and `web_about`, which told its version until then.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

_ID = sa.String(32)
_USER = sa.String(32)
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make what is missing."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for name, make in (
        ("web_uploads", _uploads),
        ("web_jobs", _jobs),
        ("web_releases", _releases),
        ("web_events", _events),
    ):
        if name not in there:
            make(name)
    if "web_about" in there:
        op.drop_table("web_about")


def _uploads(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user", _USER, nullable=False, index=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("n_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("inspection", _ID, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("deleted", _TIME),
    )


def _jobs(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user", _USER, nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("lane", sa.String(8), nullable=False),
        sa.Column("upload", _ID, index=True),
        sa.Column("parent", _ID, index=True),
        sa.Column("release", _ID),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("exit_code", sa.Integer),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("started", _TIME),
        sa.Column("ended", _TIME),
        sa.Column("heartbeat", _TIME),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(128)),
    )


def _releases(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user", _USER, nullable=False, index=True),
        sa.Column("job", _ID, nullable=False, index=True),
        sa.Column("upload", _ID, nullable=False),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("folder", sa.String(64), nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("withdrawn", sa.Text),
        sa.UniqueConstraint("job", "trial"),
    )


def _events(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("user", _USER, nullable=False, index=True),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
