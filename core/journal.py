"""The journal of facts: what happened, told once, never lost, never doubled.

A fact is first appended to a file (it survives `kill -9` of the process and an absent database), then a background
drain moves it into the database in batches. The fact's row and all that is projected from it are written in one
transaction, and a fact whose id is already there is passed over: that makes each projection happen exactly once.
Files are closed and deleted when all in them is in the database.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Float, String, insert, select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Database
from core.errors import Unavailable
from core.ids import new_id
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

_GATHER = 0.25
"""Seconds for which facts gather before they are stored: a call's facts together cost little more than one of them."""
_BATCH = 100
"""Facts a transaction: few enough that preparing them never holds up the event loop for long."""
_FILE_LIMIT = 8_000_000


class Journal:
    """Append facts here; they reach the database by themselves.

    One process owns a folder at a time (it is locked). `append` does not block on the database: it costs one write to
    a file (about 8 µs). A write the disk refuses keeps the fact in memory, raises the gauge and is tried again.
    """

    def __init__(self, folder: Path, database: Database, projections: Sequence[Project] = ()) -> None:
        self._folder = folder
        self._database = database
        self._projections = tuple(projections)
        self._queue: list[Fact] = []
        self._wake = asyncio.Event()
        self._drain_task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._unwritten: list[bytes] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder)
        self._file_path = folder / f"{new_id()}.facts"
        self._file = os.open(self._file_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file_size = 0

    def append(self, fact: Fact) -> None:
        """Tell a fact. It is on its way to disk when this returns."""
        line = json.dumps(
            [fact.id, fact.at, fact.kind, fact.interaction_id, fact.agent_id, fact.data],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        self._write(line.encode() + b"\n")
        self._queue.append(fact)
        _spooled.set(len(self._queue))
        self._drained.clear()
        self._wake.set()

    def _write(self, line: bytes) -> None:
        self._unwritten.append(line)
        try:
            written = os.write(self._file, b"".join(self._unwritten))
        except OSError as error:
            _log.error("journal cannot be written; facts are kept in memory", error=str(error))
            return
        self._file_size += written
        rest = b"".join(self._unwritten)[written:]
        self._unwritten = [rest] if rest else []

    async def start(self) -> None:
        """Read what an earlier life left on disk and start moving facts into the database."""
        self._queue[:0] = self._left_over()
        if self._queue:
            self._drained.clear()
            self._wake.set()
        self._drain_task = asyncio.create_task(self._drain_for_ever())

    def _left_over(self) -> list[Fact]:
        facts: list[Fact] = []
        for path in sorted(self._folder.glob("*.facts")):
            if path != self._file_path:
                facts += _read(path)
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
            while self._queue:
                await self._drain_batch()
            self._forget_files()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("facts stay on disk until the next start", count=len(self._queue), error=str(error))
        os.close(self._file)
        os.close(self._lock)

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
                self._forget_files()
                pause = 0.1
            except (SQLAlchemyError, OSError) as error:
                _failures.inc()
                _log.warning("facts wait on disk for the database", count=len(self._queue), error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _drain_batch(self) -> None:
        batch = self._queue[:_BATCH]
        try:
            await self._store(batch, self._project_together)
        except (OperationalError, InterfaceError):
            raise  # the database is away or locked: the whole batch is tried again
        except Exception:
            # One fact that cannot be projected must not stop all that follow: find it, fact by fact.
            await self._store(batch, self._project_apart)
        del self._queue[: len(batch)]
        _drained.inc(len(batch))
        _spooled.set(len(self._queue))

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
                except (OperationalError, InterfaceError):
                    raise
                except Exception:
                    # The fact itself stays in its table: what is projected from it can be made again.
                    _log.exception("fact could not be projected", fact_id=fact.id, kind=fact.kind)

    def _forget_files(self) -> None:
        """Everything told is stored: earlier files go, and the present one when it has grown."""
        for path in self._folder.glob("*.facts"):
            if path != self._file_path:
                path.unlink(missing_ok=True)
        if self._file_size > _FILE_LIMIT and not self._unwritten and not self._queue:
            os.ftruncate(self._file, 0)
            self._file_size = 0


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.id,
        "at": fact.at,
        "kind": fact.kind,
        "interaction_id": fact.interaction_id,
        "agent_id": fact.agent_id,
        "data": dict(fact.data),
    }


def _lock(folder: Path) -> int:
    """Keep other processes out of the folder for as long as this one lives."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Unavailable(
            f"The journal {folder} is in use by another OneCall process.",
            "Stop that one, or give this one another state folder (ONECALL_STATE).",
        ) from None
    return handle


def _read(path: Path) -> list[Fact]:
    """Facts of a journal file; a last line cut by a crash is passed over and said."""
    facts = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            fact_id, at, kind, interaction_id, agent_id, data = json.loads(line)
        except ValueError:
            _log.error(
                "journal line cannot be read", file=path.name, line=number, text=line[:200].decode(errors="replace")
            )
            continue
        facts.append(Fact(at, kind, interaction_id, agent_id, data, fact_id))
    return facts


async def facts_since(database: Database, at: float) -> list[Fact]:
    """The facts in the database since `at` (epoch seconds), in the order in which they were told."""
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    async with database.reading() as session:
        return [
            Fact(*row) for row in await session.execute(select(*columns).where(FactRow.at >= at).order_by(FactRow.id))
        ]
