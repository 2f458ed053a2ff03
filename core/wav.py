"""A recording of Asterisk as a file: whether it is finished, how long it is, what its hash is."""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

_HEADER = 44
_RATE_AT, _SIZE_AT, _RIFF_AT = 28, 40, 4
_FILE_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class WavFile:
    """What can be said of a recording. `problem` is None for a good one: `missing`, `empty` or `cut_off`."""

    seconds: float
    bytes: int
    sha256: str
    problem: str | None


def is_finished(path: Path) -> bool:
    """Whether the header tells the length that the file has: Asterisk writes it when it closes the file."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
        size = path.stat().st_size
    except OSError:
        return False
    return len(header) == _HEADER and _number(header, _SIZE_AT) == size - _HEADER


def inspect(path: Path) -> WavFile:
    """Measure and hash a recording that is not written any more; blocks for as long as the disk needs.

    One that Asterisk could not finish (it was killed, the disk was full) gets the length into its header, so that it
    can be played, and the problem `cut_off`.
    """
    if not path.is_file():
        return WavFile(0.0, 0, "", "missing")
    size = path.stat().st_size
    problem = None
    if size <= _HEADER:
        problem = "empty"
    elif not is_finished(path):
        problem = "cut_off"
        _finish(path, size)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        rate = _number(file.read(_HEADER).ljust(_HEADER, b"\0"), _RATE_AT)
        file.seek(0)
        while block := file.read(_FILE_BLOCK):
            digest.update(block)
    seconds = max(0, size - _HEADER) / rate if rate else 0.0
    return WavFile(round(seconds, 3), size, digest.hexdigest(), problem)


def _finish(path: Path, size: int) -> None:
    """The file's time stays: it says when the recording ended."""
    told = path.stat()
    with path.open("r+b") as file:
        file.seek(_RIFF_AT)
        file.write(struct.pack("<I", size - 8))
        file.seek(_SIZE_AT)
        file.write(struct.pack("<I", size - _HEADER))
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "little")
