"""Finds an Asterisk that can serve OneCall: one on PATH, or the private tree that provisioning builds.

The tree is a Debian of its own. Its Asterisk is started through the tree's own dynamic loader with the tree's
libraries, not by ``chroot``: that needs no root, and paths mean the same to Asterisk as to everybody else.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 20
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/opt/asterisk/sbin")
"""Where Asterisk is installed to, though an ordinary user's PATH may not have it."""
_VERSION = re.compile(r"Asterisk (\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class AsteriskProgram:
    """How to start one installed Asterisk, and where its modules, sounds and music lie."""

    command: tuple[str, ...]
    version: str
    modules: Path
    data: Path

    @property
    def music(self) -> Path:
        """Folder of the music on hold that came with it."""
        for folder in (self.data / "moh", Path("/var/lib/asterisk/moh")):
            if folder.is_dir():
                return folder
        return self.data / "moh"

    def sounds(self, language: str) -> Path | None:
        """Folder of Asterisk's own prompts in a language, or None when that package is not installed."""
        root = self.data / "sounds"
        candidates = [root / language, *sorted(root.glob(f"{language}_*"))]
        return next((folder.resolve() for folder in candidates if folder.is_dir()), None)


def find_asterisk(tree: Path) -> AsteriskProgram | None:
    """The Asterisk to use: PATH first, then ``tree``; None when neither is new enough."""
    return find_on_path() or find_in_tree(tree)


def find_on_path() -> AsteriskProgram | None:
    """The first installed Asterisk of version 20 or newer, with its module and data folders."""
    modules = _first_folder(
        *(
            Path(root) / "asterisk/modules"
            for root in (f"/usr/lib/{_triplet()}", "/usr/lib64", "/usr/lib", "/usr/local/lib")
        )
    )
    data = _first_folder(*(Path(root) / "documentation" for root in ("/usr/share/asterisk", "/var/lib/asterisk")))
    if modules is None or data is None:
        return None
    for folder in (*os.get_exec_path(), *_SYSTEM_FOLDERS):
        found = shutil.which("asterisk", path=folder)
        version = _version((found,)) if found else None
        if found and version:
            return AsteriskProgram((found,), version, modules, data.parent)
    return None


def find_in_tree(tree: Path) -> AsteriskProgram | None:
    """The Asterisk inside a provisioned tree, or None when the tree is absent or incomplete."""
    libraries = tree / "usr/lib" / _triplet()
    loader = next(iter(sorted(libraries.glob("ld-linux*.so.*"))), None)
    binary = tree / "usr/sbin/asterisk"
    if loader is None or not binary.is_file():
        return None
    command = (str(loader), "--library-path", str(libraries), "--argv0", "asterisk", str(binary))
    version = _version(command)
    if version is None:
        return None
    return AsteriskProgram(command, version, libraries / "asterisk/modules", tree / "usr/share/asterisk")


def _version(command: tuple[str, ...]) -> str | None:
    try:
        told = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(told)
    if found is None or int(found.group(1)) < OLDEST_MAJOR:
        return None
    return f"{found.group(1)}.{found.group(2)}"


def _triplet() -> str:
    return f"{platform.machine()}-linux-gnu"


def _first_folder(*candidates: Path) -> Path | None:
    return next((folder for folder in candidates if folder.is_dir()), None)
