"""Ports that OneCall and its Asterisk will listen on: a taken one is told before anything starts."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from onecall.asterisk import running_asterisk
from onecall.asterisk_settings import EVERYWHERE, asterisk_home
from onecall.provision_step import Step
from onecall.settings import Settings


@dataclass(frozen=True, slots=True)
class Listener:
    """One port: the setting that chooses it, where it is bound, and who uses it."""

    setting: str
    host: str
    port: int
    use: str
    of_asterisk: bool = False
    udp: bool = False
    host_setting: str = "host"


def listeners(settings: Settings) -> list[Listener]:
    """Every port that `run` opens with these settings."""
    host = settings.host
    ours = [
        Listener("http_port", host, settings.http_port, "web"),
        Listener("https_port", host, settings.https_port, "web with TLS"),
        Listener("agi_port", settings.agi_host, settings.agi_port, "IVR", host_setting="agi_host"),
    ]
    if settings.asterisk == "own":
        ours += [
            Listener("ws_port", "127.0.0.1", settings.ws_port, "browser phones", of_asterisk=True),
            Listener("wss_port", host, settings.wss_port, "browser phones with TLS", of_asterisk=True),
            Listener(
                "ami_port", settings.ami_host, settings.ami_port, "manager interface", True, host_setting="ami_host"
            ),
            Listener("sip_port", host, settings.sip_port, "SIP", of_asterisk=True, udp=True),
        ]
    return [listener for listener in ours if listener.port]


class PortsFree(Step):
    """Nothing else listens where OneCall will."""

    title = "Ports"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listeners = listeners(settings)

    def check(self) -> None:
        self._check_each_is_used_once()
        # One that outlived a killed OneCall holds its ports rightly: it will be taken over, with its calls.
        asterisk_runs = running_asterisk(asterisk_home(self._settings)) is not None
        for listener in self._listeners:
            if listener.of_asterisk and asterisk_runs:
                continue
            if (problem := _problem(listener)) is not None:
                why, remedy = problem
                kind = "UDP" if listener.udp else "TCP"
                raise Unavailable(f"{kind} port {listener.port} ({listener.use}) {why}.", remedy)

    def state(self) -> str:
        return ", ".join(f"{listener.use} {listener.port}" for listener in self._listeners)

    def _check_each_is_used_once(self) -> None:
        seen: dict[tuple[int, bool], Listener] = {}
        for listener in self._listeners:
            other = seen.setdefault((listener.port, listener.udp), listener)
            if other is not listener:
                names = f"{_variable(other.setting)} and {_variable(listener.setting)}"
                raise Unavailable(f"{names} are both {listener.port}.", "Give each its own port.")


class HostName(Step):
    """Asterisk on every address looks its machine's name up twice a call: without an entry that is DNS, and slow."""

    title = "Host name"

    def __init__(self, settings: Settings) -> None:
        self._matters = settings.asterisk == "own" and settings.host == EVERYWHERE

    def state(self) -> str:
        name = socket.gethostname()
        if not self._matters or _is_in_hosts(name, Path("/etc/hosts")):
            return name
        return (
            f"WARNING: {name} is not in /etc/hosts, so each call waits for DNS twice. "
            f"Add the line `127.0.1.1 {name}`, or set ONECALL_HOST to one address."
        )


def _is_in_hosts(name: str, hosts: Path) -> bool:
    lines = hosts.read_text().splitlines() if hosts.is_file() else []
    return any(name in line.partition("#")[0].split()[1:] for line in lines)


def _problem(listener: Listener) -> tuple[str, str] | None:
    """Why the port cannot be opened, and the remedy; None when it can."""
    kind = socket.SOCK_DGRAM if listener.udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if not listener.udp:
            # As servers do: a port in the last throes of an earlier connection counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.host, listener.port))
        except OSError as error:
            return _explained(listener, error)
    return None


def _explained(listener: Listener, error: OSError) -> tuple[str, str]:
    another = f"{_variable(listener.setting)}=... make run"
    if isinstance(error, socket.gaierror):
        return f"is on {listener.host}, a name that leads to no address", f"Correct {_variable(listener.host_setting)}."
    match error.errno:
        case errno.EADDRINUSE:
            why = "is taken by another program, or by a OneCall that runs already"
            return why, f"Stop that, or choose another port: {another}."
        case errno.EACCES:
            return "is one that only root may open", f"Choose one from 1024 up: {another}."
        case errno.EADDRNOTAVAIL:
            why = f"is on {listener.host}, which is no address of this machine"
            return why, f"Correct {_variable(listener.host_setting)} (0.0.0.0: every address)."
    return f"on {listener.host} cannot be opened: {error.strerror}", f"Choose another: {another}."


def _variable(setting: str) -> str:
    return f"ONECALL_{setting.upper()}"
