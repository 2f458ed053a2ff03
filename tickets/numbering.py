"""Ticket numbers: T-10001, T-10002, ... one series for the whole installation."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.model import Counter
from tickets.sql import insert_if_absent

SERIES = "ticket"
FIRST = 10_000
"""The number before the first one."""


async def next_number(session: AsyncSession) -> str:
    """The next number; transactions that ask at once wait for each other, so that none is given twice."""
    advance = update(Counter).where(Counter.name == SERIES).values(value=Counter.value + 1).returning(Counter.value)
    value = await session.scalar(advance)
    if value is None:
        await insert_if_absent(session, Counter, {"name": SERIES, "value": FIRST})
        value = await session.scalar(advance)
    return f"T-{value}"
