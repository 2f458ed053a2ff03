"""An outcome is saved once however often it is sent, its call-back goes with it, and customers count their changes.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome_save",
        sa.Column("interaction_id", sa.String(length=64), nullable=False),
        sa.Column("save_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name=op.f("fk_outcome_save_interaction_id_interaction")
        ),
        sa.PrimaryKeyConstraint("interaction_id", "save_id", name=op.f("pk_outcome_save")),
    )
    op.add_column("promise", sa.Column("by_outcome", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("customer", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("customer", "version")
    op.drop_column("promise", "by_outcome")
    op.drop_table("outcome_save")
