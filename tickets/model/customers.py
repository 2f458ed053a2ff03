"""Who calls: customers and the numbers they call from."""

from sqlalchemy import Boolean, Float, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Customer(Base):
    """A customer of one programme (or of all, when `programme_id` is null). `version` counts changes of its fields.

    `since` is a date in ISO form; `name_folded` the name without case and accents, for searching. A merged customer
    stays as a signpost: `merged_into` names the survivor, to whom all history has moved.
    """

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    programme_id: Mapped[str | None] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(200))
    name_folded: Mapped[str] = mapped_column(String(200), index=True)
    segment: Mapped[str] = mapped_column(String(40), default="consumer")
    city: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str] = mapped_column(String(8), default="it")
    since: Mapped[str | None] = mapped_column(String(10))
    notes: Mapped[str] = mapped_column(Text, default="")
    flags: Mapped[list[str]] = mapped_column(default=list)
    merged_into: Mapped[str | None] = mapped_column(String(40), ForeignKey("customer.id"), index=True)
    created_at: Mapped[float] = mapped_column(Float)
    version: Mapped[int] = mapped_column(default=1)


class CustomerNumber(Base):
    """A number (E.164) that a customer calls from. Several customers may have one number; `shared`: a switchboard."""

    __tablename__ = "customer_number"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(40), ForeignKey("customer.id"), primary_key=True, index=True)
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
