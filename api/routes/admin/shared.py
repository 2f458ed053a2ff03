"""What the administration routes have in common: rows that must exist, or must not yet."""

from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from core.db import Base
from core.errors import Conflict, Invalid, NotFound

Row = TypeVar("Row", bound=Base)


async def existing(session: AsyncSession, table: type[Row], thing_id: str, word: str) -> Row:
    """The row to be changed. Raises NotFound."""
    row = await session.get(table, thing_id)
    if row is None:
        raise NotFound(f"There is no {word} {thing_id!r}.", "Load the list again: it may have been removed.")
    return row


async def refuse_duplicate(session: AsyncSession, table: type[Base], thing_id: str, word: str) -> None:
    """Raises Conflict when the id is taken."""
    if await session.get(table, thing_id) is not None:
        raise Conflict(f"The {word} {thing_id!r} exists already.", "Choose another id, or change the one there is.")


async def require_known(
    session: AsyncSession, column: InstrumentedAttribute[str], wanted: Collection[str | None], field: str
) -> None:
    """Raises Invalid that names the field and the values that do not exist."""
    named = {value for value in wanted if value is not None}
    unknown = named - set(await session.scalars(select(column).where(column.in_(named))))
    if unknown:
        raise Invalid(
            f"{field}: {', '.join(sorted(unknown))} does not exist.",
            "Choose from the list, or make it first.",
            values={"field": field, "unknown": sorted(unknown)},
        )
