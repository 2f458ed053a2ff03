"""Signing in and out."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from api.auth import ADDRESS_TRIES, TRIES, WINDOW_SECONDS, place_of
from api.model import User, UserSession
from core.bus import LocalBus
from core.db import Database
from core.errors import Unavailable
from tests.integration.api.house import PASSWORD, House, build, seed, sign_in
from tests.integration.api.stub_acd import StubAcd
from tests.integration.conftest import postgres_database


async def test_a_right_password_opens_a_session_with_a_cookie_that_scripts_cannot_read(house: House) -> None:
    async with house.client() as client:
        answer = await client.post("/api/session", json={"login": "ANNA", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        me = (await client.get("/api/session")).json()
    assert (me["login"], me["roles"], me["agent_id"]) == ("anna", ["agent"], "a-anna")


async def test_over_tls_the_cookie_is_secure(house: House) -> None:
    transport = httpx.ASGITransport(house.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://onecall.test") as client:
        answer = await client.post("/api/session", json={"login": "anna", "password": PASSWORD})
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_the_cookies_token_is_not_in_the_database(house: House) -> None:
    async with house.signed_in("anna") as client:
        token = client.cookies["onecall_session"]
    async with house.database.reading() as session:
        row = (await session.scalars(select(UserSession))).one()
    assert token not in (row.token_hash, row.id, row.csrf)


async def test_a_wrong_password_and_an_unknown_login_are_answered_alike(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def check(stored: str, password: str) -> bool:
        checked.append(stored)
        return False

    monkeypatch.setattr("api.auth.check_password", check)
    async with house.client() as client:
        wrong = await client.post("/api/session", json={"login": "anna", "password": "wrong"})
        unknown = await client.post("/api/session", json={"login": "nobody", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert [stored.split("$")[1] for stored in checked] == ["argon2id", "argon2id"], "both cost the same work"


async def test_after_five_failures_that_login_must_wait_at_that_address_only(house: House) -> None:
    async with house.client() as client:
        for _ in range(TRIES):
            assert (await client.post("/api/session", json={"login": "anna", "password": "wrong"})).status_code == 401
        refused = await client.post("/api/session", json={"login": "anna", "password": PASSWORD})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == str(int(WINDOW_SECONDS))
        assert "10 minutes" in refused.json()["error"]["remedy"]
        await sign_in(client, "bice")
    async with house.client("198.51.100.7") as elsewhere:
        await sign_in(elsewhere, "anna")
    house.clock.advance(WINDOW_SECONDS + 1)
    async with house.client() as client:
        await sign_in(client, "anna")


async def test_many_tries_at_once_do_not_slip_past_the_limit(house: House) -> None:
    async with house.client() as client:
        answers = await asyncio.gather(
            *(client.post("/api/session", json={"login": "anna", "password": f"guess {n}"}) for n in range(20))
        )
    assert sorted(answer.status_code for answer in answers) == [401] * TRIES + [429] * (20 - TRIES)


async def test_a_success_forgets_the_failures_before_it(house: House) -> None:
    async with house.client() as client:
        for _ in range(3):
            for _ in range(TRIES - 1):
                await client.post("/api/session", json={"login": "anna", "password": "wrong"})
            await sign_in(client, "anna")


async def test_signing_in_again_ends_the_browsers_former_session(house: House) -> None:
    async with house.signed_in("anna") as client:
        old = client.cookies["onecall_session"]
        await sign_in(client, "anna")
        assert client.cookies["onecall_session"] != old
    async with house.client() as thief:
        thief.cookies.set("onecall_session", old)
        assert (await thief.get("/api/session")).status_code == 401


async def test_signing_out_ends_this_session_and_no_other(house: House) -> None:
    async with house.signed_in("anna") as one, house.signed_in("anna") as other:
        token = one.cookies["onecall_session"]
        assert (await one.delete("/api/session")).status_code == 200
        one.cookies.set("onecall_session", token)
        assert (await one.get("/api/session")).status_code == 401
        assert (await other.get("/api/session")).status_code == 200


async def test_signing_out_everywhere_ends_all_sessions_of_the_user(house: House) -> None:
    async with house.signed_in("anna") as one, house.signed_in("anna") as two, house.signed_in("bice") as bice:
        assert (await two.get("/api/session")).status_code == 200
        await one.delete("/api/session", params={"everywhere": True})
        assert (await two.get("/api/session")).status_code == 401
        assert (await bice.get("/api/session")).status_code == 200


async def test_a_session_ends_after_its_longest_time_and_after_idleness(house: House) -> None:
    async with house.signed_in("anna") as client:
        house.clock.advance(59 * 60)
        assert (await client.get("/api/session")).status_code == 200
        house.clock.advance(59 * 60)
        assert (await client.get("/api/session")).status_code == 200, "use keeps it alive"
        house.clock.advance(61 * 60)
        assert (await client.get("/api/session")).status_code == 401, "idle for longer than an hour"
    async with house.signed_in("anna") as client:
        for _ in range(14):
            assert (await client.get("/api/session")).status_code == 200
            house.clock.advance(3599)
        house.clock.advance(15)
        assert (await client.get("/api/session")).status_code == 401, "fourteen hours are over"


async def test_a_disabled_user_cannot_sign_in(house: House) -> None:
    async with house.database.session() as session:
        (await session.get_one(User, "u-anna")).disabled = True
    async with house.client() as client:
        answer = await client.post("/api/session", json={"login": "anna", "password": PASSWORD})
    assert answer.status_code == 401


async def test_a_changed_password_ends_the_other_sessions_and_renews_this_one(house: House) -> None:
    new = "another long password"
    async with house.signed_in("anna") as one, house.signed_in("anna") as two:
        old = one.cookies["onecall_session"]
        wrong = await one.post("/api/session/password", json={"current": "not it", "new": new})
        assert wrong.status_code == 422
        renewed = await one.post("/api/session/password", json={"current": PASSWORD, "new": new})
        assert renewed.status_code == 200
        assert one.cookies["onecall_session"] != old
        assert (await one.get("/api/session")).status_code == 200
        assert (await two.get("/api/session")).status_code == 401
        await sign_in(two, "anna", new)


async def test_a_short_new_password_is_refused_without_repeating_it(house: House) -> None:
    async with house.signed_in("anna") as client:
        answer = await client.post("/api/session/password", json={"current": PASSWORD, "new": "short"})
    assert answer.status_code == 422
    assert "new" in answer.json()["error"]["what"]
    assert "'short'" not in answer.text


async def test_a_bus_that_is_away_does_not_fail_what_is_done_already(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_topic: str, _message: object) -> None:
        raise Unavailable("The bus does not answer.")

    async with house.signed_in("anna") as client:
        monkeypatch.setattr(house.bus, "publish", away)
        await sign_in(client, "anna")  # ends the former session, which the others would be told
        assert (await client.patch("/api/session", json={"language": "en"})).json()["language"] == "en"
        out = await client.delete("/api/session")
        assert out.status_code == 200
        assert "onecall_session" not in client.cookies


@pytest.fixture
def migrated_url(postgres_url: str, migrated_postgres_url: str) -> Iterator[str]:
    """URL of an empty database with the newest schema on PostgreSQL."""
    with postgres_database(postgres_url, migrated_postgres_url) as url:
        yield url


async def test_many_tries_at_once_do_not_slip_past_the_limit_on_postgresql(migrated_url: str, tmp_path: Path) -> None:
    bus, database = LocalBus(), Database(migrated_url, pool_size=20)
    await seed(database)
    house = await build(database, bus, StubAcd(bus), tmp_path)
    async with house.client() as client:
        answers = await asyncio.gather(
            *(client.post("/api/session", json={"login": "anna", "password": f"guess {n}"}) for n in range(20))
        )
    await database.close()
    assert sorted(answer.status_code for answer in answers) == [401] * TRIES + [429] * (20 - TRIES)


async def test_an_address_that_tries_many_logins_must_wait_too(house: House) -> None:
    async with house.client() as client:
        for number in range(ADDRESS_TRIES):
            given = {"login": f"guess-{number // TRIES}", "password": "wrong"}
            assert (await client.post("/api/session", json=given)).status_code == 401
        refused = await client.post("/api/session", json={"login": "anna", "password": PASSWORD})
        assert refused.status_code == 429
    async with house.client("198.51.100.7") as elsewhere:
        await sign_in(elsewhere, "anna")


async def test_all_addresses_of_one_ipv6_network_count_together(house: House) -> None:
    for number in range(TRIES):
        async with house.client(f"2001:db8:0:1::{number}") as client:
            answer = await client.post("/api/session", json={"login": "anna", "password": "wrong"})
            assert answer.status_code == 401
    async with house.client("2001:db8:0:1:ffff::9") as same, house.client("2001:db8:0:2::1") as other:
        assert (await same.post("/api/session", json={"login": "anna", "password": PASSWORD})).status_code == 429
        await sign_in(other, "anna")
    assert place_of("::ffff:192.0.2.7") == "192.0.2.7"
