"""What a later release might do: a new column, filled for every row. Expands only, so that the code before it goes on."""

import sqlalchemy as sa
from alembic import op

from shared.faults import point

revision = "NEXT"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("linkcheck_links", sa.Column("note", sa.Text))
    op.execute("UPDATE linkcheck_links SET note = status")
    point("migrating")
    op.create_index("ix_linkcheck_links_note", "linkcheck_links", ["note"])
