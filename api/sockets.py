"""What the desk socket and the floor socket have in common: the door, the beat, commands, the end."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fastapi import WebSocket
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api.access import Gate, sessions_of
from api.commands import message_for
from api.deps import ApiDeps, deps_of
from api.errors import DATABASE_ERRORS, from_validation, told
from api.hub import OVERLOAD, POLICY, REFUSED, SIGNED_OUT, Hub, Wire, encode
from api.schemas.desk import Command
from api.sessions import Caller
from core.clock import iso
from core.ending import end
from core.errors import Forbidden, Invalid, OneCallError, SignInNeeded, Unavailable
from core.log import get_logger
from core.once import Once

_MESSAGE_LIMIT = 16_384
_COMMANDS_WAITING = 32
_log = get_logger(__name__)


async def enter(socket: WebSocket, entry: Caller | OneCallError) -> Caller | None:
    """Accept the socket of a caller who may come in; everybody else is told why not, and None is returned."""
    if not _own_origin(socket):
        await socket.close(POLICY)
        return None
    await socket.accept()
    if isinstance(entry, SignInNeeded):
        await socket.send_text(encode({"type": "signed_out"}))
        await socket.close(SIGNED_OUT)
        return None
    if isinstance(entry, Unavailable):
        await socket.send_text(encode({"type": "unavailable", "error": told(entry)}))
        await socket.close(OVERLOAD)
        return None
    if isinstance(entry, OneCallError):
        await socket.send_text(encode({"type": "refused", "error": told(entry)}))
        await socket.close(REFUSED)
        return None
    return entry


def _own_origin(socket: WebSocket) -> bool:
    """A page of another site must not speak with the user's cookie. Clients that are no browsers send no origin."""
    origin = socket.headers.get("origin")
    if origin is None or origin in deps_of(socket).settings.allowed_origins:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()


class Connection:
    """One open socket. Subclasses say what `state` is and what else the browser may say."""

    def __init__(self, socket: WebSocket, wire: Wire, gate: Gate) -> None:
        self.socket = socket
        self.wire = wire
        self.deps: ApiDeps = deps_of(socket)
        self._gate = gate
        self._sessions = sessions_of(socket)
        self._hub: Hub = socket.app.state.hub
        self._once: Once[Mapping[str, Any]] = socket.app.state.once
        self._commands: asyncio.Queue[Command] = asyncio.Queue(_COMMANDS_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def caller(self) -> Caller:
        """Who is at the other end; roles are read anew with each beat."""
        return self.wire.caller

    async def run(self) -> None:
        """Serve until either side ends."""
        self._hub.join(self.wire)
        beat = asyncio.create_task(self._beat())
        parts = {beat, *(asyncio.create_task(part) for part in (self._pump(), self._receive(), self._work()))}
        try:
            await _until_one_ends(parts, beat)
        finally:
            self._hub.leave(self.wire)
            await end(parts)
            await self.left()

    async def refresh(self) -> None:
        """Read the state anew and put it on the wire. Raises OneCallError."""
        raise NotImplementedError

    async def hear(self, message: Mapping[str, Any]) -> None:
        """A message other than commands and pongs. Raises Invalid or pydantic's ValidationError."""
        raise Invalid(f"A message of type {message.get('type')!r} is not known here.", "See docs/contracts.md.")

    async def left(self) -> None:
        """The socket is closed."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; it ends with its own errors logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request to the routing process. Raises OneCallError."""
        return await self.deps.bus.request("acd", message, self.deps.settings.command_timeout)

    async def _pump(self) -> None:
        code = await self.wire.pump(self.socket.send_text)
        with suppress(RuntimeError):
            await self.socket.close(code)

    async def _receive(self) -> None:
        while self.socket.application_state is WebSocketState.CONNECTED:
            text = await self.socket.receive_text()
            try:
                await self._on_text(text)
            except ValidationError as error:
                self._refuse(from_validation(error.errors()))
            except OneCallError as error:
                self._refuse(error)

    async def _on_text(self, text: str) -> None:
        message = _decode(text)
        if message.get("type") == "pong":
            return
        if message.get("type") != "cmd":
            await self.hear(message)
            return
        command = Command.model_validate(message)
        try:
            self._commands.put_nowait(command)
        except asyncio.QueueFull:
            _log.warning("too many commands at once", user=self.caller.login)
            self.wire.end(None, OVERLOAD)

    def _refuse(self, error: OneCallError) -> None:
        self.wire.say({"type": "refused", "error": told(error)})

    async def _work(self) -> None:
        """Commands are carried out one after the other, in the order they came."""
        while True:
            command = await self._commands.get()
            error = await self._carry_out(command)
            reply: dict[str, Any] = {"type": "reply", "id": command.id}
            self.wire.say(reply if error is None else {**reply, "error": told(error)})

    async def _carry_out(self, command: Command) -> OneCallError | None:
        """None when it is done, else why not. It goes on even when this connection ends meanwhile."""
        try:
            message = message_for(self.caller, command.id, command.cmd, command.args)
            await self._once.do(self.caller.agent_id or self.caller.user_id, command.id, lambda: self.ask(message))
        except OneCallError as error:
            return error
        except Exception:
            _log.exception("command failed", command=command.cmd)
            return Unavailable("The server failed to do this.", "Look at the desk, and try again if it is not done.")
        return None

    async def _beat(self) -> None:
        """Each beat: say that we are here, see that the session still is, and make up for anything the bus lost."""
        known = True
        while True:
            pause = self.deps.settings.ping_seconds if known else min(1.0, self.deps.settings.ping_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.wire.recheck.wait()
            self.wire.recheck.clear()
            if not await self._still_allowed():
                return
            self.wire.say({"type": "ping", "at": iso(self.deps.clock.now())})
            known = await self.try_refresh()

    async def try_refresh(self) -> bool:
        """Refresh; when routing does not answer, say so and return False."""
        try:
            await self.refresh()
        except OneCallError as error:
            self.wire.say({"type": "unavailable", "error": told(error)})
            return False
        return True

    async def _still_allowed(self) -> bool:
        try:
            self.wire.caller = await self._sessions.still(self.caller)
            self._gate.check(self.caller)
        except SignInNeeded:
            self.wire.end({"type": "signed_out"}, SIGNED_OUT)
            return False
        except Forbidden as error:
            self.wire.end({"type": "refused", "error": told(error)}, REFUSED)
            return False
        except (SQLAlchemyError, *DATABASE_ERRORS):
            # A database that is away must not throw out agents who are talking.
            _log.warning("session could not be checked", user=self.caller.login)
        return True


async def _until_one_ends(parts: set[asyncio.Task[None]], beat: asyncio.Task[None]) -> None:
    """The beat may end by leaving a farewell on the wire, which the pump then has still to say."""
    pending = parts
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        errors = [error for part in done if (error := part.exception())]
        for error in errors:
            if not isinstance(error, WebSocketDisconnect):
                _log.error("socket failed", exc_info=error)
        if errors or done != {beat}:
            return


def _decode(text: str) -> Mapping[str, Any]:
    if len(text) > _MESSAGE_LIMIT:
        raise Invalid(f"A message of {len(text)} characters is too long.", f"Send at most {_MESSAGE_LIMIT}.")
    try:
        message = json.loads(text)
    except ValueError:
        raise Invalid("The message is not JSON.", "Send one JSON object a message.") from None
    if not isinstance(message, dict):
        raise Invalid("The message is not a JSON object.", "Send one JSON object a message.")
    return message
