"""Tickets, what was written on them, and the history that nobody can change."""

from typing import Any

from sqlalchemy import DDL, Boolean, Float, ForeignKey, Index, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId


class Ticket(Base):
    """A customer's case.

    `version` counts changes (optimistic locking). `opened_by` is the interaction it came from; `origin_key` is the
    same for the one ticket born with that call and null for parts split off later, so that a call opens one ticket.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_status_due", "status", "due"),
        Index("ix_ticket_customer_id_opened_at", "customer_id", "opened_at"),
        Index("ix_ticket_owner_id_status", "owner_id", "status"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    programme_id: Mapped[str] = mapped_column(String(40))
    customer_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("customer.id"))
    title: Mapped[str] = mapped_column(String(200))
    topic_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("topic.id"), index=True)
    priority: Mapped[str] = mapped_column(String(10), default="normal")
    status: Mapped[str] = mapped_column(String(24), default="open")
    channel: Mapped[str] = mapped_column(String(16), default="voice")
    owner_id: Mapped[str | None] = mapped_column(String(40))
    owner_name: Mapped[str | None] = mapped_column(String(200))
    due: Mapped[float | None] = mapped_column(Float)
    version: Mapped[int] = mapped_column(default=1)
    opened_by: Mapped[str | None] = mapped_column(String(64), index=True)
    origin_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    opened_at: Mapped[float] = mapped_column(Float, index=True)
    changed_at: Mapped[float] = mapped_column(Float, index=True)
    first_resolved_at: Mapped[float | None] = mapped_column(Float)
    resolved_at: Mapped[float | None] = mapped_column(Float)
    back_office_at: Mapped[float | None] = mapped_column(Float)
    reopened_at: Mapped[float | None] = mapped_column(Float)
    reopened_count: Mapped[int] = mapped_column(default=0)
    merged_into: Mapped[str | None] = mapped_column(String(40), ForeignKey("ticket.id"), index=True)
    split_from: Mapped[str | None] = mapped_column(String(40), ForeignKey("ticket.id"))


class TicketNote(Base):
    """What somebody wrote on a ticket, in which call if in one."""

    __tablename__ = "ticket_note"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(40), ForeignKey("ticket.id"), index=True)
    interaction_id: Mapped[str | None] = mapped_column(String(64), index=True)
    by_id: Mapped[str] = mapped_column(String(40))
    by_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[float] = mapped_column(Float)
    text: Mapped[str] = mapped_column(Text)


class TicketDraft(Base):
    """A note not saved yet, one a ticket and author: it survives a reload of the page."""

    __tablename__ = "ticket_draft"

    ticket_id: Mapped[str] = mapped_column(String(40), ForeignKey("ticket.id"), primary_key=True)
    by_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Float)


class OutcomeSave(Base):
    """An outcome that was saved for a call, by the id its client gave it: saying it again changes nothing."""

    __tablename__ = "outcome_save"

    interaction_id: Mapped[str] = mapped_column(String(64), ForeignKey("interaction.id"), primary_key=True)
    save_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class TicketEvent(Base):
    """History, append only: who changed what, when, from what to what (also customers, and who heard a recording)."""

    __tablename__ = "ticket_event"
    __table_args__ = (
        Index("ix_ticket_event_ticket_id_at", "ticket_id", "at"),
        Index("ix_ticket_event_customer_id_at", "customer_id", "at"),
        Index("ix_ticket_event_interaction_id_at", "interaction_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float)
    ticket_id: Mapped[str | None] = mapped_column(String(40))
    customer_id: Mapped[str | None] = mapped_column(String(40))
    interaction_id: Mapped[str | None] = mapped_column(String(64))
    by_id: Mapped[str] = mapped_column(String(40))
    by_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    system: Mapped[bool] = mapped_column(Boolean, default=False)


_REFUSAL = "history is append only"
APPEND_ONLY_SQLITE = tuple(
    f"CREATE TRIGGER ticket_event_no_{verb.lower()} BEFORE {verb} ON ticket_event "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
)
APPEND_ONLY_POSTGRESQL = (
    "CREATE FUNCTION ticket_event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER ticket_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_event "
    "FOR EACH STATEMENT EXECUTE FUNCTION ticket_event_append_only()",
)
for _dialect, _statements in (("sqlite", APPEND_ONLY_SQLITE), ("postgresql", APPEND_ONLY_POSTGRESQL)):
    for _statement in _statements:
        trigger = DDL(_statement)  # type: ignore[no-untyped-call]  # the library leaves this constructor untyped
        event.listen(TicketEvent.__table__, "after_create", trigger.execute_if(dialect=_dialect))
