"""The journal's folder: one file that this process appends to, those of earlier lives, and what was set aside.

A line that the disk refuses waits in memory; it is not tried again by `append`, which so costs the same on a full disk,
but by `write_some`. What nobody could read (`.unreadable`) or the database refused (`.refused`) stays for people.
"""

import errno
import fcntl
import os
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from core.errors import Unavailable
from core.ids import new_id
from core.log import get_logger

_log = get_logger(__name__)
_LIMIT = 8_000_000
_CHUNK = 500
"""Lines written at once after the disk was full: few enough that the event loop is never held up for long."""


class FactFiles:
    """The files of one folder, locked for this process. Raises Unavailable when another one owns it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = _lock(folder)
        self._path = folder / f"{new_id()}.facts"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0
        self._waiting: deque[bytes] = deque()
        self._unreadable: set[Path] = set()
        self.problem = ""
        """Why the disk refused what waits; empty when nothing waits."""

    @property
    def waiting(self) -> int:
        """Lines that are in memory only."""
        return len(self._waiting)

    def append(self, line: bytes) -> None:
        """Add a line, to the file or to what waits for the disk."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            self.write_some()

    def write_some(self) -> bool:
        """Write the oldest lines that wait; whether there are more that may be tried now."""
        lines = list(islice(self._waiting, _CHUNK))
        if not lines:
            return False
        chunk = b"".join(lines)
        try:
            if os.write(self._file, chunk) < len(chunk):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._refused(error)
            return False
        self._size += len(chunk)
        for _ in lines:
            self._waiting.popleft()
        if not self._waiting:
            self.problem = ""
        return bool(self._waiting)

    def _refused(self, error: OSError) -> None:
        if not self.problem:
            _log.error("journal cannot be written; facts are kept in memory", error=str(error))
        self.problem = error.strerror or str(error)
        with suppress(OSError):
            os.ftruncate(self._file, self._size)  # half a line would spoil the next one

    def keep_newest(self, count: int) -> None:
        """The lines before the newest `count` need no disk any more: the database has their facts."""
        while len(self._waiting) > count:
            self._waiting.popleft()
        if not self._waiting:
            self.problem = ""

    def left_over(self) -> Iterator[tuple[Path, int, bytes]]:
        """File, number and text of each line that earlier lives left here."""
        for path in self._earlier():
            try:
                lines = path.read_bytes().splitlines()
            except OSError as error:
                _log.error("journal file cannot be read", file=path.name, error=str(error))
                self.cannot_read(path)
                continue
            for number, line in enumerate(lines, 1):
                yield path, number, line

    def cannot_read(self, path: Path) -> None:
        """This file holds a line that is no fact: `forget` keeps it aside."""
        self._unreadable.add(path)

    def set_aside(self, fact_id: str, line: bytes) -> None:
        """Keep a fact that the database refuses. Its file, given the ending `.facts`, is read by the next start."""
        file = os.open(self._folder / f"{fact_id}.refused", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)

    def forget(self) -> None:
        """Every fact is stored: earlier files go, and what is in this process's own when it has grown."""
        for path in self._earlier():
            if path in self._unreadable:
                path.rename(path.with_suffix(".unreadable"))
            else:
                path.unlink(missing_ok=True)
        if self._size > _LIMIT:
            os.ftruncate(self._file, 0)
            self._size = 0

    def aside(self) -> list[str]:
        """Names of the files that wait for people."""
        return sorted(path.name for path in self._folder.iterdir() if path.suffix in (".unreadable", ".refused"))

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self._folder).free

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._file)
        # A child process on its way to its own program still has a copy of the handle, which would keep the lock.
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.close(self._lock)

    def _earlier(self) -> list[Path]:
        return [path for path in sorted(self._folder.glob("*.facts")) if path != self._path]


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
