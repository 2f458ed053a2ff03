"""Ports that OneCall and its Asterisk will listen on: a taken one is told before anything starts."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from onecall.asterisk import AsteriskInstance
from onecall.asterisk_program import find_asterisk
from onecall.asterisk_settings import EVERYWHERE, asterisk_settings
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


def listeners(settings: Settings) -> list[Listener]:
    """Every port that `run` opens with these settings."""
    host = settings.host
    ours = [
        Listener("http_port", host, settings.http_port, "web"),
        Listener("https_port", host, settings.https_port, "web with TLS"),
        Listener("agi_port", settings.agi_host, settings.agi_port, "IVR"),
    ]
    if settings.asterisk == "own":
        ours += [
            Listener("ws_port", "127.0.0.1", settings.ws_port, "browser phones", of_asterisk=True),
            Listener("wss_port", host, settings.wss_port, "browser phones with TLS", of_asterisk=True),
            Listener("ami_port", settings.ami_host, settings.ami_port, "manager interface", of_asterisk=True),
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
        asterisk_runs = self._our_asterisk_runs()
        for listener in self._listeners:
            if not (listener.of_asterisk and asterisk_runs) and _is_taken(listener):
                kind = "UDP" if listener.udp else "TCP"
                variable = f"ONECALL_{listener.setting.upper()}"
                raise Unavailable(
                    f"{kind} port {listener.port} ({listener.use}) is taken by another program, or by a OneCall that "
                    "runs already.",
                    f"Stop that, or choose another port: {variable}=... make run.",
                )

    def state(self) -> str:
        return ", ".join(f"{listener.use} {listener.port}" for listener in self._listeners)

    def _check_each_is_used_once(self) -> None:
        seen: dict[tuple[int, bool], Listener] = {}
        for listener in self._listeners:
            other = seen.setdefault((listener.port, listener.udp), listener)
            if other is not listener:
                names = f"ONECALL_{other.setting.upper()} and ONECALL_{listener.setting.upper()}"
                raise Unavailable(f"{names} are both {listener.port}.", "Give each its own port.")

    def _our_asterisk_runs(self) -> bool:
        """One that outlived a killed OneCall holds its ports rightly: it will be taken over, with its calls."""
        program = find_asterisk(self._settings.tree)
        return program is not None and AsteriskInstance(asterisk_settings(self._settings), program).alive()


class HostName(Step):
    """Asterisk on every address looks its machine's name up twice a call: without an entry that is DNS, and slow."""

    title = "Host name"

    def __init__(self, settings: Settings) -> None:
        self._matters = settings.asterisk == "own" and settings.host in EVERYWHERE

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


def _is_taken(listener: Listener) -> bool:
    kind = socket.SOCK_DGRAM if listener.udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if not listener.udp:
            # As servers do: a port in the last throes of an earlier connection counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.host, listener.port))
        except OSError:
            return True
    return False
