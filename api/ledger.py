"""Commands carried out once, however often they arrive: after a cut the browser sends again what was not replied."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from core.errors import OneCallError, Unavailable
from core.log import get_logger

_REMEMBERED = 4096
_log = get_logger(__name__)

Outcome = OneCallError | None
"""None: carried out; else why not."""


class Ledger:
    """Remembers the last commands of this process by (who, command id) with their outcome.

    A repeat gets the outcome of the first, waiting for it when it is still under way. Carrying out goes on even when
    the connection that asked is gone. Several API processes: the `acd` service knows the ids too.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], asyncio.Task[Outcome]] = OrderedDict()

    async def once(self, who: str, command_id: str, work: Callable[[], Awaitable[object]]) -> Outcome:
        """Carry out `work` unless that id of `who` was carried out before; the outcome either way."""
        key = (who, command_id)
        task = self._entries.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(_outcome(work))
            self._entries[key] = task
            while len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)
        return await asyncio.shield(task)


async def _outcome(work: Callable[[], Awaitable[object]]) -> Outcome:
    try:
        await work()
    except OneCallError as error:
        return error
    except Exception:
        _log.exception("command failed")
        return Unavailable("The server failed to do this.", "Look at the desk, and try again if it is not done.")
    return None
