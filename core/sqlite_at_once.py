"""SQLite without a thread for each connection: statements run where they are asked for.

aiosqlite takes every step of a statement to a thread and back, four times a statement; for the small statements of
calls that is most of what they cost. A process with nothing else to do meanwhile (the bookkeeper's) needs none of it:
its sessions work on Python's own driver. Only the wait for another process's lock must not hold it up: `core.db` looks
again from time to time.
"""

from typing import Any

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session


def engine_at_once(path: str) -> Engine:
    """An engine on that database file. A session never waits for another one's connection: that would stop them all."""
    return create_engine(URL.create("sqlite", database=path), max_overflow=-1)


def sessions_at_once(engine: Engine) -> async_sessionmaker[AsyncSession]:
    """Sessions that are used like all others, and whose statements are done when they are asked for."""

    class AtOnce(Session):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "bind": engine})

    return async_sessionmaker(sync_session_class=AtOnce, expire_on_commit=False)
