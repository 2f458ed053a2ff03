"""Statements that the two engines spell differently."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Base


async def insert_if_absent(
    session: AsyncSession, table: type[Base], values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> int:
    """Insert one row or several, each unless its key is there; returns how many were not.

    Where another transaction is about to commit the key, it is waited for.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    done = await session.execute(insert(table).values(values).on_conflict_do_nothing())
    return cast("CursorResult[Any]", done).rowcount
