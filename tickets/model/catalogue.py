"""What tickets are about: the tree of topics, the causes of recalls; and the counter that numbers tickets."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Topic(Base):
    """A reason for contact. `front_line`: the first agent is allowed to resolve it (the base of net FCR)."""

    __tablename__ = "topic"
    __table_args__ = (Index("ix_topic_programme_id_position", "programme_id", "position"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("topic.id"), index=True)
    programme_id: Mapped[str | None] = mapped_column(String(40))
    name_it: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    front_line: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


class RecallCause(Base):
    """Why a customer had to call again; chosen at wrap-up of the second call."""

    __tablename__ = "recall_cause"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_it: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


class Counter(Base):
    """A named series of numbers without gaps of meaning: the last one given out."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]
