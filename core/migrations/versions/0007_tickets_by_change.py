"""The list of all tickets, latest change first, reads an index.

Revision 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_ticket_changed_at"), "ticket", ["changed_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_ticket_changed_at"), table_name="ticket")
