"""The FastAGI server: Asterisk connects once a call; each call is one task with an `Agi` in its hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from core.log import get_logger
from core.metrics import Counter, Gauge
from ivr.agi import Agi, AgiFault, CallerGone

_log = get_logger(__name__)
_open_calls = Gauge("onecall_ivr_calls", "Calls in the IVR now")
_ended = Counter("onecall_ivr_ended_calls_total", "Calls that left the IVR, by how it ended", ["how"])

Script = Callable[[Agi], Awaitable[None]]
"""What is done with a call. It may raise `CallerGone` at any point."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may ask of the server. Times are seconds."""

    line_bytes: int = 8192
    header_lines: int = 128
    header_seconds: float = 5.0
    call_seconds: float = 3600.0
    backlog: int = 1024


class BadHeader(Exception):
    """The peer does not open as Asterisk does."""


async def read_environment(reader: asyncio.StreamReader, limits: Limits) -> Mapping[str, str]:
    """The `agi_...: value` lines up to the empty one. Raises BadHeader, naming what is wrong."""
    env: dict[str, str] = {}
    try:
        async with asyncio.timeout(limits.header_seconds):
            for _ in range(limits.header_lines):
                raw = await reader.readline()
                if not raw.endswith(b"\n"):
                    raise BadHeader("closed inside the header")
                line = raw.decode(errors="replace").rstrip("\r\n")
                if not line:
                    return env
                name, colon, value = line.partition(":")
                if not colon or not name.startswith("agi_"):
                    raise BadHeader(f"not a header line: {line[:80]!r}")
                env[name] = value.removeprefix(" ")
    except TimeoutError:
        raise BadHeader(f"no complete header within {limits.header_seconds:g} s") from None
    except ValueError:
        raise BadHeader(f"a header line of more than {limits.line_bytes} bytes") from None
    except OSError as error:
        raise BadHeader(f"connection broken: {error}") from None
    raise BadHeader(f"more than {limits.header_lines} header lines")


class FastAgiServer:
    """Listens for Asterisk and runs `script` for each call. Nothing a peer sends, and no fault of a script, ends it.

    When the script ends, so does the connection, and the dialplan goes on; whether the call was served well is told
    by the variable that the script sets as its last deed, not by the connection.
    """

    def __init__(self, script: Script, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None) -> None:
        self._script = script
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on (after `start`)."""
        if self._server is None:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def calls(self) -> int:
        """Calls in hand now."""
        return len(self._calls)

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        limits = self._limits
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, limit=limits.line_bytes, backlog=limits.backlog
        )

    async def close(self) -> None:
        """Stop listening and let go of every call: each falls to the dialplan's survival path."""
        if self._server is None:
            return
        self._server.close()
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._calls.add(call)
        _open_calls.set(len(self._calls))
        call.add_done_callback(self._forget)

    def _forget(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        _open_calls.set(len(self._calls))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        how = "cancelled"
        try:
            how = await self._run(reader, writer)
        finally:
            _ended.labels(how).inc()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), 5)

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        try:
            env = await read_environment(reader, self._limits)
            async with asyncio.timeout(self._limits.call_seconds):
                await self._script(Agi(reader, writer, env))
        except BadHeader as error:
            _log.warning("connection refused: it does not speak AGI", why=str(error))
            return "malformed"
        except CallerGone:
            return "caller_gone"
        except AgiFault as error:
            _log.error("call lost by the IVR", why=str(error))
            return "fault"
        except TimeoutError:
            _log.error("call lost by the IVR: it took too long", seconds=self._limits.call_seconds)
            return "fault"
        except Exception:
            _log.exception("call lost by the IVR")
            return "fault"
        return "done"
