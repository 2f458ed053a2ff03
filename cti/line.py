"""The call model's way out to a real Asterisk: actions by the manager connection, time by the event loop."""

import asyncio
from collections.abc import Callable

from core.clock import Clock
from core.errors import OneCallError, Unavailable
from core.log import get_logger
from cti.calls import Line, Timer
from cti.manager import Fields, Manager, Refused
from cti.protocol import Event

_log = get_logger(__name__)


class ManagerLine(Line):
    """The model's way out, over the manager connection and the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.manager: Manager | None = None

    def send(self, *actions: tuple[str, Fields], refused: Callable[[str], None] | None = None) -> None:
        """Send in one write; a missing connection is made good by the read-back that follows it."""
        if self.manager is None:
            return
        try:
            answers = self.manager.start(actions)
        except Unavailable as error:
            _log.info("actions not sent", actions=[name for name, _ in actions], why=str(error))
            return
        if refused is not None:
            for answer in answers:
                answer.add_done_callback(lambda done: _tell_refusal(done, refused))

    def ask(self, action: tuple[str, Fields], answered: Callable[[str | None], None]) -> None:
        """Send and hand on the answer's value."""
        if self.manager is None:
            return
        try:
            (answer,) = self.manager.start([action])
        except Unavailable:
            return
        answer.add_done_callback(lambda done: answered(_value(done)))

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        """A timer of the running loop."""
        return asyncio.get_running_loop().call_later(seconds, do)

    def now(self) -> float:
        """Epoch seconds, UTC."""
        return self._clock.now()

    def doubt(self, why: str) -> None:
        """Close the connection; the next one reads everything back."""
        if self.manager is not None:
            self.manager.reconnect(why)


def _tell_refusal(done: "asyncio.Future[list[Event]]", refused: Callable[[str], None]) -> None:
    error = None if done.cancelled() else done.exception()
    if isinstance(error, Refused):
        refused(error.what)


def _value(done: "asyncio.Future[list[Event]]") -> str | None:
    if done.cancelled() or isinstance(done.exception(), OneCallError):
        return None
    return done.result()[-1].get("Value")
