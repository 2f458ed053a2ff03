"""One call on Asterisk's gateway interface (AGI): say a command, read its reply, notice that the caller has gone.

Source of the line forms: Asterisk's `res_agi.c` and https://docs.asterisk.org (Asterisk Gateway Interface).
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST_COMMAND = 2000
"""Bytes. Asterisk reads a line into 2,048 bytes and takes the rest of a longer one for the next command."""
_QUICK = 10.0
_LONGEST_PROMPT = 180.0
_REPLY = re.compile(r"(\d{3})([ -])(.*)", re.DOTALL)
_RESULT = re.compile(r"result=(\S*)(.*)", re.DOTALL)
_VALUE = re.compile(r"\((.*)\)", re.DOTALL)
_ENDPOS = re.compile(r"endpos=(\d+)\s*$")
_TRYING, _DONE, _DEAD, _USAGE = 100, 200, 511, 520
ANY_KEY = "0123456789*#"


class CallerGone(Exception):
    """The channel has left us: hung up, or redirected elsewhere. The script ends; it is no fault."""


class AgiFault(Exception):
    """Asterisk refused a command, said something unreadable or did not answer in time."""


class SoundMissing(AgiFault):
    """Asterisk could not open a sound file. The call can go on."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer to one command. `endpos`: samples played or recorded, where the command tells."""

    code: int
    result: str
    value: str | None = None
    endpos: int | None = None


def quote(word: str) -> str:
    """`word` as one argument of a command line. Raises ValueError when it could break out of the line."""
    if any(letter in "\r\n\0" for letter in word):
        raise ValueError(f"a line break or NUL cannot be sent to Asterisk: {word!r}")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_reply(line: str) -> Reply:
    """A reply line, without its line end. Raises AgiFault when it is none."""
    matched = _REPLY.fullmatch(line)
    if matched is None:
        raise AgiFault(f"unreadable reply {line[:200]!r}")
    code, text = int(matched[1]), matched[3]
    result = _RESULT.match(text)
    if result is None:
        return Reply(code, "", text)
    rest = result[2]
    endpos = _ENDPOS.search(rest)
    value = _VALUE.search(rest[: endpos.start()] if endpos else rest)
    return Reply(code, result[1], value[1] if value else None, int(endpos[1]) if endpos else None)


def _key(result: str) -> str:
    """The key that a result code stands for; empty for none."""
    try:
        code = int(result)
    except ValueError:
        raise AgiFault(f"unreadable result {result!r}") from None
    if code < 0:
        raise CallerGone
    return chr(code) if 0 < code < 128 else ""


class Agi:
    """A caller's channel under our command. Commands are said one at a time; each raises `CallerGone` or `AgiFault`.

    `env` holds what Asterisk told at the start (`agi_callerid`, `agi_extension`, ...). Times are seconds.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, env: Mapping[str, str]) -> None:
        self.env = env
        self._reader = reader
        self._writer = writer
        self._gone = False

    async def command(self, name: str, *words: str | int, timeout: float = _QUICK) -> Reply:
        """Say one command (`name` as Asterisk writes it, the words are quoted) and wait for its reply.

        Raises ValueError for a word that cannot be sent.
        """
        if self._gone:
            raise CallerGone
        line = " ".join([name, *(quote(word) if isinstance(word, str) else str(word) for word in words)]).encode()
        if len(line) > _LONGEST_COMMAND:
            raise ValueError(f"command {name} has {len(line)} bytes; Asterisk takes {_LONGEST_COMMAND}")
        try:
            async with asyncio.timeout(timeout):
                self._writer.write(line + b"\n")
                await self._writer.drain()
                return await self._read_reply(name)
        except TimeoutError:
            self._gone = True
            raise AgiFault(f"no reply to {name} within {timeout:g} s") from None
        except OSError:
            self._gone = True
            raise CallerGone from None

    async def _read_reply(self, name: str) -> Reply:
        while True:
            line = await self._read_line()
            if line == "HANGUP":
                self._gone = True
                raise CallerGone
            reply = parse_reply(line)
            if reply.code == _TRYING:
                continue
            if reply.code == _DEAD:
                self._gone = True
                raise CallerGone
            if reply.code == _USAGE and line[3] == "-":
                await self._skip_usage()
            if reply.code != _DONE:
                raise AgiFault(f"Asterisk refuses {name}: {line[:200]}")
            return reply

    async def _skip_usage(self) -> None:
        while not (await self._read_line()).startswith("520 "):
            pass

    async def _read_line(self) -> str:
        try:
            line = await self._reader.readline()
        except ValueError:
            self._gone = True
            raise AgiFault("a reply is longer than any that Asterisk sends") from None
        if not line.endswith(b"\n"):
            self._gone = True
            raise CallerGone
        return line.decode(errors="replace").rstrip("\r\n")

    async def answer(self) -> None:
        """Answer the call, if that is still to be done."""
        if int((await self.command("ANSWER", timeout=30)).result or 0) < 0:
            raise CallerGone

    async def play(self, file: str, keys: str = "") -> str:
        """Play a sound file (path without ending) and return the key of `keys` that cut it short, or "".

        Raises SoundMissing when Asterisk could not open the file: the caller has heard nothing.
        """
        reply = await self.command("STREAM FILE", file, keys, timeout=_LONGEST_PROMPT)
        key = _key(reply.result)
        if not key and reply.endpos == 0:
            raise SoundMissing(f"Asterisk cannot play {file}")
        return key

    async def wait_for_digit(self, seconds: float) -> str:
        """The next key pressed within `seconds`, or ""."""
        reply = await self.command("WAIT FOR DIGIT", int(seconds * 1000), timeout=seconds + _QUICK)
        return _key(reply.result)

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable."""
        await self.command("SET VARIABLE", name, value)

    async def get_variable(self, name: str) -> str:
        """A channel variable; empty when it is not set."""
        reply = await self.command("GET VARIABLE", name)
        return (reply.value or "") if reply.result == "1" else ""

    async def evaluate(self, expression: str) -> str:
        """A dialplan expression such as `${A}|${B}`, with its variables put in."""
        return (await self.command("GET FULL VARIABLE", expression)).value or ""

    async def record(self, file: str, form: str, *, max_seconds: float, end_keys: str, silence: int) -> int:
        """Record the caller into `file`.`form` until a key, `silence` seconds of it, or the time is over.

        Returns the samples recorded. Raises CallerGone when the caller ended the call: the file is there all the same.
        """
        words: list[str | int] = [file, form, end_keys, int(max_seconds * 1000), "BEEP", f"s={silence}"]
        reply = await self.command("RECORD FILE", *words, timeout=max_seconds + _QUICK)
        if reply.value == "hangup" or reply.result == "-1":
            raise CallerGone
        return reply.endpos or 0

    async def execute(self, application: str, argument: str = "", *, timeout: float = _QUICK) -> str:
        """Run a dialplan application; returns its result, `-2` being that there is no such application."""
        return (await self.command("EXEC", application, argument, timeout=timeout)).result

    async def music(self, on: bool) -> None:
        """Begin or end music that plays while the script does something else."""
        await self.command("SET MUSIC ON" if on else "SET MUSIC OFF", "default")

    async def gosub(self, context: str) -> None:
        """Run a subroutine of the dialplan (its extension `s`). Raises AgiFault when there is none."""
        reply = await self.command("GOSUB", context, "s", "1", timeout=30)
        if reply.result.startswith("-"):
            raise AgiFault(f"the dialplan's subroutine {context} failed")

    async def hang_up(self) -> None:
        """End the call."""
        await self.command("HANGUP")
