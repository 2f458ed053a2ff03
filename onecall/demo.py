"""The demo company: an outsourcer that answers for a mobile operator and an energy supplier. All of it is invented.

Seeding only fills an empty installation: what an administrator has changed is never touched again.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from acd.model import (
    Agent,
    AgentQueue,
    AgentSkill,
    NotReadyReason,
    Programme,
    Queue,
    Skill,
    Team,
)
from api.model import User
from core.db import Base, Database
from core.security import hash_password, new_token
from ivr.model import CalendarRow, DialledNumber, FlowRow
from onecall.files import write_whole

FLOWS = Path(__file__).resolve().parent.parent / "ivr" / "demo"
MOBILE_NUMBER, ENERGY_NUMBER = "+390116180100", "+390116180200"


@dataclass(frozen=True, slots=True)
class Account:
    """A person of the demo: `seat` is the extension of an agent's phone, empty for those who take no calls."""

    login: str
    name: str
    roles: tuple[str, ...]
    seat: str = ""


ACCOUNTS = (
    Account("giulia", "Giulia Bassi", ("agent",), "2001"),
    Account("luca", "Luca Ferrante", ("agent",), "2002"),
    Account("sara", "Sara Colombo", ("agent",), "2003"),
    Account("elena", "Elena Marchetti", ("team_leader", "supervisor")),
    Account("bruno", "Bruno Sartori", ("back_office",)),
    Account("quinto", "Quinto Neri", ("quality",)),
    Account("admin", "Ada Amministratrice", ("administrator", "supervisor")),
)
_SKILLS = {
    "italian": "Italiano",
    "english": "English",
    "portability": "Number portability",
    "roaming": "Roaming",
    "technical": "Configuration and faults",
    "billing": "Bills and credits",
}
_QUEUES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("q-care", "p-mobile", "Customer care", {}),
    ("q-port", "p-mobile", "Portability", {}),
    ("q-tech", "p-mobile", "Technical help", {}),
    ("q-bills", "p-energy", "Bills", {}),
)
_SEATS: tuple[tuple[str, str, str, dict[str, int], tuple[str, ...]], ...] = (
    (
        "2001",
        "Giulia Bassi",
        "browser",
        {"italian": 10, "english": 6, "portability": 8, "billing": 5},
        ("q-care", "q-port"),
    ),
    ("2002", "Luca Ferrante", "browser", {"italian": 10, "technical": 8, "roaming": 6}, ("q-care", "q-tech")),
    (
        "2003",
        "Sara Colombo",
        "sip",
        {"italian": 10, "english": 9, "billing": 9, "portability": 5},
        ("q-bills", "q-port"),
    ),
    ("2101", "Marta Galli", "sip", {"italian": 9, "portability": 6, "billing": 4}, ("q-care", "q-port")),
    ("2102", "Diego Rinaldi", "sip", {"italian": 9, "technical": 7, "roaming": 5}, ("q-care", "q-tech")),
    ("2103", "Irene Vitali", "sip", {"italian": 9, "english": 8, "billing": 8}, ("q-bills", "q-care")),
    ("2104", "Paolo Serra", "sip", {"italian": 9, "billing": 6, "portability": 7}, ("q-bills", "q-port")),
)
ROBOTS = ("2101", "2102", "2103", "2104")
"""Extensions of the agents that `make demo` moves by itself."""
_REASONS = (
    ("break", "Pausa", "Break"),
    ("lunch", "Pranzo", "Lunch"),
    ("training", "Formazione", "Training"),
    ("back_office", "Back office", "Back office"),
    ("meeting", "Riunione", "Meeting"),
)
_SYSTEM_REASONS = (
    ("signed_in", "Appena entrato", "Just signed in"),
    ("rona", "Non ha risposto", "Did not answer"),
    ("rejected", "Ha rifiutato", "Rejected"),
    ("phone_lost", "Telefono scollegato", "Phone disconnected"),
    ("desk_lost", "Postazione chiusa", "Desk closed"),
    ("wrap_up_unfinished", "Chiusura da completare", "Wrap-up to complete"),
)


async def seed(database: Database, secrets_file: Path) -> dict[str, str]:
    """Fill an empty installation; returns login → password of the demo accounts, kept in `secrets_file` (mode 600)."""
    async with database.reading() as session:
        used = [await session.scalar(select(table.id).limit(1)) for table in (Programme, User)]
        empty = used == [None, None]
    if empty:
        passwords = {account.login: f"demo-{secrets.token_hex(3)}" for account in ACCOUNTS}
        # The file first: a cut in between leaves passwords without accounts, and not accounts that nobody can open.
        write_whole(secrets_file, (json.dumps(passwords, indent=2) + "\n").encode())
        await _fill(database, passwords)
    return json.loads(secrets_file.read_text(encoding="utf-8")) if secrets_file.is_file() else {}


async def _fill(database: Database, passwords: dict[str, str]) -> None:
    hashes = {login: await asyncio.to_thread(hash_password, password) for login, password in passwords.items()}
    async with database.session() as session:
        for group in (_organisation(), _seats(), _front(), _users(hashes)):
            session.add_all(group)
            await session.flush()


def _organisation() -> list[Base]:
    return [
        Programme(id="p-mobile", name="Ponente Mobile"),
        Programme(id="p-energy", name="Valdora Energia"),
        Team(id="t-a", name="Team A"),
        *(Skill(id=skill, name=name) for skill, name in _SKILLS.items()),
        *(
            NotReadyReason(id=key, name_it=it, name_en=en, chosen_by_agent=chosen, position=position)
            for chosen, reasons in ((True, _REASONS), (False, _SYSTEM_REASONS))
            for position, (key, it, en) in enumerate(reasons)
        ),
    ]


def _seats() -> list[Base]:
    queues: list[Base] = [
        Queue(id=queue, programme_id=programme, name=name, plan=plan) for queue, programme, name, plan in _QUEUES
    ]
    return queues + [
        Agent(
            id=f"a-{extension}",
            name=name,
            team_id="t-a",
            extension=extension,
            phone_kind=kind,
            phone_secret=new_token(18),
            skills=[AgentSkill(skill_id=skill, level=level) for skill, level in skills.items()],
            queues=[AgentQueue(queue_id=queue) for queue in served],
            routing={"languages": ["it", "en"] if "english" in skills else ["it"]},
        )
        for extension, name, kind, skills, served in _SEATS
    ]


def _front() -> list[Base]:
    rows: list[Base] = [
        FlowRow(id=path.stem, name=path.stem, yaml=path.read_text(encoding="utf-8"))
        for path in sorted(FLOWS.glob("*.yaml"))
    ]
    rows += [
        CalendarRow(id=path.stem, yaml=path.read_text(encoding="utf-8"))
        for path in sorted((FLOWS / "calendars").glob("*.yaml"))
    ]
    return [
        *rows,
        DialledNumber(did=MOBILE_NUMBER, programme_id="p-mobile", flow_id="mobile"),
        DialledNumber(did=ENERGY_NUMBER, programme_id="p-energy", flow_id="energy"),
    ]


def _users(hashes: dict[str, str]) -> list[Base]:
    return [
        User(
            id=f"u-{account.login}",
            login=account.login,
            name=account.name,
            password_hash=hashes[account.login],
            roles=list(account.roles),
            agent_id=f"a-{account.seat}" if account.seat else None,
            team_id="t-a" if "team_leader" in account.roles else None,
            language="it",
        )
        for account in ACCOUNTS
    ]
