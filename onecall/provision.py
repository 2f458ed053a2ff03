"""Sets up what is missing on this machine, step by step, and does nothing where nothing is missing.

First every step is asked whether it can be done (`check`): a missing tool or a taken port is one sentence, before
anything is half done. Then each step that has work does it, and says what it does and how long it took.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.errors import Unavailable
from onecall.certificate import certificate_files, certificate_names, certificate_problem, make_certificate
from onecall.provision_packages import SystemPackages
from onecall.provision_ports import HostName, PortsFree
from onecall.provision_step import Step
from onecall.provision_tree import AsteriskTree
from onecall.provision_web import WebApp
from onecall.settings import Settings
from onecall.state import make_state_folder

_NEEDED_MEGABYTES = 1500
Say = Callable[[str], None]


def provision(settings: Settings, purpose: str, say: Say = print) -> None:
    """Bring this machine to where `purpose` (run, test, bench; asterisk: nothing but that) can start.

    `start` checks ports and disk and makes the certificate, but installs and builds nothing.
    Raises Unavailable or Invalid, naming what is missing or wrong and the remedy.
    """
    began = time.monotonic()
    make_state_folder(settings)
    log = settings.state / "provision.log"
    steps = _steps(settings, purpose, log)
    say(f"Setting up OneCall ({purpose}):")
    for step in steps:
        step.check()
    with _alone(settings.state / "provision.lock", say):
        for step in steps:
            _carry_out(step, say)
    say(f"Set-up complete after {time.monotonic() - began:.1f} s.")


@contextlib.contextmanager
def _alone(lock: Path, say: Say) -> Iterator[None]:
    """Two set-ups at once (a test beside a run) would build into each other's half-done work: one waits."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  Another set-up is at work here: waiting for it to end ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _steps(settings: Settings, purpose: str, log: Path) -> list[Step]:
    if purpose == "start":
        return [PortsFree(settings), HostName(settings), DiskSpace(settings.state), Certificate(settings)]
    big: list[Step] = []
    if settings.asterisk == "own" or purpose != "run":
        big.append(AsteriskTree(settings.tree, log))
    if purpose != "asterisk":
        big.append(WebApp(log))
    steps: list[Step] = [DiskSpace(settings.state, big), SystemPackages(purpose, settings.tree, log), *big]
    if purpose != "asterisk":
        steps.append(Certificate(settings))
    if purpose == "run":
        steps[:0] = [PortsFree(settings), HostName(settings)]
    return steps


def _carry_out(step: Step, say: Say) -> None:
    began = time.monotonic()
    work = step.work()
    if work is None:
        say(f"  {step.title:<16} {step.state()} ({time.monotonic() - began:.1f} s)")
        return
    say(f"  {step.title:<16} {work} ...")
    step.do(lambda line: say(f"  {'':<16} {line}"))
    say(f"  {'':<16} {step.state()} ({time.monotonic() - began:.1f} s)")


class DiskSpace(Step):
    """Room for what is about to be made; a machine with everything in place starts on a full disk too.

    Calls matter more than their recordings, which raise an alarm of their own.
    """

    title = "Disk space"

    def __init__(self, state: Path, big: Sequence[Step] = ()) -> None:
        self._state = state
        self._big = big

    def check(self) -> None:
        if self._is_short() and any(step.work() is not None for step in self._big):
            what = f"Only {self._free()} MB are free where the state folder {self._state} is."
            raise Unavailable(what, f"Free {_NEEDED_MEGABYTES} MB, or set ONECALL_STATE to a folder on another disk.")

    def state(self) -> str:
        if self._is_short():
            return f"WARNING: only {self._free()} MB free where {self._state} is: recordings will soon fail"
        return f"{self._free()} MB free"

    def _is_short(self) -> bool:
        return self._free() < _NEEDED_MEGABYTES

    def _free(self) -> int:
        return shutil.disk_usage(self._state).free // 1_000_000


class Certificate(Step):
    """TLS for the web and the browser phones."""

    title = "TLS certificate"

    def __init__(self, settings: Settings) -> None:
        self._certificate, self._key = certificate_files(settings.state)
        self._names = certificate_names(settings.host, settings.public_host)

    def work(self) -> str | None:
        problem = certificate_problem(self._certificate, self._key, self._names)
        return None if problem is None else f"making a self-signed one ({problem})"

    def do(self, say: Say) -> None:
        make_certificate(self._certificate, self._key, self._names)

    def state(self) -> str:
        return f"for {', '.join(self._names)}"
