"""A session that comes due cuts nobody in mid-call: it ends with that call's wrap-up, and before the next call."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.bus import LocalBus
from core.db import Database
from core.errors import Unavailable
from tests.integration.api.house import House, build, served
from tests.integration.api.stub_acd import StubAcd
from tests.integration.api.test_desk_socket import Place

ANNA = "a-anna"
IDLE = 61 * 60.0
LONGEST = 14 * 3600.0


async def _allowed(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/api/session")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


@pytest.mark.parametrize("seconds", [IDLE, LONGEST])
async def test_a_session_that_comes_due_in_mid_call_ends_once_the_wrap_up_is_over(house: House, seconds: float) -> None:
    async with house.signed_in("anna") as anna:
        house.acd.work[ANNA] = ("ringing", "i-1")
        house.clock.advance(seconds)
        for state in ("ringing", "talking", "wrap_up"):
            house.acd.work[ANNA] = (state, "i-1")
            house.clock.advance(90)
            assert await _allowed(anna), state
            async with house.signed_in("bice"):  # whoever signs in sweeps out the sessions that are over
                assert await _allowed(anna), state
        # The timer of the wrap-up has ended over an open ticket: the desk still shows the call.
        house.acd.work[ANNA] = ("not_ready", "i-1")
        assert not await _allowed(anna)


async def test_the_session_of_an_agent_without_a_call_ends_in_time_ringing_or_not_of_somebody_else(
    house: House,
) -> None:
    async with house.signed_in("anna") as anna:
        house.acd.work |= {ANNA: ("ready", None), "a-bice": ("talking", "i-1")}
        house.clock.advance(LONGEST)
        assert not await _allowed(anna)


async def test_a_due_session_does_not_last_into_a_next_call_that_only_rings_but_cuts_no_talk(house: House) -> None:
    async with house.signed_in("anna") as anna, house.signed_in("anna") as other:
        house.acd.work[ANNA] = ("talking", "i-1")
        house.clock.advance(LONGEST)
        assert await _allowed(anna)
        house.acd.work[ANNA] = ("ringing", "i-2")
        assert not await _allowed(anna)
        house.acd.work[ANNA] = ("talking", "i-2")
        assert await _allowed(other)


async def test_while_routing_is_away_its_last_word_on_the_agent_holds(house: House) -> None:
    async with house.signed_in("anna") as anna, house.signed_in("bice") as bice:
        house.acd.work[ANNA] = ("talking", "i-1")
        house.clock.advance(LONGEST)
        assert await _allowed(anna)
        house.acd.fail = Unavailable("Routing does not answer.", "Try again.")
        assert await _allowed(anna)
        assert not await _allowed(bice)


async def test_an_administrator_still_signs_out_in_mid_call_and_the_browser_keeps_its_cookie(house: House) -> None:
    async with house.signed_in("anna") as anna, house.signed_in("administrator") as admin:
        house.acd.work[ANNA] = ("talking", "i-1")
        await admin.delete("/api/admin/users/u-anna/sessions")
        assert not await _allowed(anna)
    async with house.client() as client:
        answer = await client.post("/api/session", json={"login": "anna", "password": "a long enough password"})
    assert "Max-Age=136800" in answer.headers["set-cookie"], "fourteen hours, and a day for the call at hand"


@pytest.fixture
async def place(database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    """The API served, with beats of half a second."""
    bus = LocalBus()
    acd = StubAcd(bus)
    await acd.start()
    house = await build(database, bus, acd, tmp_path, ping_seconds=0.5)
    async with served(house) as at:
        yield Place(house, at)
    await bus.close()


async def test_a_desk_goes_on_over_the_end_of_its_session_until_the_wrap_up_is_over(place: Place) -> None:
    acd = place.house.acd
    acd.work[ANNA] = ("talking", "i-1")
    async with place.desk("anna") as window:
        place.house.clock.advance(LONGEST)
        for _ in range(3):
            await window.until("ping")
        acd.work[ANNA] = ("wrap_up", "i-1")
        await acd.change(ANNA)
        assert (await window.until("desk"))["desk"]["agent"]["state"] == "wrap_up"
        await window.until("ping")
        acd.work[ANNA] = ("ready", None)
        await acd.change(ANNA)
        kinds, code = await window.end()
    assert (kinds[-1], code) == ("signed_out", 4401)


async def test_a_desk_ends_with_the_wrap_up_at_once_and_not_at_its_next_beat(place: Place) -> None:
    acd = place.house.acd
    acd.work[ANNA] = ("wrap_up", "i-1")
    async with place.desk("anna") as window:
        place.house.clock.advance(LONGEST)
        await window.until("ping")
        # The next beats are far away from now on.
        object.__setattr__(place.house.app.state.deps.settings, "ping_seconds", 600.0)
        await window.until("ping")
        acd.work[ANNA] = ("ready", None)
        await acd.change(ANNA)
        _, code = await window.end()
    assert code == 4401
