"""The list of all tickets reads an index; so does the question whether a ticket was called about again.

Revision 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_ticket_changed_at"), "ticket", ["changed_at"], unique=False)
    op.drop_index(op.f("ix_interaction_ticket_id"), table_name="interaction")
    op.create_index("ix_interaction_ticket_id_arrived_at", "interaction", ["ticket_id", "arrived_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_interaction_ticket_id_arrived_at", table_name="interaction")
    op.create_index(op.f("ix_interaction_ticket_id"), "interaction", ["ticket_id"], unique=False)
    op.drop_index(op.f("ix_ticket_changed_at"), table_name="ticket")
