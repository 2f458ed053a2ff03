"""A real Asterisk for tests: own folder, own free ports, the product's own configuration."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from onecall.asterisk import AsteriskInstance
from onecall.asterisk_config import AsteriskSettings
from onecall.asterisk_program import AsteriskProgram, find_asterisk
from onecall.certificate import make_certificate
from onecall.endpoints import Endpoint, write_endpoints
from phones.phone import Phone
from tests.e2e.harness.manager import TestManager
from tests.ports import free_ports, sound_ports

REPOSITORY = Path(__file__).resolve().parents[3]
CALLER_ADDRESS = "127.0.1.1"
"""Outside callers call from here: the trunk is known by its address, which must not be that of agents' phones."""
_RTP_PORTS = 400


@dataclass(frozen=True, slots=True)
class TestAgent:
    """An agent's phone; ``kind`` is ``sip`` (desk phone, UDP) or ``browser`` (WebRTC)."""

    __test__ = False
    extension: str
    password: str
    kind: str = "sip"


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
        known = [Endpoint(agent.extension, agent.password, agent.kind, f"Agent {agent.extension}") for agent in agents]
        write_endpoints(self.settings.agents_file, known)

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


def _free_settings(folder: Path) -> AsteriskSettings:
    certificate, private_key = folder / "tls" / "certificate.pem", folder / "tls" / "key.pem"
    make_certificate(certificate, private_key, ("localhost", "127.0.0.1"))
    sip, manager, ws, wss, agi, trunk = free_ports(6)
    rtp_first, rtp_last = sound_ports(_RTP_PORTS)
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
        rtp_first=rtp_first,
        rtp_last=rtp_last,
        agi_port=agi,
        trunk_addresses=(CALLER_ADDRESS,),
        trunk_contact=f"sip:{CALLER_ADDRESS}:{trunk}",
    )
