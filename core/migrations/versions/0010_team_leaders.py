"""Which team a team leader leads, where that is not the team of the own seat: they hear its calls.

Revision 0010, after 0009.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written out, because SQLite adds a reference only with its column; making the table anew would end all sessions.
    op.execute(
        "ALTER TABLE user_account ADD COLUMN team_id VARCHAR(40)"
        " CONSTRAINT fk_user_account_team_id_team REFERENCES team (id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE user_account DROP COLUMN team_id")
