"""Work done once, however often it is asked for: after a cut, whoever asked asks again with the same id."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from core.errors import OneCallError

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Remembers the latest `limit` pieces of work by key, with their result or error.

    A repeat gets the outcome of the first, waiting for it while that is still under way. Work goes on even when all
    who asked have gone. Only errors that are told to people (`OneCallError`) are remembered; anything else is a fault
    of ours, is raised, and may be tried again.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._known: OrderedDict[tuple[str, str], asyncio.Task[Result | OneCallError]] = OrderedDict()

    async def do(self, who: str, work_id: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `work`, done now unless `who` had it done before under this id. Raises what it raised."""
        key = (who, work_id)
        task = self._known.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(_outcome(work))
            self._known[key] = task
            task.add_done_callback(lambda done: self._forget_fault(key, done))
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        outcome = await asyncio.shield(task)
        if isinstance(outcome, OneCallError):
            raise outcome.with_traceback(None)
        return outcome

    def _forget_fault(self, key: tuple[str, str], task: "asyncio.Task[Result | OneCallError]") -> None:
        if (task.cancelled() or task.exception() is not None) and self._known.get(key) is task:
            del self._known[key]


async def _outcome(work: Callable[[], Awaitable[Result]]) -> Result | OneCallError:
    try:
        return await work()
    except OneCallError as error:
        return error
