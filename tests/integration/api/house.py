"""A small operation and a running API around it, for tests."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from acd.model import Agent, AgentQueue, AgentSkill, NotReadyReason, Programme, Queue, Skill, Team
from api.app import create_app, running
from api.deps import ApiDeps, ApiSettings
from api.model import User
from core.bus import Bus
from core.clock import ManualClock
from core.db import Database
from core.security import hash_password
from tests.integration.api.stub_acd import StubAcd
from tests.patience import PATIENCE

PASSWORD = "a long enough password"
LOGINS = {
    "anna": ["agent"],
    "bice": ["agent"],
    "team_leader": ["team_leader"],
    "supervisor": ["supervisor"],
    "back_office": ["back_office"],
    "quality": ["quality"],
    "administrator": ["administrator"],
}
START = 1_790_000_000.0


@dataclass(frozen=True, slots=True)
class House:
    """What a test holds in its hands."""

    app: FastAPI
    database: Database
    bus: Bus
    clock: ManualClock
    acd: StubAcd

    def client(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """A browser without cookies, at that address."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50000))
        return httpx.AsyncClient(transport=transport, base_url="http://onecall.test")

    @contextlib.asynccontextmanager
    async def signed_in(self, login: str, address: str = "192.0.2.1") -> AsyncIterator[httpx.AsyncClient]:
        """A browser in which this user has signed in; changing requests carry the CSRF header."""
        async with self.client(address) as client:
            await sign_in(client, login)
            yield client


async def sign_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> dict[str, object]:
    """Sign in and keep the CSRF header; who is signed in."""
    answer = await client.post("/api/session", json={"login": login, "password": password})
    assert answer.status_code == 200, answer.text
    me: dict[str, object] = answer.json()
    client.headers["X-CSRF"] = str(me["csrf"])
    return me


async def build(
    database: Database, bus: Bus, acd: StubAcd, folder: Path, *, ping_seconds: float = 10.0, **more: object
) -> House:
    """The app on a seeded database; `more` are further settings."""
    clock = ManualClock(START)
    places = {name: folder / name for name in ("recordings", "flows", "prompts")}
    settings = ApiSettings(ping_seconds=ping_seconds, **places, **more)  # type: ignore[arg-type]
    app = create_app(ApiDeps(database=database, bus=bus, clock=clock, settings=settings))
    return House(app, database, bus, clock, acd)


async def seed(database: Database) -> None:
    """One programme, one queue, two agents, a user for each role."""
    password_hash = hash_password(PASSWORD)
    async with database.session() as session:
        session.add_all(
            [
                Programme(id="p-aura", name="Aura Mobile"),
                Team(id="t-one", name="One"),
                Skill(id="italian", name="Italian"),
                NotReadyReason(id="break", name_it="Pausa", name_en="Break"),
                NotReadyReason(id="rona", name_it="Nessuna risposta", name_en="No answer", chosen_by_agent=False),
            ]
        )
        await session.flush()
        session.add(Queue(id="q-care", programme_id="p-aura", name="Care", plan={}))
        await session.flush()
        for number, name in ((2001, "anna"), (2002, "bice")):
            agent = Agent(id=f"a-{name}", name=name.title(), extension=str(number), phone_secret="s" * 20)
            agent.skills = [AgentSkill(skill_id="italian", level=8)]
            agent.queues = [AgentQueue(queue_id="q-care")]
            session.add(agent)
        await session.flush()
        for login, roles in LOGINS.items():
            seat = f"a-{login}" if roles == ["agent"] else None
            session.add(
                User(
                    id=f"u-{login}",
                    login=login,
                    name=login.title(),
                    password_hash=password_hash,
                    roles=roles,
                    agent_id=seat,
                )
            )


@contextlib.asynccontextmanager
async def served(house: House, **options: object) -> AsyncIterator[str]:
    """The app behind a real server on a free loopback port; its `host:port`. `options` are uvicorn's."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(house.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, **options)  # type: ignore[arg-type]
    server = _Server(config)
    async with running(house.app):
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(PATIENCE):
                while not server.started:
                    await asyncio.sleep(0.005)
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield
