"""One connection to the manager interface: every action is written once and answered, refused or timed out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from panoramisk.actions import Action

from core.errors import Conflict, OneCallError, Unavailable
from core.log import get_logger
from cti import figures
from cti.protocol import Event, ManagerProtocol, new_action
from cti.settings import ManagerSettings

_log = get_logger(__name__)
_WRITE_LIMIT = 1_000_000
_CHECK_AGAIN = "Asterisk cannot be reached; calls go on. Try again when it is back."

Fields = Mapping[str, str | Sequence[str]]
Answers = list[Event]


class Refused(Conflict):
    """Asterisk answered an action with an error: the channel or room is not (any more) what we thought."""

    code = "refused_by_asterisk"


@dataclass(slots=True)
class _Asked:
    """An action that waits for its answer; a listing collects events until its end."""

    name: str
    future: "asyncio.Future[Answers]"
    timer: asyncio.TimerHandle
    listing: bool
    heard: Answers


class Connection:
    """Actions out, answers and events in.

    When it ends before an action was answered, that action fails with Unavailable and is never sent again: whoever
    asked learns from Asterisk's state what became of it. A late answer is dropped.
    """

    def __init__(self, settings: ManagerSettings, on_event: Callable[[Event], None]) -> None:
        self._settings = settings
        self._on_event = on_event
        self._protocol: ManagerProtocol | None = None
        self._asked: dict[str, _Asked] = {}
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it has ended, once it has."""

    async def open(self, *, events: bool) -> None:
        """Connect and sign in. Raises OSError, TimeoutError, Refused and Unavailable."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        # Not wait_for: before Python 3.12 it can swallow a cancellation, and then nothing would ever end us.
        async with asyncio.timeout(settings.connect_timeout):
            _, self._protocol = await loop.create_connection(
                lambda: ManagerProtocol(self._message, self._lost), settings.host, settings.port
            )
        told = {"Username": settings.user, "Secret": settings.secret, "Events": "on" if events else "off"}
        await self.ask("Login", told)

    def close(self, why: str) -> None:
        """End it now, without waiting for a peer that may be dead."""
        if self._protocol is not None:
            self._protocol.drop(why)
        self._lost(why)

    async def ask(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> Event:
        """Carry out an action and return its answer. Raises Refused (Asterisk said no) and Unavailable."""
        return (await self.start([(name, fields or {})], timeout)[0])[-1]

    async def listing(self, name: str, fields: Fields | None = None, timeout: float | None = None) -> Answers:
        """The events of an action that answers with a list. Raises Refused and Unavailable."""
        return (await self._write([new_action(name, fields or {})], timeout, listing=True)[0])[1:-1]

    def start(
        self, actions: Sequence[tuple[str, Fields]], timeout: float | None = None
    ) -> "list[asyncio.Future[Answers]]":
        """Send actions in one write, at once, and return the futures of their answers.

        Raises Unavailable when the connection has ended, Invalid when a value cannot be sent; then nothing was sent.
        """
        return self._write([new_action(name, fields) for name, fields in actions], timeout, listing=False)

    def _write(
        self, actions: Sequence[Action], timeout: float | None, *, listing: bool
    ) -> "list[asyncio.Future[Answers]]":
        if self._protocol is None:
            raise Unavailable("There is no connection to Asterisk.", _CHECK_AGAIN)
        try:
            self._protocol.send_all(actions)
        except ConnectionError as error:
            raise Unavailable(f"The connection to Asterisk has ended: {error}.", _CHECK_AGAIN) from None
        answers = [self._expect(action, timeout or self._settings.action_timeout, listing) for action in actions]
        if self._protocol.transport.get_write_buffer_size() > _WRITE_LIMIT:
            self._protocol.drop("Asterisk does not read what we send")
        return answers

    def _expect(self, action: Action, timeout: float, listing: bool) -> "asyncio.Future[Answers]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answers] = loop.create_future()
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
        elif asked is not None and asked.listing:
            asked.heard.append(message)
            if message.get("EventList") == "Complete" or message["Event"].endswith("Complete"):
                self._done(message["ActionID"], asked)
        else:
            self._on_event(message)

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

    def _lost(self, why: str) -> None:
        if self.ended.done():
            return
        self.ended.set_result(why)
        asked, self._asked = list(self._asked.values()), {}
        for one in asked:
            one.timer.cancel()
            what = f"The connection to Asterisk ended before {one.name} was answered ({why})."
            _fail(one.future, Unavailable(what, _CHECK_AGAIN))


def _fail(future: "asyncio.Future[Answers]", error: OneCallError) -> None:
    if not future.done():
        future.set_exception(error)


def _retrieved(future: "asyncio.Future[Answers]") -> None:
    """An answer that nobody waits for is not worth asyncio's complaint."""
    if not future.cancelled():
        future.exception()
