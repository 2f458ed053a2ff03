"""The journal of facts: what happened, told once, never lost, never doubled.

A fact is first appended to a file (it survives `kill -9` of the process and an absent database), then a background
drain moves it into the database in batches. The fact's row and all that is projected from it are written in one
transaction, and a fact whose id is already there is passed over: that makes each projection happen exactly once.
Files are closed and deleted when all in them is in the database.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from core.errors import OneCallError
from core.fact_files import FactFiles
from core.ids import is_id, new_id
from core.log import get_logger
from core.metrics import Counter, Gauge

_log = get_logger(__name__)
_spooled = Gauge("onecall_journal_spooled_facts", "Facts on disk that are not in the database yet")
_drained = Counter("onecall_journal_drained_facts_total", "Facts moved into the database")
_failures = Counter("onecall_journal_drain_failures_total", "Batches that the database refused or could not take")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened. `at`: epoch seconds, UTC. Kinds and their `data`: docs/contracts.md."""

    at: float
    kind: str
    interaction_id: str | None = None
    agent_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


class Store(Protocol):
    """Where facts go from the files (`core.facts.FactStore`, or the process that has one)."""

    async def store(self, facts: Sequence[Fact]) -> Mapping[str, str]:
        """Store them, each once. Returns id → why of those that never can be; raises when it is worth trying again."""


Alarm = Callable[[str, str, Mapping[str, str], bool], None]
"""Told of an alarm: its id, severity and values, and whether it is raised or over."""

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_GATHER = 0.25
"""Seconds for which facts gather before they are stored: a call's facts together cost little more than one of them."""
_BATCH = 100
"""Facts a transaction: few enough that others who write need not wait long."""
_BREATH = 0.03
"""Seconds between the transactions of a backlog: others who write to the same SQLite file find it free."""
_OVERHEARD = 50_000
_LOOK = 1.0
_LEAST_FREE = 100_000_000
_CLEAR_ABOVE = 1.1
_STOP_WITHIN = 10.0


def no_alarm(alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
    """Where there is nobody to be told."""


class Journal:
    """Append facts here; they reach the database by themselves.

    One process owns a folder at a time (it is locked). `append` blocks on neither the database nor a full disk: it
    costs one write to a file (about 8 µs). A write the disk refuses keeps the fact in memory; run `watch` beside, which
    tries it again and raises the alarm.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self._store = store
        self._queue: list[Fact] = []
        self._wake = asyncio.Event()
        self._drain_task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self.overheard: list[Fact] | None = None
        """Whoever must know what is told from a moment on puts a list here; None again once it has grown too long."""
        self._drained = asyncio.Event()
        self._drained.set()
        self._files = FactFiles(folder)
        _spooled.set_function(lambda: len(self._queue))
        self._database_problem = ""

    def append(self, fact: Fact) -> None:
        """Tell a fact. It is on its way to disk when this returns."""
        self._files.append(_line(fact))
        self._queue.append(fact)
        if self.overheard is not None:
            self.overheard.append(fact)
            if len(self.overheard) > _OVERHEARD:
                self.overheard = None
        self._drained.clear()
        self._wake.set()

    async def start(self) -> None:
        """Read what an earlier life left on disk and start moving facts into the database."""
        self._queue[:0] = self._left_over()
        if self._queue:
            self._drained.clear()
            self._wake.set()
        self._drain_task = asyncio.create_task(self._drain_for_ever())

    def _left_over(self) -> list[Fact]:
        facts: list[Fact] = []
        for path, number, line in self._files.left_over():
            try:
                facts.append(_read(line))
            except (ValueError, TypeError, RecursionError):
                text = line[:200].decode(errors="replace")
                _log.error("journal line is no fact; its file is kept aside", file=path.name, line=number, text=text)
                self._files.cannot_read(path)
        return facts

    async def settled(self, timeout: float = 10.0) -> None:
        """Wait until every fact told so far is in the database. Raises TimeoutError."""
        self._hurry.set()
        async with asyncio.timeout(timeout):
            await self._drained.wait()

    async def stop(self) -> None:
        """Move what can be moved now; what cannot stays on disk for the next start."""
        if self._drain_task is not None:
            self._drain_task.cancel()
            await asyncio.gather(self._drain_task, return_exceptions=True)
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                while self._queue:
                    await self._drain_batch()
            self._files.forget()
        except Exception as error:
            while self._files.write_some():
                continue
            _log.warning("facts stay on disk until the next start", count=len(self._queue), error=repr(error))
        if self._files.waiting:
            _log.error("facts are lost: neither disk nor database took them", count=self._files.waiting)
        self._files.close()

    async def watch(self, alarm: Alarm) -> None:
        """Try again what the disk refused, look after its room, and tell `alarm` of what people must know.

        Runs until cancelled. Alarms: `journal` (the disk), `journal_aside` (files set aside), `database`.
        """
        raised: set[str] = set()
        while True:
            more = self._files.write_some()
            try:
                problems = await asyncio.to_thread(self._problems, "journal" in raised)
            except OSError as error:
                problems = {"journal": {"problem": error.strerror or str(error)}}
            if self._database_problem:
                problems["database"] = {"problem": self._database_problem}
            for alarm_id in sorted(problems.keys() - raised):
                alarm(alarm_id, "critical", problems[alarm_id], True)
            for alarm_id in sorted(raised - problems.keys()):
                alarm(alarm_id, "critical", {}, False)
            raised = set(problems)
            await asyncio.sleep(0 if more else _LOOK)

    def _problems(self, disk_was_short: bool) -> dict[str, dict[str, str]]:
        """What the files say, by alarm; blocks for as long as the disk needs."""
        found: dict[str, dict[str, str]] = {}
        free = self._files.free_bytes()
        if self._files.problem:
            found["journal"] = {"problem": self._files.problem}
        elif free < _LEAST_FREE * (_CLEAR_ABOVE if disk_was_short else 1):
            found["journal"] = {"problem": f"{free // 1_000_000} MB"}
        if aside := self._files.aside():
            found["journal_aside"] = {"files": ", ".join(aside[:3]) + (" …" if len(aside) > 3 else "")}
        return found

    async def _drain_for_ever(self) -> None:
        pause = 0.1
        while True:
            await self._wake.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER):
                    await self._hurry.wait()
            try:
                await self._drain_batch()
                while self._queue:
                    await asyncio.sleep(_BREATH)
                    await self._drain_batch()
                self._wake.clear()
                self._hurry.clear()
                self._drained.set()
                self._files.forget()
                pause, self._database_problem = 0.1, ""
            except Exception as error:
                # Whatever it is, it was not the facts: they wait and are tried again for ever.
                _failures.inc()
                _log.warning("facts wait on disk for the database", count=len(self._queue), error=repr(error))
                if pause > 1:
                    self._database_problem = error.what if isinstance(error, OneCallError) else type(error).__name__
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _drain_batch(self) -> None:
        batch = self._queue[:_BATCH]
        refused = await self._store.store(batch)
        for fact in batch:
            if fact.id in refused:
                _log.error("fact is refused and set aside", fact_id=fact.id, kind=fact.kind, why=refused[fact.id])
                self._files.set_aside(fact.id, _line(fact))
        self._stored(len(batch))

    def _stored(self, count: int) -> None:
        """The oldest `count` facts need neither memory nor disk any more."""
        del self._queue[:count]
        self._files.keep_newest(len(self._queue))
        _drained.inc(count)


def _line(fact: Fact) -> bytes:
    told = [fact.id, fact.at, fact.kind, fact.interaction_id, fact.agent_id, fact.data]
    return _as_json(told).encode() + b"\n"


def _read(line: bytes) -> Fact:
    """The fact that `_line` wrote. Raises ValueError or TypeError for anything else."""
    fact_id, at, kind, interaction_id, agent_id, data = json.loads(line)
    if not (is_id(fact_id) and isinstance(kind, str) and isinstance(data, dict)):
        raise ValueError("not a fact")
    return Fact(float(at), kind, interaction_id, agent_id, data, fact_id)
