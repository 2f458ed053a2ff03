"""Calls as figures see them: one row a call, one a leg, projected from facts; and where the recording is."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Interaction(Base):
    """One call, however many legs it had.

    `customer_id` is who it is taken to be; `confirmed`: an agent said so. `subject` is the identity that counts in
    recall and FCR (`tickets.identity`), null when nobody can tell. `day` is the programme's local day on which the
    call entered its first queue. `agent_id` is the handler: who spoke last. `disposition` other than null (internal,
    test, wrong_number) takes the call out of every figure.
    """

    __tablename__ = "interaction"
    __table_args__ = (
        Index("ix_interaction_programme_id_day", "programme_id", "day"),
        Index("ix_interaction_customer_id_arrived_at", "customer_id", "arrived_at"),
        Index("ix_interaction_agent_id_day", "agent_id", "day"),
        Index("ix_interaction_ticket_id_arrived_at", "ticket_id", "arrived_at"),
        # Covers the look-ahead "did the same subject call again": no table row is read for it.
        Index(
            "ix_interaction_follow_up",
            "subject",
            "arrived_at",
            "direction",
            "programme_id",
            "disposition",
            "topic_id",
            "ticket_id",
            "returns_missed",
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), default="voice")
    direction: Mapped[str] = mapped_column(String(8), default="inbound")
    did: Mapped[str | None] = mapped_column(String(40))
    number: Mapped[str | None] = mapped_column(String(40), index=True)
    programme_id: Mapped[str | None] = mapped_column(String(40))
    queue_id: Mapped[str | None] = mapped_column(String(40))
    language: Mapped[str | None] = mapped_column(String(8))
    path: Mapped[str | None] = mapped_column(String(120))

    identification: Mapped[str] = mapped_column(String(10), default="none")
    identified_by: Mapped[str | None] = mapped_column(String(8))
    candidates: Mapped[list[str]] = mapped_column(default=list)
    customer_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("customer.id"))
    confirmed: Mapped[bool] = mapped_column(default=False)
    subject: Mapped[str | None] = mapped_column(String(48))

    arrived_at: Mapped[float | None] = mapped_column(Float, index=True)
    queued_at: Mapped[float | None] = mapped_column(Float)
    answered_at: Mapped[float | None] = mapped_column(Float)
    ended_at: Mapped[float | None] = mapped_column(Float)
    wrap_up_ended_at: Mapped[float | None] = mapped_column(Float)
    day: Mapped[date | None] = mapped_column(Date)
    abandoned: Mapped[bool] = mapped_column(default=False)
    ended_by: Mapped[str | None] = mapped_column(String(10))
    stage: Mapped[str | None] = mapped_column(String(16))
    hang_up_cause: Mapped[int | None] = mapped_column(Integer)
    agent_id: Mapped[str | None] = mapped_column(String(40))
    talk: Mapped[float] = mapped_column(Float, default=0.0)
    hold: Mapped[float] = mapped_column(Float, default=0.0)
    wrap_up: Mapped[float] = mapped_column(Float, default=0.0)

    ticket_id: Mapped[str | None] = mapped_column(String(40))
    topic_id: Mapped[str | None] = mapped_column(String(40))
    outcome: Mapped[str | None] = mapped_column(String(16))
    recall_cause_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("recall_cause.id"))
    disposition: Mapped[str | None] = mapped_column(String(16))
    returns_missed: Mapped[bool] = mapped_column(default=False)
    survey_resolved: Mapped[bool | None]


class InteractionLeg(Base):
    """One agent's part of a call, in their order; all durations in seconds."""

    __tablename__ = "interaction_leg"
    __table_args__ = (Index("ix_interaction_leg_agent_id_answered_at", "agent_id", "answered_at"),)

    interaction_id: Mapped[str] = mapped_column(String(64), ForeignKey("interaction.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agent_id: Mapped[str] = mapped_column(String(40))
    queue_id: Mapped[str | None] = mapped_column(String(40))
    answered_at: Mapped[float] = mapped_column(Float)
    left_at: Mapped[float | None] = mapped_column(Float)
    talk: Mapped[float] = mapped_column(Float, default=0.0)
    hold: Mapped[float] = mapped_column(Float, default=0.0)
    wrap_up: Mapped[float] = mapped_column(Float, default=0.0)
    wrap_up_ended_at: Mapped[float | None] = mapped_column(Float)


class Recording(Base):
    """The sound file of a call: `path` relative to the recordings folder, SHA-256 taken when it was closed."""

    __tablename__ = "recording"

    interaction_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str] = mapped_column(String(300))
    sha256: Mapped[str | None] = mapped_column(String(64))
    seconds: Mapped[float | None] = mapped_column(Float)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    pauses: Mapped[list[Any]] = mapped_column(default=list)
    problem: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[float] = mapped_column(Float)
