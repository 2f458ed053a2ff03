"""The books, as the routing house sees them: a process of their own does the database's work of calls.

The calls' own process so never computes rows while a phone should ring. Nothing is lost when the bookkeeper dies: the
journal keeps its facts and sends them again, whoever asked for a ticket asks again.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from acd.ports import CallFacts, PopAndTicket
from core.bus import Bus
from core.errors import OneCallError, Unavailable
from core.journal import Fact
from core.log import get_logger
from core.pipe import Pipe
from onecall.background import Well
from onecall.bookkeeper import TOLD
from onecall.settings import Settings

_log = get_logger(__name__)
_PING_EVERY, _PING_WITHIN = 5.0, 30.0
_STORE_WITHIN, _ASK_WITHIN, _TIME_WITHIN = 60.0, 10.0, 600.0
END_WITHIN = 15.0
"""Seconds that the bookkeeper gets to finish what it does."""
_LONGEST_FACT = 100_000
_CALL_FACTS = tuple(field.name for field in fields(CallFacts))


class Books:
    """Fulfils `core.journal.Store` and `acd.ports.Stories` by asking the bookkeeper.

    A question waits for the bookkeeper to be there, within its own time.
    """

    def __init__(self, database_url: str, settings: Settings, bus: Bus) -> None:
        self._told = {
            "database": database_url,
            "log_form": settings.log_form,
            "log_level": settings.log_level,
        }
        self._bus = bus
        self._pipe: Pipe | None = None
        self._open = asyncio.Event()
        self._publishing: set[asyncio.Task[None]] = set()
        self.pid = 0
        """Of the bookkeeper; 0 while there is none."""

    # --- the process ------------------------------------------------------------------------------------------

    async def run(self, well: Well) -> None:
        """Keep a bookkeeper while this runs. Raises Unavailable when it ends or hangs; cancelled, it is let go."""
        async with self._process() as process:
            watched = asyncio.create_task(self._watch(well))
            try:
                ended = asyncio.ensure_future(process.wait())
                await asyncio.wait({ended, watched}, return_when=asyncio.FIRST_COMPLETED)
                if process.returncode is not None:
                    raise Unavailable(f"The bookkeeper's process has ended (exit code {process.returncode}).")
                process.kill()
                watched.result()
            finally:
                watched.cancel()

    async def _watch(self, well: Well) -> None:
        while True:
            await self._ask("ping", None, _PING_WITHIN)
            well()
            await asyncio.sleep(_PING_EVERY)

    @contextlib.asynccontextmanager
    async def _process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        ours, theirs = socket.socketpair()
        told = json.dumps({**self._told, "socket": theirs.fileno()})
        home = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        with theirs:
            # A session of its own: Ctrl-C is for the house, which still has facts to store before it lets go.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "onecall.bookkeeper"),
                env={**os.environ, "PYTHONPATH": path, TOLD: told},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL,
            )
        self.pid = process.pid
        self._pipe = pipe = await Pipe.on(ours, hears={"publish": self._publish})
        self._open.set()
        serving = asyncio.create_task(pipe.run())
        try:
            yield process
        finally:
            self._open.clear()
            self.pid = 0
            pipe.close()
            await _let_go(process)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    def _publish(self, told: Any) -> None:
        task = asyncio.create_task(self._published(told["topic"], told["message"]))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _published(self, topic: str, message: Mapping[str, Any]) -> None:
        try:
            await self._bus.publish(topic, message)
        except OneCallError as error:
            # The change is committed: the screens catch up when they ask.
            _log.warning("change could not be published", topic=topic, error=str(error))

    async def _ask(self, name: str, data: Any, within: float) -> Any:
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        try:
            async with asyncio.timeout_at(end):
                await self._open.wait()
        except TimeoutError:
            raise Unavailable("The bookkeeper's process is not there.", "It is started again by itself.") from None
        assert self._pipe is not None
        return await self._pipe.ask(name, data, max(0.0, end - loop.time()))

    # --- core.journal.Store -----------------------------------------------------------------------------------

    async def store(self, facts: Sequence[Fact]) -> Mapping[str, str]:
        """Store facts, each once; see `core.journal.Store`."""
        rows = [(f.at, f.kind, f.interaction_id, f.agent_id, dict(f.data), f.id) for f in facts]
        # A line that the pipe cannot carry would be sent again for ever.
        longer = {row[-1]: f"longer than {_LONGEST_FACT} characters" for row in rows if len(repr(row)) > _LONGEST_FACT}
        told = [row for row in rows if row[-1] not in longer]
        return {**longer, **await self._ask("store", told, _STORE_WITHIN)}

    # --- acd.ports.Stories ------------------------------------------------------------------------------------

    async def pop(self, facts: CallFacts) -> PopAndTicket:
        """The pop of this call, and its ticket if it has one already."""
        return PopAndTicket(**await self._ask("pop", _told(facts), _ASK_WITHIN))

    async def open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> str:
        """The ticket of this call."""
        asked = {"facts": _told(facts), "agent_id": agent_id, "at": at}
        return str(await self._ask("open_ticket", asked, _ASK_WITHIN))

    async def call_back_given_up(self, facts: CallFacts, number: str, at: float) -> None:
        """A promised call-back reached nobody."""
        await self._ask("call_back_given_up", {"facts": _told(facts), "number": number, "at": at}, _ASK_WITHIN)

    # --- time ---------------------------------------------------------------------------------------------------

    async def break_promises(self) -> None:
        """Mark promises that came due."""
        await self._ask("promises", None, _TIME_WITHIN)

    async def freeze_figures(self) -> None:
        """Write down the figures of days that have become final."""
        await self._ask("figures", None, _TIME_WITHIN)


def _told(facts: CallFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in _CALL_FACTS}


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """It ends by itself once the socket is closed, after what it is doing; one that hangs is ended."""
    try:
        async with asyncio.timeout(END_WITHIN):
            await process.wait()
    except TimeoutError:
        _log.error("the bookkeeper does not end and is killed", pid=process.pid)
        process.kill()
        await process.wait()
