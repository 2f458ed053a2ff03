"""Tables of the IVR: dialled numbers, flows and calendars. A change is in force for the next call."""

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class DialledNumber(Base):
    """A number that callers dial. `did` is written as the trunk sends it; `*` is any number not listed."""

    __tablename__ = "dialled_number"

    did: Mapped[str] = mapped_column(String(32), primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programme.id"), index=True)
    flow_id: Mapped[str] = mapped_column(String(40), index=True)
    """A row of `flow`, or a file `<id>.yaml` of the flows folder when there is no such row."""


class FlowRow(Base):
    """A call flow as text (`ivr.flow` is its schema). `version` grows by one with each change."""

    __tablename__ = "flow"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    yaml: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1)


class CalendarRow(Base):
    """Opening hours as text (`ivr.hours` is its schema), for all flows by name."""

    __tablename__ = "calendar"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    yaml: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, default=1)
