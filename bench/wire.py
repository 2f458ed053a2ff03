"""Packet times of SIP on the loopback, taken by tcpdump: neither side's own clock is asked."""

import asyncio
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GLOBAL_HEADER, _RECORD_HEADER = 24, 16
_ETHERNET, _UDP = 14, 8
_LOOKS, _TAIL = 1000, 100_000
_USER = re.compile(r"<sip:([^@>;]+)@")


Place = tuple[str, int]
"""Address and UDP port: now and then a caller has the port of an agent, at another address."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One SIP message seen. `at`: seconds; `caller`: user part of From."""

    at: float
    source: Place
    target: Place
    method: str
    """Method of a request, or status of an answer."""
    cseq: str
    call_id: str
    caller: str
    retransmitted: bool


class Capture:
    """Captures one UDP port while inside; `packets` reads what came."""

    def __init__(self, port: int, file: Path) -> None:
        self._port = port
        self._file = file
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> "Capture":
        options = f"-i lo -s 1500 -B 16384 -U --immediate-mode -w - udp port {self._port}"
        self._process = await asyncio.create_subprocess_exec(
            "tcpdump", *options.split(), stdout=self._file.open("wb"), stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        while b"listening" not in (line := await self._process.stderr.readline()):
            if not line:
                raise SystemExit("tcpdump cannot capture: run as root, or give it CAP_NET_RAW (setcap).")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._until_all_is_written()
        self._process.terminate()
        report = (await self._process.communicate())[1]
        dropped = re.search(rb"(\d+) packets? dropped by kernel", report)
        if dropped and int(dropped.group(1)):
            raise RuntimeError(f"the kernel dropped {dropped.group(1).decode()} packets: the measurement is not whole")

    async def _until_all_is_written(self) -> None:
        """Send SIP's keep-alive, which asks nothing, and wait until it is in the file: all before it are there too."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.bind(("127.0.0.1", 0))
            last.sendto(b"\r\n\r\n", ("127.0.0.1", self._port))
            ports = struct.pack("!HH", last.getsockname()[1], self._port)
            for _ in range(_LOOKS):
                if ports in self._file.read_bytes()[-_TAIL:]:
                    return
                await asyncio.sleep(0.01)
        raise RuntimeError("tcpdump does not write what it captures: the measurement is not whole")

    def packets(self) -> list[Packet]:
        """All SIP messages, in order; a message already seen is marked as retransmitted."""
        seen: set[tuple[Place, Place, str, str, str]] = set()
        found = []
        for at, source, target, text in _datagrams(self._file.read_bytes()):
            packet = _parse(at, source, target, text, seen)
            if packet is not None:
                found.append(packet)
        return found


def _datagrams(data: bytes) -> Iterator[tuple[float, Place, Place, str]]:
    place = _GLOBAL_HEADER
    nano = data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
    while place + _RECORD_HEADER <= len(data):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", data, place)
        frame = data[place + _RECORD_HEADER : place + _RECORD_HEADER + length]
        place += _RECORD_HEADER + length
        udp = _ETHERNET + (frame[_ETHERNET] & 15) * 4
        ports = struct.unpack_from("!HH", frame, udp)
        addresses = (socket.inet_ntoa(frame[at : at + 4]) for at in (_ETHERNET + 12, _ETHERNET + 16))
        source, target = zip(addresses, ports, strict=True)
        yield seconds + fraction / (1e9 if nano else 1e6), source, target, frame[udp + _UDP :].decode(errors="replace")


def _parse(
    at: float, source: Place, target: Place, text: str, seen: set[tuple[Place, Place, str, str, str]]
) -> Packet | None:
    head, _, _ = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split(" ")
    if len(words) < 2 or "cseq" not in headers:
        return None
    method = words[1] if words[0].startswith("SIP/") else words[0]
    user = _USER.search(headers.get("from", ""))
    call_id = headers.get("call-id", "")
    key = (source, target, method, headers["cseq"], call_id)
    again = key in seen
    seen.add(key)
    return Packet(at, source, target, method, headers["cseq"], call_id, user.group(1) if user else "", again)


def callers(packets: list[Packet], server: Place, agents: set[Place]) -> set[str]:
    """Numbers that dialled in (agents' ports never do)."""
    return {
        packet.caller
        for packet in packets
        if packet.method == "INVITE" and packet.target == server and packet.source not in agents
    }


def talked_to(packets: list[Packet], agents: set[Place]) -> set[str]:
    """Numbers for which an agent's phone was rung and answered."""
    rung: dict[str, str] = {}
    found: set[str] = set()
    for packet in packets:
        if packet.method == "INVITE" and packet.target in agents:
            rung[packet.call_id] = packet.caller
        elif packet.method == "200" and packet.source in agents and packet.cseq.endswith("INVITE"):
            found.add(rung.get(packet.call_id, ""))
    return found


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie. Raises RuntimeError when nothing was measured."""
    if not values:
        raise RuntimeError("Nothing was measured: look at the log lines above for what did not start.")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
