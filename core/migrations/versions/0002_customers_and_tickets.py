"""Customers, tickets, promises.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REFUSAL = "history is append only"
_SQLITE = tuple(
    f"CREATE TRIGGER ticket_event_no_{verb.lower()} BEFORE {verb} ON ticket_event "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    "CREATE FUNCTION ticket_event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_event "
    "FOR EACH STATEMENT EXECUTE FUNCTION ticket_event_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("programme_id", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_folded", sa.String(length=200), nullable=False),
        sa.Column("segment", sa.String(length=40), nullable=False),
        sa.Column("city", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("since", sa.String(length=10), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("merged_into", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["customer.id"], name=op.f("fk_customer_merged_into_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_customer_programme_id_code")),
    )
    op.create_index(op.f("ix_customer_code"), "customer", ["code"], unique=False)
    op.create_index(op.f("ix_customer_merged_into"), "customer", ["merged_into"], unique=False)
    op.create_index(op.f("ix_customer_name_folded"), "customer", ["name_folded"], unique=False)
    op.create_table(
        "recall_cause",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name_it", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_cause")),
    )
    op.create_table(
        "ticket_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=True),
        sa.Column("customer_id", sa.String(length=40), nullable=True),
        sa.Column("interaction_id", sa.String(length=64), nullable=True),
        sa.Column("by_id", sa.String(length=40), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("system", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_event")),
    )
    op.create_index("ix_ticket_event_customer_id_at", "ticket_event", ["customer_id", "at"], unique=False)
    op.create_index("ix_ticket_event_interaction_id_at", "ticket_event", ["interaction_id", "at"], unique=False)
    op.create_index("ix_ticket_event_ticket_id_at", "ticket_event", ["ticket_id", "at"], unique=False)
    op.create_table(
        "topic",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("parent_id", sa.String(length=40), nullable=True),
        sa.Column("programme_id", sa.String(length=40), nullable=True),
        sa.Column("name_it", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("front_line", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["topic.id"], name=op.f("fk_topic_parent_id_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_index(op.f("ix_topic_parent_id"), "topic", ["parent_id"], unique=False)
    op.create_index("ix_topic_programme_id_position", "topic", ["programme_id", "position"], unique=False)
    op.create_table(
        "customer_number",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_number_customer_id_customer")),
        sa.PrimaryKeyConstraint("number", "customer_id", name=op.f("pk_customer_number")),
    )
    op.create_index(op.f("ix_customer_number_customer_id"), "customer_number", ["customer_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("programme_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("topic_id", sa.String(length=40), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=True),
        sa.Column("owner_name", sa.String(length=200), nullable=True),
        sa.Column("due", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=True),
        sa.Column("origin_key", sa.String(length=64), nullable=True),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("first_resolved_at", sa.Float(), nullable=True),
        sa.Column("resolved_at", sa.Float(), nullable=True),
        sa.Column("back_office_at", sa.Float(), nullable=True),
        sa.Column("reopened_at", sa.Float(), nullable=True),
        sa.Column("reopened_count", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=40), nullable=True),
        sa.Column("split_from", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ticket_customer_id_customer")),
        sa.ForeignKeyConstraint(["merged_into"], ["ticket.id"], name=op.f("fk_ticket_merged_into_ticket")),
        sa.ForeignKeyConstraint(["split_from"], ["ticket.id"], name=op.f("fk_ticket_split_from_ticket")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_ticket_topic_id_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
        sa.UniqueConstraint("origin_key", name=op.f("uq_ticket_origin_key")),
    )
    op.create_index("ix_ticket_customer_id_opened_at", "ticket", ["customer_id", "opened_at"], unique=False)
    op.create_index(op.f("ix_ticket_merged_into"), "ticket", ["merged_into"], unique=False)
    op.create_index(op.f("ix_ticket_opened_at"), "ticket", ["opened_at"], unique=False)
    op.create_index(op.f("ix_ticket_opened_by"), "ticket", ["opened_by"], unique=False)
    op.create_index("ix_ticket_owner_id_status", "ticket", ["owner_id", "status"], unique=False)
    op.create_index("ix_ticket_status_due", "ticket", ["status", "due"], unique=False)
    op.create_index(op.f("ix_ticket_topic_id"), "ticket", ["topic_id"], unique=False)
    op.create_table(
        "promise",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("made_by_id", sa.String(length=40), nullable=False),
        sa.Column("made_by_name", sa.String(length=200), nullable=False),
        sa.Column("made_in", sa.String(length=64), nullable=True),
        sa.Column("owner_id", sa.String(length=40), nullable=True),
        sa.Column("owner_name", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_promise_customer_id_customer")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_promise_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    op.create_index("ix_promise_customer_id_status", "promise", ["customer_id", "status"], unique=False)
    op.create_index(op.f("ix_promise_made_in"), "promise", ["made_in"], unique=False)
    op.create_index(op.f("ix_promise_owner_id"), "promise", ["owner_id"], unique=False)
    op.create_index("ix_promise_status_due", "promise", ["status", "due"], unique=False)
    op.create_index(op.f("ix_promise_ticket_id"), "promise", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_draft",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("by_id", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_draft_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("ticket_id", "by_id", name=op.f("pk_ticket_draft")),
    )
    op.create_table(
        "ticket_note",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("interaction_id", sa.String(length=64), nullable=True),
        sa.Column("by_id", sa.String(length=40), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_note_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_note")),
    )
    op.create_index(op.f("ix_ticket_note_interaction_id"), "ticket_note", ["interaction_id"], unique=False)
    op.create_index(op.f("ix_ticket_note_ticket_id"), "ticket_note", ["ticket_id"], unique=False)
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_ticket_note_ticket_id"), table_name="ticket_note")
    op.drop_index(op.f("ix_ticket_note_interaction_id"), table_name="ticket_note")
    op.drop_table("ticket_note")
    op.drop_table("ticket_draft")
    op.drop_index(op.f("ix_promise_ticket_id"), table_name="promise")
    op.drop_index("ix_promise_status_due", table_name="promise")
    op.drop_index(op.f("ix_promise_owner_id"), table_name="promise")
    op.drop_index(op.f("ix_promise_made_in"), table_name="promise")
    op.drop_index("ix_promise_customer_id_status", table_name="promise")
    op.drop_table("promise")
    op.drop_index(op.f("ix_ticket_topic_id"), table_name="ticket")
    op.drop_index("ix_ticket_status_due", table_name="ticket")
    op.drop_index("ix_ticket_owner_id_status", table_name="ticket")
    op.drop_index(op.f("ix_ticket_opened_by"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_opened_at"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_merged_into"), table_name="ticket")
    op.drop_index("ix_ticket_customer_id_opened_at", table_name="ticket")
    op.drop_table("ticket")
    op.drop_index(op.f("ix_customer_number_customer_id"), table_name="customer_number")
    op.drop_table("customer_number")
    op.drop_index("ix_topic_programme_id_position", table_name="topic")
    op.drop_index(op.f("ix_topic_parent_id"), table_name="topic")
    op.drop_table("topic")
    op.drop_index("ix_ticket_event_ticket_id_at", table_name="ticket_event")
    op.drop_index("ix_ticket_event_interaction_id_at", table_name="ticket_event")
    op.drop_index("ix_ticket_event_customer_id_at", table_name="ticket_event")
    op.drop_table("ticket_event")
    op.drop_table("recall_cause")
    op.drop_index(op.f("ix_customer_name_folded"), table_name="customer")
    op.drop_index(op.f("ix_customer_merged_into"), table_name="customer")
    op.drop_index(op.f("ix_customer_code"), table_name="customer")
    op.drop_table("customer")
    op.drop_table("counter")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ticket_event_append_only()")
