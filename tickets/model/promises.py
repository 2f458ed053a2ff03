"""What we told a customer we would do, by when."""

from sqlalchemy import Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Promise(Base):
    """A promise with a clock. `made_by` said it to the customer, `owner` is to do it.

    `status`: open, kept or broken; `settled_at` is when that was known (a broken one is noticed by the clock).
    `by_outcome`: it is the call-back by which the call `made_in` ended, and goes when that outcome is corrected.
    """

    __tablename__ = "promise"
    __table_args__ = (
        Index("ix_promise_status_due", "status", "due"),
        Index("ix_promise_customer_id_status", "customer_id", "status"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(40), ForeignKey("ticket.id"), index=True)
    customer_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("customer.id"))
    text: Mapped[str] = mapped_column(Text)
    due: Mapped[float] = mapped_column(Float)
    made_at: Mapped[float] = mapped_column(Float)
    made_by_id: Mapped[str] = mapped_column(String(40))
    made_by_name: Mapped[str] = mapped_column(String(200))
    made_in: Mapped[str | None] = mapped_column(String(64), index=True)
    owner_id: Mapped[str | None] = mapped_column(String(40), index=True)
    owner_name: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(8), default="open")
    settled_at: Mapped[float | None] = mapped_column(Float)
    by_outcome: Mapped[bool] = mapped_column(default=False)
