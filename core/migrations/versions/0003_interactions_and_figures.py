"""Interactions and figures.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure",
        sa.Column("programme_id", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("dimension", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("policy", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("computed_at", sa.Float(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("identified", sa.Integer(), nullable=False),
        sa.Column("recalled", sa.Integer(), nullable=False),
        sa.Column("recalled_net", sa.Integer(), nullable=False),
        sa.Column("recalled_same", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("redialled", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("opened_identified", sa.Integer(), nullable=False),
        sa.Column("resolved_in_call", sa.Integer(), nullable=False),
        sa.Column("back_office", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("contact_again", sa.Integer(), nullable=False),
        sa.Column("survey_no", sa.Integer(), nullable=False),
        sa.Column("fcr", sa.Integer(), nullable=False),
        sa.Column("opened_front", sa.Integer(), nullable=False),
        sa.Column("fcr_front", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "day", "dimension", "key", name=op.f("pk_figure")),
    )
    op.create_table(
        "recording",
        sa.Column("interaction_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_recording")),
    )
    op.create_table(
        "interaction",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("did", sa.String(length=40), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("programme_id", sa.String(length=40), nullable=True),
        sa.Column("queue_id", sa.String(length=40), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("path", sa.String(length=120), nullable=True),
        sa.Column("identification", sa.String(length=10), nullable=False),
        sa.Column("identified_by", sa.String(length=8), nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=48), nullable=True),
        sa.Column("arrived_at", sa.Float(), nullable=True),
        sa.Column("queued_at", sa.Float(), nullable=True),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("wrap_up_ended_at", sa.Float(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("abandoned", sa.Boolean(), nullable=False),
        sa.Column("ended_by", sa.String(length=10), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=True),
        sa.Column("hang_up_cause", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.String(length=40), nullable=True),
        sa.Column("talk", sa.Float(), nullable=False),
        sa.Column("hold", sa.Float(), nullable=False),
        sa.Column("wrap_up", sa.Float(), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=True),
        sa.Column("topic_id", sa.String(length=40), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("recall_cause_id", sa.String(length=40), nullable=True),
        sa.Column("disposition", sa.String(length=16), nullable=True),
        sa.Column("returns_missed", sa.Boolean(), nullable=False),
        sa.Column("survey_resolved", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_interaction_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["recall_cause_id"], ["recall_cause.id"], name=op.f("fk_interaction_recall_cause_id_recall_cause")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
    )
    op.create_index("ix_interaction_agent_id_day", "interaction", ["agent_id", "day"], unique=False)
    op.create_index(op.f("ix_interaction_arrived_at"), "interaction", ["arrived_at"], unique=False)
    op.create_index("ix_interaction_customer_id_arrived_at", "interaction", ["customer_id", "arrived_at"], unique=False)
    op.create_index(
        "ix_interaction_follow_up",
        "interaction",
        [
            "subject",
            "arrived_at",
            "direction",
            "programme_id",
            "disposition",
            "topic_id",
            "ticket_id",
            "returns_missed",
        ],
        unique=False,
    )
    op.create_index(op.f("ix_interaction_number"), "interaction", ["number"], unique=False)
    op.create_index("ix_interaction_programme_id_day", "interaction", ["programme_id", "day"], unique=False)
    op.create_index(op.f("ix_interaction_ticket_id"), "interaction", ["ticket_id"], unique=False)
    op.create_table(
        "interaction_leg",
        sa.Column("interaction_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent_id", sa.String(length=40), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=True),
        sa.Column("answered_at", sa.Float(), nullable=False),
        sa.Column("left_at", sa.Float(), nullable=True),
        sa.Column("talk", sa.Float(), nullable=False),
        sa.Column("hold", sa.Float(), nullable=False),
        sa.Column("wrap_up", sa.Float(), nullable=False),
        sa.Column("wrap_up_ended_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name=op.f("fk_interaction_leg_interaction_id_interaction")
        ),
        sa.PrimaryKeyConstraint("interaction_id", "position", name=op.f("pk_interaction_leg")),
    )
    op.create_index(
        "ix_interaction_leg_agent_id_answered_at", "interaction_leg", ["agent_id", "answered_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_interaction_leg_agent_id_answered_at", table_name="interaction_leg")
    op.drop_table("interaction_leg")
    op.drop_index(op.f("ix_interaction_ticket_id"), table_name="interaction")
    op.drop_index("ix_interaction_programme_id_day", table_name="interaction")
    op.drop_index(op.f("ix_interaction_number"), table_name="interaction")
    op.drop_index("ix_interaction_follow_up", table_name="interaction")
    op.drop_index("ix_interaction_customer_id_arrived_at", table_name="interaction")
    op.drop_index(op.f("ix_interaction_arrived_at"), table_name="interaction")
    op.drop_index("ix_interaction_agent_id_day", table_name="interaction")
    op.drop_table("interaction")
    op.drop_table("recording")
    op.drop_table("figure")
