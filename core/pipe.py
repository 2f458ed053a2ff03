"""Questions and answers between two processes of ours over one socket: one JSON object a line.

Each end may ask, and may tell without an answer. Questions are answered side by side, tellings heard in order. When
the other end has closed, whatever waits for an answer fails with Unavailable.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from core.errors import OneCallError, Unavailable, error_from_dict
from core.log import get_logger

_log = get_logger(__name__)
_LONGEST_LINE = 64_000_000
_as_json = json.JSONEncoder(separators=(",", ":")).encode

Answer = Callable[[Any], Awaitable[Any]]
Hear = Callable[[Any], None]


class Pipe:
    """One end. `answers` and `hears`: what is done by the name of the question or telling, with its data."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answers: Mapping[str, Answer] | None = None,
        hears: Mapping[str, Hear] | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answers = answers or {}
        self._hears = hears or {}
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._closed = False
        self._answering: set[asyncio.Task[None]] = set()

    @classmethod
    async def on(
        cls,
        end: socket.socket,
        answers: Mapping[str, Answer] | None = None,
        hears: Mapping[str, Hear] | None = None,
    ) -> Self:
        """The pipe on one end of a socket pair."""
        reader, writer = await asyncio.open_connection(sock=end, limit=_LONGEST_LINE)
        return cls(reader, writer, answers, hears)

    async def run(self) -> None:
        """Serve until the other end has closed; what is being answered then is finished first."""
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            pass
        finally:
            self._end()
        await asyncio.gather(*self._answering)

    async def ask(self, name: str, data: Any, timeout: float) -> Any:
        """The answer. Raises what the other end raised (a OneCallError; anything else as Unavailable), and
        Unavailable when it closes or has not answered within `timeout` seconds."""
        self._last += 1
        number = self._last
        self._send({"ask": name, "id": number, "data": data})
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise Unavailable(f"{name} was not answered within {timeout:g} seconds.") from None
        finally:
            self._asked.pop(number, None)

    def tell(self, name: str, data: Any) -> None:
        """Say something that needs no answer. Raises Unavailable when the other end has closed."""
        self._send({"tell": name, "data": data})

    def close(self) -> None:
        """Say goodbye: the other end finishes what it does."""
        self._end()
        self._writer.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._closed or self._writer.is_closing():
            raise Unavailable("The other process has gone.")
        self._writer.write(_as_json(message).encode() + b"\n")

    def _take(self, message: Mapping[str, Any]) -> None:
        if "ask" in message:
            task = asyncio.create_task(self._answer(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif "tell" in message:
            self._hears[message["tell"]](message["data"])
        elif (future := self._asked.get(message["id"])) is not None and not future.done():
            if "error" in message:
                future.set_exception(error_from_dict(message["error"]))
            else:
                future.set_result(message["answer"])

    async def _answer(self, message: Mapping[str, Any]) -> None:
        reply: dict[str, Any] = {"id": message["id"]}
        try:
            reply["answer"] = await self._answers[message["ask"]](message["data"])
        except OneCallError as error:
            reply["error"] = error.as_dict()
        except Exception as error:
            _log.exception("a question of the other process failed", asked=message["ask"])
            reply["error"] = Unavailable(f"{type(error).__name__}: {error}"[:300]).as_dict()
        try:
            self._send(reply)
        except Unavailable:
            _log.info("nobody is there for an answer", asked=message["ask"])

    def _end(self) -> None:
        self._closed = True
        for future in self._asked.values():
            if not future.done():
                future.set_exception(Unavailable("The other process has gone."))
