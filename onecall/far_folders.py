"""Folders of other machines, which may not answer for hours: each has a thread of its own, and one request at a time.

The event loop's common threads would fill up with those that hang, and passwords, recordings and the journal's looks
at its disk need them too.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class FarFolder:
    """One machine's folder."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds after which an answer is not waited for any more."""
        self._patience = patience
        self._at_work = False

    async def ask(self, work: Callable[[], _T]) -> _T:
        """Do `work` in the folder's thread. Raises OSError when it does not answer, or the last work hangs still."""
        if self._at_work:
            raise OSError(f"no answer within {self._patience:g} s")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def settle(result: _T | None, error: Exception | None) -> None:
            if answer.done():
                return  # nobody waits any more
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:
                failure = error
            self._at_work = False
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, failure)

        # A daemon: one that hangs must not keep the process from ending.
        self._at_work = True
        threading.Thread(target=run, daemon=True).start()
        try:
            async with asyncio.timeout(self._patience):
                return await answer
        except TimeoutError:
            raise OSError(f"no answer within {self._patience:g} s") from None
