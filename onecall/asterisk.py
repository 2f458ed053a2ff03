"""Starts, adopts and stops one Asterisk, and knows when it is ready.

Asterisk outlives a OneCall process that is killed, because the calls in it must go on: the next start finds it by
its process id file and takes it over instead of starting a second one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from core.errors import Unavailable
from core.log import get_logger
from onecall.asterisk_config import AsteriskSettings, render
from onecall.asterisk_program import AsteriskProgram
from onecall.realtime import put_first

_log = get_logger(__name__)
_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0


class AsteriskInstance:
    """One Asterisk process with its own folder, ports and configuration."""

    def __init__(self, settings: AsteriskSettings, program: AsteriskProgram) -> None:
        self.settings = settings
        self.program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._adopted: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs, whoever started it."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        return self._running_before()

    @property
    def output(self) -> Path:
        """What Asterisk prints before its own log is open."""
        return self.settings.instance / "log" / "output.log"

    def render(self) -> list[Path]:
        """Write the configuration; returns the files that changed."""
        return render(self.settings, self.program)

    def alive(self) -> bool:
        """Whether this instance's Asterisk runs. A child that ended is reaped."""
        return self.pid is not None

    async def start(self) -> bool:
        """Render, start and wait until the manager interface says that Asterisk is fully booted.

        Returns whether it was started; False means that one was running from before and has been taken over, with
        its calls, and told to read changed configuration. Raises Unavailable, with the end of Asterisk's own log,
        when it ends early, is not ready in time or is not the one at its port. One that was started is then stopped.
        """
        adopted = self.alive()
        changed = self.render()
        if not adopted:
            self._launch()
        elif changed:
            if any(file.name == "modules.conf" for file in changed):
                self._load_modules()
            self.command_line("core reload")
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._until_booted()
            self._put_first()
        except BaseException as error:
            if not adopted:
                await self.stop()
            if isinstance(error, TimeoutError):
                what = f"Asterisk was not ready within {_READY_SECONDS:.0f} seconds."
                raise Unavailable(what, f"See the end of its log: {self.log_end()}") from None
            raise
        return not adopted

    async def stop(self) -> None:
        """End it, in order first (calls get their BYE), by force after ten seconds."""
        for end in (signal.SIGTERM, signal.SIGKILL):
            if (pid := self.pid) is not None:
                os.kill(pid, end)
                await asyncio.to_thread(self._wait_until_ended)
        self._child = None

    def kill(self) -> None:
        """End it without any farewell, as a crash would."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def command_line(self, command: str) -> str:
        """What Asterisk's command line answers to one command: for people and diagnosis, not for control."""
        told = subprocess.run(
            [*self.program.command, "-C", str(self._main_file), "-rx", command],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return told.stdout + told.stderr

    def log_end(self, lines: int = 15) -> str:
        """The last lines of what it printed and of its log."""
        files = [path for path in (self.output, self.settings.log_file) if path.is_file()]
        told = "\n".join(path.read_text(errors="replace") for path in files)
        return "\n".join(told.splitlines()[-lines:])

    @property
    def _main_file(self) -> Path:
        return _main_file(self.settings.instance)

    def _launch(self) -> None:
        with self.output.open("wb") as output:
            self._child = subprocess.Popen(
                [*self.program.command, "-f", "-q", "-C", str(self._main_file)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal is for OneCall, which then stops Asterisk in order.
                start_new_session=True,
            )

    def _load_modules(self) -> None:
        """A reload loads no module that is new in the list; those that are loaded already are passed over."""
        modules = re.findall(r"^load = (\S+)$", (self.settings.etc / "modules.conf").read_text(), re.M)
        listed = self.command_line("module show")
        for module in modules:
            if module not in listed:
                self.command_line(f"module load {module}")

    def _put_first(self) -> None:
        if self.settings.realtime and self.pid is not None and not put_first(self.pid):
            _log.info("Asterisk has no priority for the processor: that takes root or a limit `rtprio` of 10")

    def _running_before(self) -> int | None:
        """Process id of an Asterisk that runs with our configuration file though we did not start it.

        Its pid file is looked at only once: Asterisk removes that before it has ended.
        """
        if self._adopted is None:
            self._adopted = running_asterisk(self.settings.instance)
        elif _has_ended(self._adopted):
            self._adopted = None
        return self._adopted

    async def _until_booted(self) -> None:
        while True:
            if not self.alive():
                raise Unavailable("Asterisk ended while starting.", f"The end of its log: {self.log_end()}")
            with contextlib.suppress(OSError, EOFError):
                await self._wait_for_fully_booted()
                return
            await asyncio.sleep(0.05)

    async def _wait_for_fully_booted(self) -> None:
        """Sign in at the manager interface, which tells a new session FullyBooted as soon as it is true."""
        settings = self.settings
        reader, writer = await asyncio.open_connection(settings.manager_address, settings.manager_port)
        try:
            login = f"Action: Login\r\nUsername: {settings.manager_user}\r\nSecret: {settings.manager_secret}\r\n\r\n"
            writer.write(login.encode())
            while b"FullyBooted" not in (block := await reader.readuntil(b"\r\n\r\n")):
                if b"Authentication failed" in block:
                    what = f"The manager port {settings.manager_port} refuses our secret: another Asterisk owns it."
                    raise Unavailable(what, "Stop that one, or choose another manager port.")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _wait_until_ended(self) -> None:
        """Blocks; a process that is not our child sends no signal at its end, so look."""
        give_up = time.monotonic() + _STOP_SECONDS
        while self.alive() and time.monotonic() < give_up:
            time.sleep(0.02)


def running_asterisk(instance: Path) -> int | None:
    """Process id of the Asterisk that runs in this folder, whoever started it. Changes nothing."""
    try:
        pid = int((instance / "run" / "asterisk.pid").read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(_main_file(instance)) in arguments else None


def _main_file(instance: Path) -> Path:
    return instance / "etc" / "asterisk.conf"


def _has_ended(pid: int) -> bool:
    """Gone, or waiting to be reaped. The first thread alone may end earlier than the others, which hold the ports."""
    process = Path(f"/proc/{pid}")
    try:
        state = (process / "stat").read_text().rpartition(") ")[2][:1]
        return state in ("Z", "X") and len(list((process / "task").iterdir())) <= 1
    except OSError:
        return True
