"""Published figures of past days, with the policy they were counted by."""

from datetime import date

from sqlalchemy import Date, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Figure(Base):
    """The components of one programme's day, whole (`dimension` all, `key` empty) or by queue, topic or agent.

    Counts only: rates are made when shown, and days add up. A day is stored once, when it is final, and never written
    again; facts that arrive after that are counted in `late`.
    """

    __tablename__ = "figure"

    programme_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    dimension: Mapped[str] = mapped_column(String(8), primary_key=True)
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    policy: Mapped[str] = mapped_column(String(24))
    computed_at: Mapped[float] = mapped_column(Float)
    late: Mapped[int] = mapped_column(default=0)

    calls: Mapped[int] = mapped_column(default=0)
    excluded: Mapped[int] = mapped_column(default=0)
    answered: Mapped[int] = mapped_column(default=0)
    identified: Mapped[int] = mapped_column(default=0)
    recalled: Mapped[int] = mapped_column(default=0)
    recalled_net: Mapped[int] = mapped_column(default=0)
    recalled_same: Mapped[int] = mapped_column(default=0)
    abandoned: Mapped[int] = mapped_column(default=0)
    redialled: Mapped[int] = mapped_column(default=0)

    opened: Mapped[int] = mapped_column(default=0)
    opened_identified: Mapped[int] = mapped_column(default=0)
    resolved_in_call: Mapped[int] = mapped_column(default=0)
    back_office: Mapped[int] = mapped_column(default=0)
    reopened: Mapped[int] = mapped_column(default=0)
    contact_again: Mapped[int] = mapped_column(default=0)
    survey_no: Mapped[int] = mapped_column(default=0)
    fcr: Mapped[int] = mapped_column(default=0)
    opened_front: Mapped[int] = mapped_column(default=0)
    fcr_front: Mapped[int] = mapped_column(default=0)
