"""The one way to Asterisk's manager interface: never dials twice, never waits for ever, loses no event unseen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from panoramisk.actions import Action

from core.errors import Conflict, OneCallError, Unavailable
from core.log import get_logger
from cti import figures
from cti.protocol import Event, ManagerProtocol, new_action
from cti.settings import ManagerSettings

_log = get_logger(__name__)
_WRITE_LIMIT = 1_000_000
_TURN = 200  # events handled before other tasks of the process get their turn
_CHECK_AGAIN = "Asterisk cannot be reached; calls go on. Try again when it is back."

Fields = Mapping[str, str | Sequence[str]]


class Refused(Conflict):
    """Asterisk answered an action with an error: the channel or room is not (any more) what we thought."""

    code = "refused_by_asterisk"


class Listener(Protocol):
    """Who hears what the manager interface tells. Calls never overlap."""

    async def read_back(self) -> None:
        """The connection stands: learn Asterisk's state. An exception closes the connection; it is tried again."""

    def event(self, event: Event) -> None:
        """One event, in the order in which Asterisk told them, after a finished read-back."""

    def down(self, why: str) -> None:
        """The connection has ended; told only after a read-back was begun."""


@dataclass(slots=True)
class _Asked:
    """An action that waits for its answer; a listing collects events until its end."""

    name: str
    future: "asyncio.Future[list[Event]]"
    timer: asyncio.TimerHandle
    listing: bool
    heard: list[Event]


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
        self._protocol: ManagerProtocol | None = None
        self._asked: dict[str, _Asked] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue(settings.queue_limit)
        self._lost: asyncio.Future[str] | None = None
        self._booted: asyncio.Future[None] | None = None
        self._up = False

    @property
    def up(self) -> bool:
        """Whether the read-back is done and events flow."""
        return self._up

    async def run(self) -> None:
        """Connect, read back, tell events; again and again until cancelled."""
        pause = self._settings.backoff_first
        while True:
            try:
                why, was_up = await self._one_connection()
            finally:
                self._close("OneCall is ending")
            if was_up:
                pause = self._settings.backoff_first
            figures.reconnects.inc()
            _log.warning("manager connection ended", why=why, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._settings.backoff_longest)

    def reconnect(self, why: str) -> None:
        """End this connection; the next one reads everything back."""
        if self._protocol is not None:
            self._protocol.drop(why)

    async def ask(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> Event:
        """Carry out an action and return its answer. Raises Refused (Asterisk said no) and Unavailable."""
        return (await self.start([(name, fields or {})], timeout)[0])[-1]

    async def listing(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> list[Event]:
        """The events of an action that answers with a list. Raises Refused and Unavailable."""
        return (await self._write([new_action(name, fields or {})], timeout, listing=True)[0])[1:-1]

    def start(
        self, actions: Sequence[tuple[str, Fields]], timeout: float | None = None
    ) -> list["asyncio.Future[list[Event]]"]:
        """Send actions in one write, at once, and return the futures of their answers.

        Raises Unavailable when there is no connection, Invalid when a value cannot be sent; then nothing was sent.
        """
        return self._write([new_action(name, fields) for name, fields in actions], timeout, listing=False)

    def _write(
        self, actions: Sequence[Action], timeout: float | None, *, listing: bool
    ) -> list["asyncio.Future[list[Event]]"]:
        if self._protocol is None:
            raise Unavailable("There is no connection to Asterisk.", _CHECK_AGAIN)
        try:
            self._protocol.send_all(actions)
        except ConnectionError as error:
            raise Unavailable(f"The connection to Asterisk has ended: {error}.", _CHECK_AGAIN) from None
        if self._protocol.transport.get_write_buffer_size() > _WRITE_LIMIT:
            self._protocol.drop("Asterisk does not read what we send")
        return [self._expect(action, timeout or self._settings.action_timeout, listing) for action in actions]

    def _expect(self, action: Action, timeout: float, listing: bool) -> "asyncio.Future[list[Event]]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Event]] = loop.create_future()
        future.add_done_callback(_retrieved)
        name, action_id = action["Action"], action["ActionID"]
        timer = loop.call_later(timeout, self._timed_out, action_id, timeout)
        self._asked[action_id] = _Asked(name, future, timer, listing, [])
        figures.actions.labels(name).inc()
        return future

    def _timed_out(self, action_id: str, timeout: float) -> None:
        asked = self._asked.pop(action_id)
        figures.timeouts.labels(asked.name).inc()
        _log.warning("manager action was not answered", action=asked.name, seconds=timeout)
        what = f"Asterisk did not answer {asked.name} within {timeout:g} s."
        _fail(asked.future, Unavailable(what, "Look at the call's state before trying again."))

    # ---- what arrives ----

    def _message(self, message: Event) -> None:
        """An event may carry `Response:` too (OriginateResponse): look at `Event` first."""
        asked = self._asked.get(message.get("ActionID", ""))
        if "Event" not in message:
            if asked is not None:
                self._answered(message["ActionID"], asked, message)
            return
        if asked is not None and asked.listing:
            asked.heard.append(message)
            if message.get("EventList") == "Complete" or message["Event"].endswith("Complete"):
                self._done(message["ActionID"], asked)
            return
        if message["Event"] == "FullyBooted" and self._booted is not None and not self._booted.done():
            self._booted.set_result(None)
        self._enqueue(message)

    def _answered(self, action_id: str, asked: _Asked, message: Event) -> None:
        asked.heard.append(message)
        if message.get("Response") not in ("Success", "Follows", "Goodbye"):
            self._forget(action_id, asked)
            figures.refusals.labels(asked.name).inc()
            said = message.get("Message", "no reason given")
            _fail(asked.future, Refused(f"Asterisk refused {asked.name}: {said}.", "Look at the call's state."))
        elif not asked.listing or message.get("EventList") != "start":
            self._done(action_id, asked)

    def _done(self, action_id: str, asked: _Asked) -> None:
        self._forget(action_id, asked)
        if not asked.future.done():
            asked.future.set_result(asked.heard)

    def _forget(self, action_id: str, asked: _Asked) -> None:
        asked.timer.cancel()
        del self._asked[action_id]

    def _enqueue(self, event: Event) -> None:
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            figures.overflows.inc()
            if self._protocol is not None:
                self._protocol.drop("events came faster than they could be handled")
            return
        figures.events.inc()
        figures.queue_depth.set(self._events.qsize())

    # ---- one connection ----

    async def _one_connection(self) -> tuple[str, bool]:
        """Why it ended, and whether it was ever up."""
        try:
            lost = await self._sign_in()
        except (OSError, OneCallError, TimeoutError) as error:
            return str(error) or type(error).__name__, False
        serving = asyncio.ensure_future(self._serve())
        pinging = asyncio.ensure_future(self._ping())
        try:
            ends: set[asyncio.Future[Any]] = {lost, serving}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, pinging):
                task.cancel()
            outcomes = await asyncio.gather(serving, pinging, return_exceptions=True)
        why = lost.result() if lost.done() else f"read-back failed: {outcomes[0]!r}"
        was_up, self._up = self._up, False
        self._close(why)
        self._listener.down(why)
        return why, was_up

    async def _sign_in(self) -> "asyncio.Future[str]":
        settings, loop = self._settings, asyncio.get_running_loop()
        lost: asyncio.Future[str] = loop.create_future()
        self._lost = lost
        self._booted = loop.create_future()
        self._events = asyncio.Queue(settings.queue_limit)
        connecting = loop.create_connection(
            lambda: ManagerProtocol(self._message, lambda why: self._connection_lost(lost, why)),
            settings.host,
            settings.port,
        )
        _, self._protocol = await asyncio.wait_for(connecting, settings.connect_timeout)
        await self.ask("Login", {"Username": settings.user, "Secret": settings.secret})
        waited_for: set[asyncio.Future[Any]] = {self._booted, lost}
        await asyncio.wait(waited_for, timeout=settings.boot_timeout, return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            raise Unavailable(lost.result())
        if not self._booted.done():
            raise Unavailable(f"Asterisk was not fully booted within {settings.boot_timeout:g} s.")
        return lost

    async def _serve(self) -> None:
        await self._listener.read_back()
        self._up = True
        while True:
            for _ in range(_TURN):
                self._tell(await self._events.get())
            await asyncio.sleep(0)

    def _tell(self, event: Event) -> None:
        figures.queue_depth.set(self._events.qsize())
        try:
            self._listener.event(event)
        except Exception:
            # One event that we handle wrongly must not cost the others, nor the connection.
            figures.failures.inc()
            _log.exception("event could not be handled", ami_event=dict(event))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._settings.ping_interval)
            try:
                await self.ask("Ping", timeout=self._settings.ping_timeout)
            except OneCallError:
                if self._protocol is not None:
                    self._protocol.drop("Asterisk did not answer a ping")
                return

    def _connection_lost(self, lost: "asyncio.Future[str]", why: str) -> None:
        if not lost.done():
            lost.set_result(why)
        if lost is self._lost:
            self._fail_all(why)

    def _close(self, why: str) -> None:
        if self._protocol is not None:
            self._protocol.drop(why)
            self._protocol = None
        self._fail_all(why)

    def _fail_all(self, why: str) -> None:
        asked, self._asked = list(self._asked.values()), {}
        for one in asked:
            one.timer.cancel()
            what = f"The connection to Asterisk ended before {one.name} was answered ({why})."
            _fail(one.future, Unavailable(what, _CHECK_AGAIN))


def _fail(future: "asyncio.Future[list[Event]]", error: OneCallError) -> None:
    if not future.done():
        future.set_exception(error)


def _retrieved(future: "asyncio.Future[list[Event]]") -> None:
    """An answer that nobody waits for is not worth asyncio's complaint."""
    if not future.cancelled():
        future.exception()
