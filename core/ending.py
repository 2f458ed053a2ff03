"""How tasks are ended, also those that lose their cancellation on the way."""

import asyncio
from collections.abc import Iterable
from typing import Any

from core.log import get_logger

_log = get_logger(__name__)
PATIENCE = 5.0


async def end(tasks: Iterable["asyncio.Task[Any]"], patience: float = PATIENCE) -> None:
    """Cancel tasks and wait until they have ended; what they raise is no matter any more.

    One that goes on is cancelled again each `patience` seconds, which must be longer than any of them needs to let go
    in order: `asyncio.wait_for`, which libraries use, swallows a cancellation that comes in the moment in which what
    it waits for is done (mended in Python 3.12). A cancellation of the waiting itself is handed on to them, and raised
    when they have ended: none is left behind.
    """
    waiting, hurried = set(tasks), False
    while waiting:
        for task in waiting:
            task.cancel()
        try:
            _, going_on = await asyncio.wait(waiting, timeout=patience)
        except asyncio.CancelledError:
            hurried = True
            continue
        if going_on:
            _log.warning("tasks go on and are cancelled again", tasks=sorted(task.get_name() for task in going_on))
        for task in waiting - going_on:
            if not task.cancelled():
                task.exception()  # seen: asyncio need not complain
        waiting = going_on
    if hurried:
        raise asyncio.CancelledError
