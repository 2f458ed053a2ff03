"""What routing knows of agents and programmes beside skills and plans, and the rules of the whole operation.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "routing_rules",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
    )
    for table in ("agent", "programme"):
        op.add_column(table, sa.Column("routing", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    for table in ("agent", "programme"):
        op.drop_column(table, "routing")
    op.drop_table("routing_rules")
