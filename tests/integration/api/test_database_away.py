"""A database that takes no writing, or is not there at all: what still works, and how the rest is refused."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
import websockets
from sqlalchemy import select

from api.model import UserSession
from core.bus import LocalBus
from core.clock import utc
from core.db import Database
from core.migrate import upgrade
from tests.integration.api.house import House, build, seed, served, sign_in
from tests.integration.api.stub_acd import StubAcd
from tests.integration.conftest import postgres_server

SOCKETS = 6


async def _cookie(house: House) -> str:
    async with house.client() as client:
        await sign_in(client, "anna")
        return f"onecall_session={client.cookies['onecall_session']}"


async def test_a_locked_database_locks_nobody_out_who_only_reads(
    house: House, database: Database, tmp_path: Path
) -> None:
    cookie = await _cookie(house)
    other = sqlite3.connect(tmp_path / "onecall.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        house.clock.advance(120)  # long enough for every session to be due for its mark of being in use
        async with house.client() as client, asyncio.timeout(4):  # less than one wait for the lock
            for path in ("/api/session", "/api/tickets", "/api/phone"):
                answer = await client.get(path, headers={"Cookie": cookie})
                assert answer.status_code == 200, (path, answer.text)
        async with served(house) as at:
            for _ in range(SOCKETS):
                house.clock.advance(61)
                async with (
                    asyncio.timeout(4),
                    websockets.connect(f"ws://{at}/api/desk", additional_headers={"Cookie": cookie}) as socket,
                ):
                    await socket.send(json.dumps({"type": "hello"}))
                    assert json.loads(await socket.recv())["type"] == "desk"
            other.execute("COMMIT")
    finally:
        other.close()


async def test_that_a_session_is_in_use_is_written_down_beside_the_request(house: House) -> None:
    async with house.signed_in("anna") as client:
        house.clock.advance(120)
        await client.get("/api/session")
        await house.app.state.sessions.stop()
        async with house.database.reading() as session:
            row = (await session.scalars(select(UserSession))).one()
        assert row.last_seen == utc(house.clock.now())


async def test_a_postgresql_that_is_gone_is_told_as_unavailable_on_every_way_in(tmp_path: Path) -> None:
    with postgres_server() as server:
        await upgrade(server.url)
        database, bus = Database(server.url, pool_size=2), LocalBus()
        await seed(database)
        acd = StubAcd(bus)
        await acd.start()
        house = await build(database, bus, acd, tmp_path)
        cookie = await _cookie(house)
        server.stop()
        house.clock.advance(10)
        async with house.client() as client:
            for path in ("/api/session", "/api/tickets"):
                answer = await client.get(path, headers={"Cookie": cookie})
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable"), answer.text
            answer = await client.post("/api/session", json={"login": "anna", "password": "what ever it is"})
            assert answer.status_code == 503
        async with (
            served(house) as at,
            websockets.connect(f"ws://{at}/api/desk", additional_headers={"Cookie": cookie}) as socket,
        ):
            assert json.loads(await socket.recv())["type"] == "unavailable"
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1013, "a code after which the browser tries again"
        await database.close()
