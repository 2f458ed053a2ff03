"""What one step of the set-up is, and how steps run programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from core.errors import Unavailable


class Step:
    """One thing that may be missing. A step with nothing to do overrides only `title` and `state`."""

    title = ""

    def check(self) -> None:
        """Raise Unavailable when this step can neither be skipped nor done. Changes nothing."""

    def work(self) -> str | None:
        """What is about to be done, in words; None when nothing is missing."""
        return None

    def do(self, say: Callable[[str], None]) -> None:
        """Do it; `say` tells what a person should know on the way. Raises Unavailable."""

    def state(self) -> str:
        """How things are, once the step is done."""
        return "ready"


def run_logged(
    command: Sequence[str], log: Path, *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program, its output going to `log`; returns that output.

    Raises Unavailable with the program's last words when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a+b") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        begin = output.tell()
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output.seek(begin)
        told = output.read().decode(errors="replace")
    if done.returncode:
        raise CommandFailed(command, told, log)
    return told


class CommandFailed(Unavailable):
    """A program of the set-up ended with an error; `told` is all that it said."""

    def __init__(self, command: Sequence[str], told: str, log: Path) -> None:
        lines = [line for line in told.splitlines() if line.strip()]
        last = " | ".join(lines[-3:])[-500:]
        super().__init__(f"`{' '.join(command[:4])} …` failed: {last}", f"The whole of it is in {log}.")
        self.told = told
