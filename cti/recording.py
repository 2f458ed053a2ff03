"""Recordings: closed and hashed when the caller has gone, watched while they run, found again after a restart.

Asterisk records by itself (dialplan, `oc-record`), so nothing here can cost a call. A recording is closed exactly
once: its fact has an id made from the file alone, and a mark beside the file says that it is done.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Awaitable, Iterable
from pathlib import Path

from core.clock import utc
from core.ids import encode
from core.journal import Fact
from core.log import get_logger
from core.wav import WavFile, inspect, is_finished
from cti import figures
from cti.calls import Call, Calls, Line
from cti.pauses import recording_of
from cti.settings import BridgeSettings
from cti.tellings import Facts, Tellings

_log = get_logger(__name__)
_CALL_BACK = re.compile(r"-cb\d+$")
_MARK = ".closed"
_PARTS = ("-caller", "-heard")
_LOOK = 0.2
_FINISHED_WITHIN = 5.0
_LEFT_ALONE = 60.0
_CLEAR_ABOVE = 1.1
_DAY = 86_400.0
_RECENT_DAYS = 8
"""How far back a reconnect looks for recordings left open. The first look of a process goes through all."""


class Recordings:
    """All recordings under one folder."""

    def __init__(self, settings: BridgeSettings, line: Line, calls: Calls, tell: Tellings, facts: Facts) -> None:
        self._settings = settings
        self._line = line
        self._calls = calls
        self._tell = tell
        self._facts = facts
        self._closing: set[asyncio.Task[None]] = set()
        self._in_hand: set[str] = set()
        self._disk_full = False
        self._looked_at_all = False
        self._closed_badly = False
        self._failing = False

    # ---- the end of a recording ----

    def ended(self, interaction_id: str, path: str, pauses: str) -> None:
        """The caller has gone: close it as soon as Asterisk has written the last of it."""
        if not self._inside(path):
            _log.error("recording outside of its folder is refused", interaction_id=interaction_id, path=path)
        elif path not in self._in_hand:
            self._start(self._close(interaction_id, path, pauses), path)

    def find_unclosed(self, alive: Iterable[str]) -> None:
        """Close what an earlier life left open; `alive` are the paths that are being recorded now."""
        self._start(self._close_left_over(frozenset(alive)), "")

    async def _close(self, interaction_id: str, path: str, pauses: str) -> None:
        give_up = asyncio.get_running_loop().time() + _FINISHED_WITHIN
        while not await asyncio.to_thread(self._finished, path):
            if asyncio.get_running_loop().time() > give_up:
                break
            await asyncio.sleep(_LOOK)
        await self._tell_closed(interaction_id, path, pauses)

    async def _close_left_over(self, alive: frozenset[str]) -> None:
        for path in await asyncio.to_thread(self._unmarked, alive | self._in_hand):
            _log.warning("recording was left unclosed", path=path)
            await self._tell_closed(_CALL_BACK.sub("", Path(path).name), path, "")

    def _unmarked(self, alive: frozenset[str]) -> list[str]:
        root, now = self._settings.recordings, self._line.now()
        found = []
        days = ["*/*/*"]
        if self._looked_at_all:
            days = [f"{utc(now - ago * _DAY):%Y/%m/%d}" for ago in range(-1, _RECENT_DAYS)]
        self._looked_at_all = True
        for file in (file for day in days for file in root.glob(f"{day}/*.wav")):
            path = str(file.relative_to(root).with_suffix(""))
            if path.endswith(_PARTS) or path in alive or file.with_suffix(_MARK).exists():
                continue
            with contextlib.suppress(FileNotFoundError):
                if now - file.stat().st_mtime > _LEFT_ALONE:
                    found.append(path)
        return found

    async def _tell_closed(self, interaction_id: str, path: str, pauses: str) -> None:
        file = self._file(path)
        try:
            told = await asyncio.to_thread(inspect, file)
            identity = await asyncio.to_thread(fact_id, file, path)
            sides = {name: (await asyncio.to_thread(inspect, side)).sha256 for name, side in self._sides(path).items()}
        except OSError as error:
            _log.error("recording cannot be read", interaction_id=interaction_id, path=path, error=str(error))
            told, identity, sides = WavFile(0.0, 0, "", "unreadable"), fact_id_of(path, 0.0), {}
        recording, now = recording_of(path, pauses), self._line.now()
        spans = [*recording.pauses, *([(recording.paused_since, now)] if recording.paused_since else [])]
        data = {
            "path": f"{self._settings.recordings_told}{path}.wav",
            "sha256": told.sha256,
            "sides": sides,
            "seconds": told.seconds,
            "bytes": told.bytes,
            "pauses": [list(span) for span in spans],
            "problem": told.problem,
        }
        figures.recordings.labels(told.problem or "good").inc()
        self._facts.append(Fact(now, "recording.closed", interaction_id, None, data, identity))
        self._closed_badly = told.problem is not None
        self._judge(interaction_id, told.problem)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(file.with_suffix(_MARK).touch)

    # ---- while it runs ----

    async def watch(self) -> None:
        """Look at the disk and at every live recording, until cancelled."""
        while True:
            await self._look_at_disk()
            await self._look_at_growth()
            await asyncio.sleep(self._settings.recording_check)

    async def _look_at_disk(self) -> None:
        least = self._settings.minimum_free_bytes
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, self._settings.recordings)).free
        except OSError as error:
            self._disk_alarm(True, {"problem": str(error.strerror)})
            return
        if free < least or (self._disk_full and free < least * _CLEAR_ABOVE):
            self._disk_alarm(True, {"free_mb": str(free // 1_000_000)})
        else:
            self._disk_alarm(False, {})

    def _disk_alarm(self, full: bool, values: dict[str, str]) -> None:
        if full != self._disk_full:
            self._disk_full = full
            self._tell.alarm("recording_disk", "critical", values, full)

    async def _look_at_growth(self) -> None:
        watched = [call for call in self._calls if call.recording.path and self._inside(call.recording.path)]
        files = [self._file(call.recording.path) for call in watched]
        for call, size in zip(watched, await asyncio.to_thread(_sizes, files), strict=True):
            if self._calls.get(call.interaction_id) is call:
                self._grown(call, size)
        self._judge("", None)

    def _grown(self, call: Call, size: int | None) -> None:
        recording = call.recording
        before, recording.size = recording.size, size or 0
        if before < 0:
            return
        problem = "missing" if size is None else "not_growing" if size <= before else None
        if problem != recording.problem:
            recording.problem = problem
            self._judge(call.interaction_id, problem)
            self._tell.view(call)

    def _judge(self, interaction_id: str, problem: str | None) -> None:
        """One alarm for all recordings: up while one that runs fails, or the last one that ended is not good."""
        if problem is not None:
            _log.error("recording has a problem", interaction_id=interaction_id, problem=problem)
        failing = self._closed_badly or any(call.recording.problem for call in self._calls)
        if failing != self._failing:
            self._failing = failing
            values = {"interaction_id": interaction_id, "problem": problem or ""}
            self._tell.alarm("recording_failing", "major", values, self._failing)

    # ---- inside ----

    def _start(self, work: Awaitable[None], path: str) -> None:
        async def run() -> None:
            self._in_hand.add(path)
            try:
                await work
            except Exception:
                _log.exception("recording could not be closed; the next start tries again", path=path)
            finally:
                self._in_hand.discard(path)

        task = asyncio.create_task(run())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _file(self, path: str) -> Path:
        return self._settings.recordings / f"{path}.wav"

    def _finished(self, path: str) -> bool:
        return all(map(is_finished, [self._file(path), *self._sides(path).values()]))

    def _sides(self, path: str) -> dict[str, Path]:
        """What the caller said and what the caller heard, each in a file of its own."""
        sides = {part.removeprefix("-"): self._file(f"{path}{part}") for part in _PARTS}
        return {name: file for name, file in sides.items() if file.exists()}

    def _inside(self, path: str) -> bool:
        """The path comes off a channel: it must not lead out of the folder."""
        return not os.path.isabs(path) and ".." not in Path(path).parts


def fact_id(file: Path, path: str) -> str:
    """The id of the fact that closes this file: the same whenever it is made, so that telling twice is telling once."""
    return fact_id_of(path, file.stat().st_mtime if file.exists() else 0.0)


def fact_id_of(path: str, at: float) -> str:
    """An id of that instant (epoch seconds) and path."""
    return encode(int(at * 1000) << 80 | int.from_bytes(hashlib.sha256(path.encode()).digest()[:10]))


def _sizes(files: list[Path]) -> list[int | None]:
    sizes: list[int | None] = []
    for file in files:
        try:
            sizes.append(file.stat().st_size)
        except OSError:
            sizes.append(None)
    return sizes
