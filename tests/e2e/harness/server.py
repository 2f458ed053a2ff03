"""A real Asterisk for tests: own folder, own free ports, the product's own configuration."""

from __future__ import annotations

import datetime
import ipaddress
import os
import random
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from onecall.asterisk import AsteriskInstance
from onecall.asterisk_config import AsteriskSettings, write_if_changed
from onecall.asterisk_program import AsteriskProgram, find_asterisk
from tests.e2e.harness.manager import TestManager
from tests.e2e.harness.phone import Phone

REPOSITORY = Path(__file__).resolve().parents[3]
CALLER_ADDRESS = "127.0.1.1"
"""Outside callers call from here: the trunk is known by its address, which must not be that of agents' phones."""
# Below the range from which the system takes ports for outgoing connections.
_FIRST_PORT, _LAST_PORT = 10000, 32000
_RTP_PORTS = 400


@dataclass(frozen=True, slots=True)
class TestAgent:
    """An agent's phone as pjsip.conf's templates know it: ``oc-desk`` (UDP) or ``oc-browser`` (WebRTC)."""

    __test__ = False
    extension: str
    password: str
    template: str = "oc-desk"


class TestAsterisk:
    """One running Asterisk; ``settings`` has every port and path of it."""

    __test__ = False

    def __init__(self, folder: Path, **changes: object) -> None:
        settings = replace(_free_settings(folder), **changes)  # type: ignore[arg-type]
        self.instance = AsteriskInstance(settings, installed_asterisk())

    @property
    def settings(self) -> AsteriskSettings:
        return self.instance.settings

    @property
    def sip(self) -> tuple[str, int]:
        """Where phones and callers reach it."""
        return self.settings.address, self.settings.sip_port

    async def start(self, agents: Iterable[TestAgent] = ()) -> None:
        """Start and wait until it is ready."""
        self.settings.etc.mkdir(parents=True, exist_ok=True)
        self.set_agents(agents)
        await self.instance.start()

    async def stop(self) -> None:
        await self.instance.stop()

    def set_agents(self, agents: Iterable[TestAgent]) -> None:
        """Write the agents' endpoints; a running Asterisk needs ``manager().reload_phones()`` after it."""
        write_if_changed(self.settings.agents_file, "\n".join(_endpoint(agent) for agent in agents))

    def manager(self) -> TestManager:
        """A manager session: ``async with asterisk.manager() as manager``."""
        return TestManager(
            (self.settings.manager_address, self.settings.manager_port),
            self.settings.manager_user,
            self.settings.manager_secret,
        )

    async def caller(self, number: str = "+393471234567", *, sends_sound: bool = True, port: int = 0) -> Phone:
        """A phone outside, behind the trunk. ``number`` is what it shows as its own."""
        return await Phone.open(self.sip, number, address=CALLER_ADDRESS, port=port, sends_sound=sends_sound)

    async def desk_phone(self, agent: TestAgent, *, sends_sound: bool = True) -> Phone:
        """An agent's phone, registered."""
        phone = await Phone.open(self.sip, agent.extension, agent.password, sends_sound=sends_sound)
        await phone.register()
        return phone


def installed_asterisk() -> AsteriskProgram:
    """The Asterisk that provisioning found or made; raises RuntimeError that says how to get one."""
    tree = Path(os.environ.get("ONECALL_ASTERISK_TREE", REPOSITORY / ".state" / "asterisk" / "tree"))
    program = find_asterisk(tree.resolve())
    if program is None:
        raise RuntimeError(
            "No Asterisk to test with: run `make test`, which provisions one, or set ONECALL_ASTERISK_TREE."
        )
    return program


def free_ports(count: int) -> list[int]:
    """Ports free on every loopback address for TCP and UDP, outside of the system's own range."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(_FIRST_PORT, _LAST_PORT)
        if port not in found and _is_free(port):
            found.append(port)
    return found


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def _free_settings(folder: Path) -> AsteriskSettings:
    certificate, private_key = make_certificate(folder / "tls")
    sip, manager, ws, wss, agi, trunk = free_ports(6)
    rtp = random.randrange(_FIRST_PORT, _LAST_PORT, _RTP_PORTS)
    return AsteriskSettings(
        instance=folder,
        recordings=folder / "recordings",
        certificate=certificate,
        private_key=private_key,
        manager_secret=secrets.token_hex(16),
        sip_port=sip,
        manager_port=manager,
        ws_port=ws,
        wss_port=wss,
        rtp_first=rtp,
        rtp_last=rtp + _RTP_PORTS - 1,
        agi_port=agi,
        trunk_addresses=(CALLER_ADDRESS,),
        trunk_contact=f"sip:{CALLER_ADDRESS}:{trunk}",
    )


def _endpoint(agent: TestAgent) -> str:
    extension = agent.extension
    return (
        f"[{extension}]({agent.template})\nauth = {extension}\naors = {extension}\n"
        f'callerid = "Agent {extension}" <{extension}>\n\n'
        f"[{extension}](oc-auth)\nusername = {extension}\npassword = {agent.password}\n\n"
        f"[{extension}](oc-aor)\n"
    )


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
