"""Work that goes on beside the calls: when some of it fails, that is said, shown as an alarm, and tried again."""

import asyncio
from collections.abc import Awaitable, Callable

from core.ending import PATIENCE, end
from core.errors import OneCallError
from core.log import get_logger

_log = get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0

Well = Callable[[], None]
"""A piece of work calls this whenever it has got through a round: whatever was wrong is over."""
Work = Callable[[Well], Awaitable[None]]
Alarm = Callable[[str, str | None], None]
"""Told the name of the work and why it fails; None: it goes well again."""


class Background:
    """Keeps pieces of work going, each by a name that people can read.

    One that raises is started again after a pause, which doubles up to ten seconds until the work says that it goes
    well. One that returns is done.
    """

    def __init__(self, alarm: Alarm, *, first_pause: float = _FIRST_PAUSE, patience: float = PATIENCE) -> None:
        """`patience`: seconds, more than the slowest of them needs to let go."""
        self._alarm = alarm
        self._patience = patience
        self._first_pause = first_pause
        self._tasks: list[asyncio.Task[None]] = []

    def keep(self, name: str, work: Work) -> None:
        """Begin, and go on until `stop`."""
        self._tasks.append(asyncio.create_task(self._keep(name, work), name=name))

    async def stop(self) -> None:
        """End all of it."""
        await end(self._tasks, self._patience)

    async def _keep(self, name: str, work: Work) -> None:
        pause, failing = self._first_pause, False

        def well() -> None:
            nonlocal pause, failing
            pause = self._first_pause
            if failing:
                failing = False
                _log.info("background work goes well again", work=name)
                self._alarm(name, None)

        while True:
            try:
                await work(well)
                well()
                return
            except Exception as group:
                error = _first(group)
                why = str(error) or type(error).__name__
                # What people can mend needs no traceback; anything else is a fault of ours, and does.
                trace = None if isinstance(error, OneCallError) else error
                _log.error("background work failed", work=name, why=why, again_in=pause, exc_info=trace)
                failing = True
                self._alarm(name, why[:200])
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _first(error: BaseException) -> BaseException:
    """Work in parts fails with a group, which says nothing of what happened."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
