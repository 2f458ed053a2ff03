"""The other end of AGI for tests: a channel that answers commands as Asterisk does, with keys pressed by script."""

import asyncio
import re
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from ivr.agi import Agi

_WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
SILENCE = ""
HANG_UP = "HANG_UP"


def split(line: str) -> list[str]:
    """The words of a command line, unquoted as Asterisk unquotes them."""
    return [
        re.sub(r"\\(.)", r"\1", quoted) if bare == "" else bare
        for quoted, bare in ((m[1] or "", m[2] or "") for m in _WORDS.finditer(line))
    ]


class Channel:
    """A caller's channel. `keys`: what happens at each moment at which a key could be pressed.

    A key, `SILENCE` (nothing until the time is over) or `HANG_UP`. A key written `!1` is pressed while a prompt plays.
    When the list is empty, nothing more is pressed.
    """

    def __init__(self, keys: Iterable[str] = (), variables: dict[str, str] | None = None) -> None:
        self.keys = deque(keys)
        self.variables = dict(variables or {})
        self.played: list[str] = []
        self.commands: list[list[str]] = []
        self.gosubs: list[str] = []
        self.hung_up = False
        self.recorded: str | None = None
        self.missing: set[str] = set()
        self.hang_up_at: str | None = None
        """Hang up when a command with this beginning comes."""

    def answer(self, line: str) -> str:
        """The reply to a command line; a reply beginning with HANGUP tells that the caller has gone."""
        words = split(line)
        self.commands.append(words)
        if self.hang_up_at is not None and line.startswith(self.hang_up_at):
            return "HANGUP\n511 Command Not Permitted on a dead channel or intercept routine"
        for name, reply in self._deeds():
            if words[: len(name)] == list(name):
                return reply(*words[len(name) :])
        return "510 Invalid or unknown command"

    def _deeds(self):  # type: ignore[no-untyped-def]
        return [
            (("ANSWER",), lambda: "200 result=0"),
            (("SET", "VARIABLE"), self._set),
            (("SET", "MUSIC"), lambda *_: "200 result=0"),
            (("GET", "VARIABLE"), self._get),
            (("GET", "FULL", "VARIABLE"), self._evaluate),
            (("STREAM", "FILE"), self._play),
            (("WAIT", "FOR", "DIGIT"), self._wait),
            (("RECORD", "FILE"), self._record),
            (("GOSUB",), self._gosub),
            (("EXEC",), lambda *_: "200 result=0"),
            (("HANGUP",), self._hang_up),
        ]

    def _set(self, name: str, value: str) -> str:
        self.variables[name] = value
        return "200 result=1"

    def _get(self, name: str) -> str:
        return f"200 result=1 ({self.variables[name]})" if name in self.variables else "200 result=0"

    def _evaluate(self, expression: str) -> str:
        told = re.sub(r"\$\{(\w+)\}", lambda m: self.variables.get(m[1], ""), expression)
        return f"200 result=1 ({told})"

    def _play(self, file: str, keys: str, *_: str) -> str:
        if file in self.missing:
            return "200 result=0 endpos=0"
        self.played.append(file)
        if self.keys and self.keys[0].startswith("!") and self.keys[0][1] in keys:
            return f"200 result={ord(self.keys.popleft()[1])} endpos=800"
        return "200 result=0 endpos=8000"

    def _wait(self, _milliseconds: str) -> str:
        key = self.keys.popleft() if self.keys else SILENCE
        if key == HANG_UP:
            return "HANGUP\n200 result=-1"
        return f"200 result={ord(key[-1]) if key else 0}"

    def _record(self, file: str, *_: str) -> str:
        self.recorded = file
        key = self.keys.popleft() if self.keys else SILENCE
        if key == HANG_UP:
            return "200 result=-1 (hangup) endpos=16000"
        return "200 result=35 (dtmf) endpos=16000" if key else "200 result=0 (timeout) endpos=16000"

    def _gosub(self, context: str, *_: str) -> str:
        self.gosubs.append(context)
        return "100 result=0 Trying...\n200 result=0 Gosub complete"

    def _hang_up(self) -> str:
        self.hung_up = True
        return "200 result=1"


async def serve(channel: Channel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer commands until the script closes."""
    with suppress(ConnectionError):
        while line := await reader.readline():
            writer.write(channel.answer(line.decode().rstrip("\n")).encode() + b"\n")
    writer.close()


class Connected:
    """`async with Connected(channel) as agi:` the script's side of a call whose other side is `channel`."""

    def __init__(self, channel: Channel, env: dict[str, str] | None = None) -> None:
        self._channel = channel
        self._env = env or {}

    async def __aenter__(self) -> Agi:
        ours, theirs = socket.socketpair()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._peer = asyncio.create_task(serve(self._channel, *await asyncio.open_connection(sock=theirs)))
        return Agi(reader, self._writer, self._env)

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._peer
