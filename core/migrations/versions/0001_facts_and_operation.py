"""Facts, and what an operation is made of.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fact",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("interaction_id", sa.String(length=64), nullable=True),
        sa.Column("agent_id", sa.String(length=40), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact")),
    )
    op.create_index(op.f("ix_fact_agent_id"), "fact", ["agent_id"], unique=False)
    op.create_index(op.f("ix_fact_at"), "fact", ["at"], unique=False)
    op.create_index(op.f("ix_fact_interaction_id"), "fact", ["interaction_id"], unique=False)
    op.create_index(op.f("ix_fact_kind"), "fact", ["kind"], unique=False)
    op.create_table(
        "not_ready_reason",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name_it", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("chosen_by_agent", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_not_ready_reason")),
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.Column("time_zone", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("recall_hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
    )
    op.create_table(
        "skill",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_table(
        "agent",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.Column("extension", sa.String(length=10), nullable=False),
        sa.Column("phone_kind", sa.String(length=8), nullable=False),
        sa.Column("phone_secret", sa.String(length=64), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_agent_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("extension", name=op.f("uq_agent_extension")),
    )
    op.create_index(op.f("ix_agent_team_id"), "agent", ["team_id"], unique=False)
    op.create_table(
        "queue",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("programme_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("target_share", sa.Double(), nullable=False),
        sa.Column("target_seconds", sa.Double(), nullable=False),
        sa.Column("target_abandonment", sa.Double(), nullable=False),
        sa.Column("short_abandon_seconds", sa.Double(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_queue_programme_id_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue")),
    )
    op.create_index(op.f("ix_queue_programme_id"), "queue", ["programme_id"], unique=False)
    op.create_table(
        "agent_queue",
        sa.Column("agent_id", sa.String(length=40), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_agent_queue_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["queue.id"], name=op.f("fk_agent_queue_queue_id_queue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "queue_id", name=op.f("pk_agent_queue")),
    )
    op.create_table(
        "agent_skill",
        sa.Column("agent_id", sa.String(length=40), nullable=False),
        sa.Column("skill_id", sa.String(length=40), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name=op.f("fk_agent_skill_agent_id_agent"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["skill_id"], ["skill.id"], name=op.f("fk_agent_skill_skill_id_skill")),
        sa.PrimaryKeyConstraint("agent_id", "skill_id", name=op.f("pk_agent_skill")),
    )


def downgrade() -> None:
    op.drop_table("agent_skill")
    op.drop_table("agent_queue")
    op.drop_index(op.f("ix_queue_programme_id"), table_name="queue")
    op.drop_table("queue")
    op.drop_index(op.f("ix_agent_team_id"), table_name="agent")
    op.drop_table("agent")
    op.drop_table("team")
    op.drop_table("skill")
    op.drop_table("programme")
    op.drop_table("not_ready_reason")
    op.drop_index(op.f("ix_fact_kind"), table_name="fact")
    op.drop_index(op.f("ix_fact_interaction_id"), table_name="fact")
    op.drop_index(op.f("ix_fact_at"), table_name="fact")
    op.drop_index(op.f("ix_fact_agent_id"), table_name="fact")
    op.drop_table("fact")
