"""SQLite without a thread for each connection: statements run where they are asked for.

aiosqlite takes every step of a statement to a thread and back, four times a statement; for the small statements of
calls that is most of what they cost. A process with nothing else to do meanwhile (the bookkeeper's) needs
none of it. Only the wait for another process's lock must not hold it up: `core.db` looks again from time to time.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import aiosqlite


class _AtOnce:
    """Stands for the queue to the connection's thread (which is never started): does what is put in, now."""

    def put_nowait(self, item: tuple["asyncio.Future[Any] | None", Callable[[], Any]]) -> None:
        """Do it; its result or exception goes to the future, if there is one."""
        future, work = item
        try:
            result = work()
        except Exception as error:
            if future is None:
                raise
            future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


def connecting(path: str) -> Callable[[], Any]:
    """What SQLAlchemy's `async_creator` needs: opens that database file."""

    async def connect() -> aiosqlite.Connection:
        connection = aiosqlite.connect(path)
        connection._tx = _AtOnce()  # type: ignore[assignment]
        return await connection._connect()

    return connect
