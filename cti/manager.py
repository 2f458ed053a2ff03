"""The one way to Asterisk's manager interface: never dials twice, never waits for ever, loses no event unseen."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from core.errors import OneCallError, Unavailable
from core.log import get_logger
from cti import figures
from cti.connection import Answers, Connection, Fields, Refused
from cti.protocol import Event
from cti.settings import ManagerSettings

__all__ = ["Fields", "Listener", "Manager", "Refused"]

_log = get_logger(__name__)
_NOT_NOW = "Calls go on without us; try again when it is back."


class Listener(Protocol):
    """Who hears what the manager interface tells. Calls never overlap."""

    async def read_back(self) -> None:
        """The connection stands: learn Asterisk's state. An exception closes the connection; it is tried again."""

    def event(self, event: Event) -> None:
        """One event, in the order in which Asterisk told them, after a finished read-back."""

    def down(self, why: str) -> None:
        """The connection has ended; told only after a read-back was begun."""


class Manager:
    """Our side of one manager user.

    - An action is written once. When the connection ends before its answer, it fails with Unavailable: whoever asked
      learns from the read-back what became of it.
    - Every action has a time-out (Unavailable); a late answer is dropped.
    - Events reach the listener in order through one bounded queue. When it is full, the connection is closed and
      everything is read back: late news would be worse than none.
    - An unanswered ping closes the connection. Reconnects back off and each one ends in a read-back.
    """

    def __init__(self, settings: ManagerSettings, listener: Listener) -> None:
        self._settings = settings
        self._listener = listener
        self._connection: Connection | None = None
        self._events: deque[Event] = deque()
        self._turn: asyncio.Handle | None = None
        self._up = False

    @property
    def up(self) -> bool:
        """Whether the read-back is done and events flow."""
        return self._up

    async def run(self) -> None:
        """Connect, read back, tell events; again and again until cancelled."""
        pause = self._settings.backoff_first
        while True:
            why, was_up = await self._one_connection()
            if was_up:
                pause = self._settings.backoff_first
            figures.reconnects.inc()
            _log.warning("manager connection ended", why=why, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._settings.backoff_longest)

    def reconnect(self, why: str) -> None:
        """End this connection; the next one reads everything back."""
        if self._connection is not None:
            self._connection.close(why)

    async def ask(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> Event:
        """Carry out an action and return its answer. Raises Refused (Asterisk said no) and Unavailable."""
        return await self._connected().ask(name, fields, timeout)

    async def listing(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> Answers:
        """The events of an action that answers with a list. Raises Refused and Unavailable."""
        return await self._connected().listing(name, fields, timeout)

    def start(
        self, actions: Sequence[tuple[str, Fields]], timeout: float | None = None
    ) -> "list[asyncio.Future[Answers]]":
        """Send actions in one write, at once, and return the futures of their answers.

        Raises Unavailable when there is no connection, Invalid when a value cannot be sent; then nothing was sent.
        """
        return self._connected().start(actions, timeout)

    async def errand(self, actions: Sequence[tuple[str, Fields]]) -> None:
        """Carry out actions one after the other on a connection of their own.

        For those that Asterisk works on before it answers (PlayDTMF lasts as long as the key): on the main connection
        every event and every offer would wait behind them. Raises Refused and Unavailable.
        """
        connection = Connection(self._settings, lambda event: None)
        try:
            await connection.open(events=False)
            for name, fields in actions:
                await connection.ask(name, fields)
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"Asterisk cannot be reached: {error}.", _NOT_NOW) from None
        finally:
            connection.close("errand done")

    def _connected(self) -> Connection:
        if self._connection is None:
            raise Unavailable("There is no connection to Asterisk.", _NOT_NOW)
        return self._connection

    # ---- one connection ----

    async def _one_connection(self) -> tuple[str, bool]:
        """Why it ended, and whether it was ever up."""
        self._events.clear()
        booted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection = Connection(self._settings, lambda event: self._heard(event, connection, booted))
        self._connection = connection
        try:
            await self._sign_in(connection, booted)
            return await self._live(connection), self._up
        except (OSError, OneCallError, TimeoutError) as error:
            return str(error) or type(error).__name__, False
        finally:
            self._up, self._connection = False, None
            if self._turn is not None:
                self._turn.cancel()
                self._turn = None
            connection.close("OneCall is ending")

    async def _sign_in(self, connection: Connection, booted: "asyncio.Future[None]") -> None:
        """An Asterisk that is still loading its modules takes connections; wait until it is fully booted."""
        await connection.open(events=True)
        waited_for: set[asyncio.Future[Any]] = {booted, connection.ended}
        limit = self._settings.boot_timeout
        await asyncio.wait(waited_for, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if connection.ended.done():
            raise Unavailable(connection.ended.result())
        if not booted.done():
            raise Unavailable(f"Asterisk was not fully booted within {limit:g} s.")

    async def _live(self, connection: Connection) -> str:
        reading = asyncio.ensure_future(self._read_back())
        pinging = asyncio.ensure_future(self._ping(connection))
        ends: set[asyncio.Future[Any]] = {connection.ended, reading}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and reading.exception() is None:
                # Whoever cancels us must not cancel it: those who wait for answers are told by it.
                await asyncio.wait({connection.ended})
        finally:
            for task in (reading, pinging):
                task.cancel()
            outcomes = await asyncio.gather(reading, pinging, return_exceptions=True)
        why = connection.ended.result() if connection.ended.done() else f"read-back failed: {outcomes[0]!r}"
        self._listener.down(why)
        return why

    async def _read_back(self) -> None:
        await self._listener.read_back()
        self._up = True
        self._take_turn()

    def _take_turn(self) -> None:
        """Tell one event; whoever waited for it, or for an answer that arrived before the next one, goes on first."""
        self._turn = None
        if self._events:
            self._tell(self._events.popleft())
        figures.queue_depth.set(len(self._events))
        if self._events:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)

    def _tell(self, event: Event) -> None:
        try:
            self._listener.event(event)
        except Exception:
            # One event that we handle wrongly must not cost the others, nor the connection.
            figures.failures.inc()
            _log.exception("event could not be handled", ami_event=dict(event))

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_interval)
            try:
                await connection.ask("Ping", timeout=self._settings.ping_timeout)
            except OneCallError:
                connection.close("Asterisk did not answer a ping")
                return

    def _heard(self, event: Event, connection: Connection, booted: "asyncio.Future[None]") -> None:
        if event["Event"] == "FullyBooted" and not booted.done():
            booted.set_result(None)
        if len(self._events) >= self._settings.queue_limit:
            figures.overflows.inc()
            connection.close("events came faster than they could be handled")
            return
        figures.events.inc()
        self._events.append(event)
        figures.queue_depth.set(len(self._events))
        if self._up and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)
