"""The journal of facts: what happened, told once, never lost, never doubled.

A fact is first appended to a file (it survives `kill -9` of the process and an absent database), then a background
drain moves it into the database in batches. The fact's row and all that is projected from it are written in one
transaction, and a fact whose id is already there is passed over: that makes each projection happen exactly once.
Files are closed and deleted when all in them is in the database.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Float, String, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from core.db import Base, Database, is_wrong_data
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


class FactRow(Base):
    """The fact as stored; append only."""

    __tablename__ = "fact"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    interaction_id: Mapped[str | None] = mapped_column(String(64), index=True)
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    data: Mapped[dict[str, Any]]


Project = Callable[[AsyncSession, Fact], Awaitable[None]]
"""Applies one fact to a room's own tables, inside the transaction that stores the fact."""
Alarm = Callable[[str, str, Mapping[str, str], bool], None]
"""Told of an alarm: its id, severity and values, and whether it is raised or over."""

_GATHER = 0.25
"""Seconds for which facts gather before they are stored: a call's facts together cost little more than one of them."""
_BATCH = 100
"""Facts a transaction: few enough that preparing them never holds up the event loop for long."""
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

    def __init__(self, folder: Path, database: Database, projections: Sequence[Project] = ()) -> None:
        self._database = database
        self._projections = tuple(projections)
        self._queue: list[Fact] = []
        self._wake = asyncio.Event()
        self._drain_task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._files = FactFiles(folder)
        self._database_problem = ""

    def append(self, fact: Fact) -> None:
        """Tell a fact. It is on its way to disk when this returns."""
        self._files.append(_line(fact))
        self._queue.append(fact)
        _spooled.set(len(self._queue))
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
                while self._queue:
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
                    self._database_problem = type(error).__name__
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _drain_batch(self) -> None:
        batch = self._queue[:_BATCH]
        try:
            await self._store(batch, self._project_together)
        except Exception as error:
            if not is_wrong_data(error):
                raise
            # One fact that cannot be stored or projected must not stop all that follow: find it, fact by fact.
            for fact in batch:
                await self._store_alone(fact)
                self._stored(1)
        else:
            self._stored(len(batch))

    def _stored(self, count: int) -> None:
        """The oldest `count` facts need neither memory nor disk any more."""
        del self._queue[:count]
        self._files.keep_newest(len(self._queue))
        _drained.inc(count)
        _spooled.set(len(self._queue))

    async def _store_alone(self, fact: Fact) -> None:
        try:
            await self._store([fact], self._project_apart)
        except Exception as error:
            if not is_wrong_data(error):
                raise
            _log.error("fact is refused by the database and set aside", fact_id=fact.id, kind=fact.kind, why=str(error))
            self._files.set_aside(fact.id, _line(fact))

    async def _store(
        self, batch: Sequence[Fact], project: Callable[[AsyncSession, Sequence[Fact]], Awaitable[None]]
    ) -> None:
        async with self._database.session() as session:
            known = set(await session.scalars(select(FactRow.id).where(FactRow.id.in_([fact.id for fact in batch]))))
            # By id: a fact that two journal files hold is one; twice in a batch it would block all that follow.
            fresh = list({fact.id: fact for fact in batch if fact.id not in known}.values())
            if fresh:
                await session.execute(insert(FactRow), [_row(fact) for fact in fresh])
                await project(session, fresh)

    async def _project_together(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for fact in facts:
            for project in self._projections:
                await project(session, fact)

    async def _project_apart(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for fact in facts:
            for project in self._projections:
                try:
                    async with session.begin_nested():
                        await project(session, fact)
                except Exception as error:
                    if not is_wrong_data(error):
                        raise
                    # The fact itself stays in its table: what is projected from it can be made again.
                    _log.exception("fact could not be projected", fact_id=fact.id, kind=fact.kind)


def _line(fact: Fact) -> bytes:
    told = [fact.id, fact.at, fact.kind, fact.interaction_id, fact.agent_id, fact.data]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> Fact:
    """The fact that `_line` wrote. Raises ValueError or TypeError for anything else."""
    fact_id, at, kind, interaction_id, agent_id, data = json.loads(line)
    if not (is_id(fact_id) and isinstance(kind, str) and isinstance(data, dict)):
        raise ValueError("not a fact")
    return Fact(float(at), kind, interaction_id, agent_id, data, fact_id)


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.id,
        "at": fact.at,
        "kind": fact.kind,
        "interaction_id": fact.interaction_id,
        "agent_id": fact.agent_id,
        "data": dict(fact.data),
    }


async def facts_since(database: Database, at: float) -> list[Fact]:
    """The facts in the database since `at` (epoch seconds), in the order in which they were told."""
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    async with database.reading() as session:
        return [
            Fact(*row) for row in await session.execute(select(*columns).where(FactRow.at >= at).order_by(FactRow.id))
        ]


async def facts_of_open(database: Database, begun: str, over: Collection[str], before: float) -> list[Fact]:
    """All facts of the interactions in which `begun` was told before then (epoch seconds) and none of `over` at all."""
    end = aliased(FactRow)
    ended = exists().where(end.interaction_id == FactRow.interaction_id, end.kind.in_(over))
    open_ones = select(FactRow.interaction_id).where(FactRow.kind == begun, FactRow.at < before, ~ended)
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    query = select(*columns).where(FactRow.interaction_id.in_(open_ones)).order_by(FactRow.id)
    async with database.reading() as session:
        return [Fact(*row) for row in await session.execute(query)]
