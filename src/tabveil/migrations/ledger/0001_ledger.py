"""The ledger as it was when revisions began; a database from before has this table already."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Make what is missing."""
    if sa.inspect(op.get_bind()).has_table("tabveil_ledger"):
        return
    op.create_table(
        "tabveil_ledger",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("data_digest", sa.String(64), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
