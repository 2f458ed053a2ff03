"""Wishes of callers that must become tickets, kept on disk until they have: voicemail, call-backs, lost callers.

A record is one JSON file, written aside and renamed, so that a reader never sees half of one. It leaves the folder
only after its taker has stored it; the taker knows records by their id, so that one told twice becomes one ticket.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import Invalid
from core.log import get_logger
from core.metrics import Counter, Gauge

_log = get_logger(__name__)
_imported = Counter("onecall_spool_imported_total", "Spooled wishes that became tickets", ["spool"])
_bad = Counter("onecall_spool_bad_total", "Spool files moved aside because they could not be read", ["spool"])
_waiting = Gauge("onecall_spool_waiting", "Spooled wishes that are not tickets yet", ["spool"])
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_OURS = {".json", ".pending", ".tmp"}
_LARGEST = 65536
_ABANDONED_SECONDS = 3600.0
_PENDING_SECONDS = 900.0
"""After this long the writer of a `.pending` record is dead: nobody keys a number for a quarter of an hour."""

Record = Mapping[str, Any]
Take = Callable[[Record], Awaitable[None]]
"""Stores one record. Raises `core.errors.Invalid` (or ValueError, KeyError, TypeError) for one that can never be
stored; anything else means: try again later."""


class Spool:
    """One folder of records. `bad/` below it holds what could not be read, each with a `.reason` beside it."""

    def __init__(self, folder: Path, take: Take) -> None:
        self.folder = folder
        self._take = take
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._told: set[str] = set()
        (folder / "bad").mkdir(parents=True, exist_ok=True)

    async def put(self, record_id: str, record: Record) -> None:
        """Keep a record; it is on disk when this returns. Raises OSError when the disk refuses it."""
        if _NAME.fullmatch(record_id) is None:
            raise ValueError(f"no record id: {record_id!r}")
        await asyncio.to_thread(self._write, record_id, record)
        self._wake.set()

    def _write(self, record_id: str, record: Record) -> None:
        target = self.folder / f"{record_id}.json"
        partial = self.folder / f".{record_id}.{os.getpid()}.tmp"
        with partial.open("w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)

    async def start(self, every: float = 5.0) -> None:
        """Take what is there, then look each `every` seconds, and at once after `put`."""
        self._task = asyncio.get_running_loop().create_task(self._take_for_ever(every))

    async def stop(self) -> None:
        """Stop taking; what is there stays for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _take_for_ever(self, every: float) -> None:
        while True:
            self._wake.clear()
            try:
                # Looked at in a thread: the folder of another machine may be long in answering.
                if await asyncio.to_thread(self._has_some):
                    await self.take_all()
                else:
                    _waiting.labels(self.folder.name).set(0)
            except OSError as error:
                _log.error("spool cannot be read", spool=self.folder.name, error=str(error))
            try:
                async with asyncio.timeout(every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _has_some(self) -> bool:
        return any(path.suffix in _OURS for path in self.folder.iterdir())

    async def take_all(self) -> int:
        """Take every record that is there now, oldest name first; returns how many were taken."""
        for path in self.folder.glob(".*.tmp"):
            self._care(path, self._set_abandoned_aside)
        for path in self.folder.glob("*.pending"):
            self._care(path, self._adopt_pending)
        paths = sorted(self.folder.glob("*.json"))
        taken = 0
        for path in paths:
            try:
                taken += await self._take_one(path)
            except OSError as error:
                self._cannot(path, error)
        _waiting.labels(self.folder.name).set(len(paths) - taken)
        return taken

    async def _take_one(self, path: Path) -> bool:
        try:
            record = _read(path)
        except FileNotFoundError:
            return False
        except ValueError as error:
            self._set_aside(path, str(error))
            return False
        try:
            await self._take(record)
        except (Invalid, ValueError, KeyError, TypeError) as error:
            self._set_aside(path, f"{type(error).__name__}: {error}")
            return False
        except Exception as error:
            _log.warning("spooled wish waits", spool=self.folder.name, file=path.name, why=str(error))
            return False
        path.unlink(missing_ok=True)
        path.with_suffix(".pending").unlink(missing_ok=True)
        _imported.labels(self.folder.name).inc()
        return True

    def _set_aside(self, path: Path, reason: str) -> None:
        target = self.folder / "bad" / path.name.lstrip(".")
        if target.exists():
            target = target.with_name(f"{time.time_ns()}-{target.name}")
        path.rename(target)
        target.with_name(f"{target.name}.reason").write_text(reason + "\n", encoding="utf-8")
        _bad.labels(self.folder.name).inc()
        _log.error("spool file set aside", spool=self.folder.name, file=path.name, why=reason)

    def _care(self, path: Path, do: Callable[[Path], None]) -> None:
        """One file that the disk does not let us touch holds up no other."""
        try:
            do(path)
        except OSError as error:
            self._cannot(path, error)

    def _cannot(self, path: Path, error: OSError) -> None:
        if path.name not in self._told:
            self._told.add(path.name)
            _log.error("spool file waits", spool=self.folder.name, file=path.name, why=str(error))

    def _set_abandoned_aside(self, path: Path) -> None:
        """A writer that died before its rename leaves a `.tmp`: people should see it."""
        if _age(path) > _ABANDONED_SECONDS:
            self._set_aside(path, "its writer ended before the record was complete")

    def _adopt_pending(self, path: Path) -> None:
        """A writer that died after a first record leaves `.pending`: what it knew by then is taken, if no more is."""
        if _age(path) <= _PENDING_SECONDS:
            return
        whole = path.with_suffix(".json")
        if whole.exists():
            path.unlink(missing_ok=True)
        else:
            path.rename(whole)


def _age(path: Path) -> float:
    """Seconds since it was written; 0 when it has just gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(path: Path) -> Record:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record
