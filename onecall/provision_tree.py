"""A private Asterisk where the machine has none: Debian's packages, unpacked into a folder of ours and nowhere else.

Nothing is installed or configured on the machine: `mmdebstrap --variant=extract` downloads Asterisk with its
libraries, checks the signatures and unpacks them. That needs no root, and neither does running it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from core.errors import Unavailable
from onecall.asterisk_program import OLDEST_MAJOR, AsteriskProgram, find_asterisk, find_in_tree
from onecall.provision_step import CommandFailed, Step, run_logged

_SUITE = "forky"
_PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-moh-opsound-wav",
)
_EXPIRED = 'Acquire::Check-Valid-Until "false"'


class AsteriskTree(Step):
    """Finds an Asterisk, or makes one."""

    title = "Asterisk"

    def __init__(self, tree: Path, log: Path) -> None:
        self._tree = tree
        self._log = log
        self._found: AsteriskProgram | None = None

    def work(self) -> str | None:
        self._found = find_asterisk(self._tree)
        if self._found is not None:
            return None
        return f"none of version {OLDEST_MAJOR} or newer here: unpacking Debian's into {self._tree} (330 MB, once)"

    def do(self, say: Callable[[str], None]) -> None:
        partial = self._tree.with_name(self._tree.name + ".partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            self._unpack(partial, say)
            if find_in_tree(partial) is None:
                raise Unavailable(f"The Asterisk unpacked into {partial} does not start.", f"See {self._log}.")
            shutil.rmtree(self._tree, ignore_errors=True)
            partial.rename(self._tree)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def state(self) -> str:
        program = self._found or find_asterisk(self._tree)
        assert program is not None, "do() has found or made one"
        return f"version {program.version}, {program.command[-1]}"

    def _unpack(self, target: Path, say: Callable[[str], None]) -> None:
        try:
            run_logged(_command(target), self._log)
        except CommandFailed as failure:
            if "expired" not in failure.told:
                raise
            say("The mirror's release file is past its date; signatures are still checked, its date is not.")
            shutil.rmtree(target, ignore_errors=True)
            run_logged(_command(target, f"--aptopt={_EXPIRED}"), self._log)


def _command(target: Path, *options: str) -> list[str]:
    # Nothing of the packages is run, so no change of root is needed, be it by root or inside a container.
    how = ("--variant=extract", "--mode=chrootless", f"--include={','.join(_PACKAGES)}")
    return ["mmdebstrap", *how, *options, _SUITE, str(target)]
