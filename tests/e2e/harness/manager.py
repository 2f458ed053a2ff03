"""A bare manager session for tests of Asterisk itself; the product's own bridge is in ``cti/``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping

from tests.patience import PATIENCE

Message = dict[str, str]


class TestManager:
    """Sends one action at a time and keeps every event in ``events``."""

    __test__ = False

    def __init__(self, server: tuple[str, int], user: str, secret: str) -> None:
        self.events: list[Message] = []
        self._server, self._user, self._secret = server, user, secret
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._news = asyncio.Condition()

    async def __aenter__(self) -> TestManager:
        self._reader, self._writer = await asyncio.open_connection(*self._server)
        await self._reader.readline()
        self._task = asyncio.create_task(self._read())
        await self.action("Login", {"Username": self._user, "Secret": self._secret})
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def action(self, name: str, fields: Mapping[str, str] | None = None, *, timeout: float = PATIENCE) -> Message:
        """Send an action and return its response, which may be an error."""
        number = f"test-{next(self._numbers)}"
        self._answers[number] = asyncio.get_running_loop().create_future()
        lines = [
            f"Action: {name}",
            f"ActionID: {number}",
            *(f"{key}: {value}" for key, value in (fields or {}).items()),
        ]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await asyncio.wait_for(self._answers[number], timeout)

    async def wait_for(self, event: str, timeout: float = PATIENCE, **fields: str) -> Message:
        """The first event (past ones too) of that name with those fields; raises TimeoutError."""

        def found() -> Message | None:
            return next((one for one in self.events if _matches(one, event, fields)), None)

        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: found() is not None)
            return found() or {}

    async def channels(self) -> list[Message]:
        """The channels that there are now, as ``Status`` tells them."""
        number = (await self.action("Status", {"AllVariables": "false"}))["ActionID"]
        await self.wait_for("StatusComplete", ActionID=number)
        return [one for one in self.events if one["Event"] == "Status" and one.get("ActionID") == number]

    async def until_quiet(self) -> None:
        """Wait until there is no channel, and until all has been told of those that there were."""
        async with asyncio.timeout(PATIENCE):
            while await self.channels():
                await asyncio.sleep(0.02)
        await self.action("UserEvent", {"UserEvent": "OcQuiet"})
        await self.wait_for("UserEvent", UserEvent="OcQuiet")

    async def reload_phones(self) -> None:
        """Make Asterisk read the agents' endpoints again."""
        done = await self.action("Reload", {"Module": "res_pjsip.so"})
        assert done["Response"] == "Success", done

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                block = (await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
                message = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
                await self._take(message)

    async def _take(self, message: Message) -> None:
        waiting = self._answers.pop(message.get("ActionID", ""), None) if "Event" not in message else None
        if waiting is not None:
            waiting.set_result(message)
        elif "Event" in message:
            async with self._news:
                self.events.append(message)
                self._news.notify_all()


def _matches(event: Message, name: str, fields: Mapping[str, str]) -> bool:
    return event["Event"] == name and all(event.get(key) == value for key, value in fields.items())
