"""Debian packages that OneCall calls as programs: only those missing are installed, and only that needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from onecall.asterisk_program import find_asterisk
from onecall.provision_step import CommandFailed, Step, run_logged

_POLICY = Path("/usr/sbin/policy-rc.d")
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/postgresql/*/bin")


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package, any one of whose programs shows that it is there, and what OneCall wants it for."""

    name: str
    programs: tuple[str, ...]
    use: str


_RUN = (
    Package("espeak-ng", ("espeak-ng",), "speaks prompts that nobody has recorded"),
    Package("sox", ("sox",), "brings sound files into Asterisk's form"),
)
_TREE = (Package("mmdebstrap", ("mmdebstrap",), "unpacks a private Asterisk"),)
_BROWSER = (Package("chromium", ("chromium", "chromium-browser", "google-chrome"), "drives the real desktop in tests"),)
_SERVERS = (
    Package("redis-server", ("redis-server",), "is tested as bus between processes"),
    Package("mosquitto", ("mosquitto",), "is tested as broker of the outward feed"),
    Package("postgresql", ("initdb",), "is tested as database"),
)
_WIRE = (Package("tcpdump", ("tcpdump",), "takes the packet times that benches measure"),)


def packages_for(purpose: str, tree: Path) -> tuple[Package, ...]:
    """What `run`, `test`, `bench` or `asterisk` needs on a machine with or without an Asterisk."""
    unpacking = () if find_asterisk(tree) else _TREE
    if purpose == "asterisk":
        return unpacking
    wanted = (*_RUN, *unpacking)
    if purpose == "test":
        return (*wanted, *_BROWSER, *_SERVERS)
    return (*wanted, *_WIRE) if purpose == "bench" else wanted


class SystemPackages(Step):
    """Installs missing packages by apt-get, as root or through sudo."""

    title = "System packages"

    def __init__(self, purpose: str, tree: Path, log: Path) -> None:
        self._wanted = packages_for(purpose, tree)
        self._log = log

    def check(self) -> None:
        missing = self._missing()
        if not missing:
            return
        names = " ".join(package.name for package in missing)
        uses = "; ".join(f"{package.name} {package.use}" for package in missing)
        if shutil.which("apt-get") is None:
            raise Unavailable(
                f"These programs are missing and this system has no apt-get: {uses}.",
                "Install them by hand, then start again.",
            )
        if os.geteuid() != 0 and not _may_sudo():
            raise Unavailable(
                f"Root is needed once, to install what is missing: {uses}.",
                f"Run `sudo apt-get install {names}`, then start again.",
            )

    def work(self) -> str | None:
        missing = self._missing()
        if not missing:
            return None
        through = "" if os.geteuid() == 0 else " through sudo"
        uses = ", ".join(f"{package.name} ({package.use})" for package in missing)
        return f"installing{through}, root is needed for this alone: {uses}"

    def do(self, say: Callable[[str], None]) -> None:
        names = [package.name for package in self._missing()]
        self._update(say)
        with _ServicesStayDown(self._log):
            self._apt("install", "--yes", "--no-install-recommends", *names)
        if missing := self._missing():
            absent = ", ".join(package.name for package in missing)
            raise Unavailable(f"After apt-get, still missing: {absent}.", f"See {self._log}.")

    def state(self) -> str:
        names = ", ".join(package.name for package in self._wanted)
        return f"{names}: all there" if names else "none needed"

    def _missing(self) -> list[Package]:
        return [package for package in self._wanted if not any(map(_is_there, package.programs))]

    def _update(self, say: Callable[[str], None]) -> None:
        try:
            self._apt("update")
        except CommandFailed as failure:
            if "expired" not in failure.told:
                raise
            say("The mirror's release file is past its date; signatures are still checked, its date is not.")
            self._apt("update", "-o", "Acquire::Check-Valid-Until=false")

    def _apt(self, *words: str) -> None:
        # Through sudo the environment does not pass: env sets it on the other side.
        _as_root(self._log, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words)


class _ServicesStayDown:
    """Servers installed for tests must not start as services of the machine: tests start their own.

    Debian's own means: a `policy-rc.d` that forbids it while packages are being installed.
    """

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> None:
        self._ours = not _POLICY.exists()
        if self._ours:
            policy = f"printf '#!/bin/sh\\nexit 101\\n' > {_POLICY} && chmod 755 {_POLICY}"
            _as_root(self._log, "sh", "-c", policy)

    def __exit__(self, *_: object) -> None:
        if self._ours:
            _as_root(self._log, "rm", "-f", str(_POLICY))


def _as_root(log: Path, *command: str) -> None:
    run_logged(command if os.geteuid() == 0 else ("sudo", *command), log)


def _is_there(program: str) -> bool:
    if shutil.which(program) is not None:
        return True
    return any(any(Path("/").glob(f"{place[1:]}/{program}")) for place in _PLACES)


def _may_sudo() -> bool:
    """With a terminal, sudo may ask for the password; without one it must not need to."""
    if shutil.which("sudo") is None:
        return False
    if sys.stdin.isatty():
        return True
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
