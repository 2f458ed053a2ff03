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
    it waits for is done (mended in Python 3.12).
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        ended, waiting = await asyncio.wait(waiting, timeout=patience)
        for task in ended:
            if not task.cancelled():
                task.exception()  # seen: asyncio need not complain
        if waiting:
            _log.warning("tasks go on and are cancelled again", tasks=sorted(task.get_name() for task in waiting))
