"""Files that hold secrets or must never be half: written beside their place, then renamed into it."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace the file in one step; its owner alone may read it, and a power cut leaves the old or the new."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
