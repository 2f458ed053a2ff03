"""Dialled numbers, call flows, opening hours.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
    )
    op.create_table(
        "flow",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("yaml", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow")),
    )
    op.create_table(
        "dialled_number",
        sa.Column("did", sa.String(length=32), nullable=False),
        sa.Column("programme_id", sa.String(length=40), nullable=False),
        sa.Column("flow_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_dialled_number_programme_id_programme")
        ),
        sa.PrimaryKeyConstraint("did", name=op.f("pk_dialled_number")),
    )
    op.create_index(op.f("ix_dialled_number_flow_id"), "dialled_number", ["flow_id"], unique=False)
    op.create_index(op.f("ix_dialled_number_programme_id"), "dialled_number", ["programme_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_dialled_number_programme_id"), table_name="dialled_number")
    op.drop_index(op.f("ix_dialled_number_flow_id"), table_name="dialled_number")
    op.drop_table("dialled_number")
    op.drop_table("flow")
    op.drop_table("calendar")
