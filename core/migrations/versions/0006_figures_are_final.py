"""Figures are stored only once they are final: their status says nothing.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("figure", "status")


def downgrade() -> None:
    op.add_column("figure", sa.Column("status", sa.String(length=12), nullable=False, server_default="final"))
