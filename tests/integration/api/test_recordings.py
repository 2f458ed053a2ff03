"""Hearing recordings: in parts, each listening in the history; of every call, of the own team, or of none."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from acd.model import Agent, Team
from api.model import User
from tests.integration.api.house import START, House
from tickets.model import Customer, Interaction, InteractionLeg, Recording, Ticket, TicketEvent

OWN, OTHERS, PASSED_ON, UNRECORDED = "i-own", "i-others", "i-passed-on", "i-unrecorded"
"""Calls of Anna (team One), of Bice (team Two), of both, and of Anna without a recording."""
CALLS = {OWN: ("anna",), OTHERS: ("bice",), PASSED_ON: ("bice", "anna"), UNRECORDED: ("anna",)}
HEARD_BY = {"quality": {OWN, OTHERS, PASSED_ON}, "team_leader": {OWN, PASSED_ON}}
"""The others hear none."""
SOUND = b"RIFF and what was said"
DAY = datetime.fromtimestamp(START, UTC).date()


@pytest.fixture
async def recorded(house: House, tmp_path: Path) -> bytes:
    """The recording of call i-1."""
    sound = bytes(range(256)) * 40
    folder = tmp_path / "recordings" / "2026"
    folder.mkdir(parents=True)
    (folder / "i-1.wav").write_bytes(sound)
    (tmp_path / "secret.wav").write_bytes(b"not for you")
    async with house.database.session() as session:
        for interaction_id, path in (("i-1", "2026/i-1.wav"), ("i-2", "../secret.wav"), ("i-3", "2026/gone.wav")):
            session.add(Recording(interaction_id=interaction_id, path=path, closed_at=START))
    return sound


async def _heard(house: House) -> list[tuple[str, str | None]]:
    async with house.database.reading() as session:
        events = (await session.scalars(select(TicketEvent).order_by(TicketEvent.id))).all()
    return [(event.by_id, event.interaction_id) for event in events if event.kind == "recording_heard"]


async def test_a_recording_is_heard_in_parts_and_written_to_the_history_once(house: House, recorded: bytes) -> None:
    async with house.signed_in("quality") as client:
        begin = await client.get("/api/recordings/i-1", headers={"Range": "bytes=0-99"})
        rest = await client.get("/api/recordings/i-1", headers={"Range": "bytes=100-"})
        beyond = await client.get("/api/recordings/i-1", headers={"Range": "bytes=999999-"})
    assert (begin.status_code, rest.status_code, beyond.status_code) == (206, 206, 416)
    assert begin.headers["content-range"] == f"bytes 0-99/{len(recorded)}"
    assert begin.content + rest.content == recorded
    assert begin.headers["content-type"] == "audio/wav"
    assert await _heard(house) == [("u-quality", "i-1")]


async def test_a_listener_who_skips_the_first_byte_is_in_the_history_too(house: House, recorded: bytes) -> None:
    async with house.signed_in("quality") as client:
        await client.get("/api/recordings/i-1", headers={"Range": "bytes=1-"})
        house.clock.advance(3600)
        await client.get("/api/recordings/i-1", headers={"Range": "bytes=-500"})
    assert await _heard(house) == [("u-quality", "i-1")] * 2, "an hour later it is another listening"


async def test_the_whole_recording_is_heard_and_written_to_the_history(house: House, recorded: bytes) -> None:
    async with house.signed_in("quality") as client:
        whole = await client.get("/api/recordings/i-1")
    assert whole.content == recorded
    assert await _heard(house) == [("u-quality", "i-1")]


@pytest.mark.parametrize("interaction_id", ["i-2", "i-3", "i-4"])
async def test_no_file_outside_the_folder_and_no_missing_one_is_served(
    house: House, recorded: bytes, interaction_id: str
) -> None:
    async with house.signed_in("quality") as client:
        answer = await client.get(f"/api/recordings/{interaction_id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_recording")
    assert await _heard(house) == []


@pytest.fixture
async def teams(house: House, tmp_path: Path) -> None:
    """Anna is of team One, which the team leader leads, Bice of team Two; calls of one customer, about one ticket."""
    (tmp_path / "recordings").mkdir()
    async with house.database.session() as session:
        session.add_all(
            [
                Team(id="t-two", name="Two"),
                Customer(id="c-1", code="C1", name="Ada", name_folded="ada", created_at=START),
            ]
        )
        await session.flush()
        session.add(
            Ticket(
                id="t-1",
                number="T-1",
                programme_id="p-aura",
                customer_id="c-1",
                title="Bill",
                opened_at=START,
                changed_at=START,
            )
        )
        for agent, team in (("a-anna", "t-one"), ("a-bice", "t-two")):
            await session.execute(update(Agent).where(Agent.id == agent).values(team_id=team))
        for number, (call, speakers) in enumerate(CALLS.items()):
            session.add(_call(call, START + number * 3600, speakers[-1]))
            await session.flush()
            for position, name in enumerate(speakers):
                session.add(
                    InteractionLeg(interaction_id=call, position=position, agent_id=f"a-{name}", answered_at=START)
                )
            if call != UNRECORDED:
                (tmp_path / "recordings" / f"{call}.wav").write_bytes(SOUND)
                session.add(Recording(interaction_id=call, path=f"{call}.wav", closed_at=START))
    await _lead(house, "team_leader", team="t-one")


def _call(interaction_id: str, at: float, agent: str) -> Interaction:
    return Interaction(
        id=interaction_id,
        programme_id="p-aura",
        queue_id="q-care",
        customer_id="c-1",
        subject="c-1",
        ticket_id="t-1",
        agent_id=f"a-{agent}",
        arrived_at=at,
        queued_at=at,
        answered_at=at + 5,
        ended_at=at + 60,
        day=DAY,
    )


async def _lead(house: House, login: str, *, team: str | None, seat: str | None = None) -> None:
    async with house.database.session() as session:
        who = update(User).where(User.login == login)
        await session.execute(who.values(team_id=team, **({"agent_id": seat} if seat else {})))


async def _offered(client: httpx.AsyncClient) -> list[set[str]]:
    """The calls that the ticket, the customer and the report offer for listening, each where it may be read."""
    found = []
    for page in ("/api/tickets/t-1", "/api/customers/c-1"):
        answer = await client.get(page)
        if answer.status_code == 200:
            found.append({one["interaction_id"] for one in answer.json()["contacts"] if one["audible"]})
    answer = await client.get("/api/reports/recall/pairs", params={"from": str(DAY), "to": str(DAY)})
    if answer.status_code == 200:
        pairs = answer.json()["items"]
        assert len(pairs) == len(CALLS) - 1
        ends = [(pair[f"{end}_interaction_id"], pair[f"{end}_audible"]) for pair in pairs for end in ("first", "then")]
        found.append({call for call, audible in ends if audible})
    return found


@pytest.mark.parametrize("login", ["anna", "team_leader", "supervisor", "back_office", "quality", "administrator"])
async def test_every_one_hears_what_is_theirs(house: House, teams: None, login: str) -> None:
    theirs = HEARD_BY.get(login, set())
    async with house.signed_in(login) as client:
        for call in (OWN, OTHERS, PASSED_ON):
            for part in ({}, {"Range": "bytes=0-2"}):
                answer = await client.get(f"/api/recordings/{call}", headers=part)
                assert answer.status_code == ((206 if part else 200) if call in theirs else 403), f"{login} {call}"
                assert answer.content.startswith(SOUND[:3]) == (call in theirs)
        offered = await _offered(client)
    assert offered == [theirs] * len(offered)
    assert offered or login == "administrator"
    assert {call for _, call in await _heard(house)} == theirs


async def test_a_team_leader_is_told_why_a_call_of_another_team_is_not_theirs_to_hear(
    house: House, teams: None
) -> None:
    async with house.signed_in("team_leader") as client:
        error = (await client.get(f"/api/recordings/{OTHERS}")).json()["error"]
    assert error["code"] == "not_your_team"
    assert OTHERS in error["what"]
    assert error["remedy"]


@pytest.mark.parametrize(
    ("team", "seat", "hears"),
    [("t-two", None, OTHERS), (None, "a-bice", OTHERS), ("t-one", "a-bice", OWN), (None, None, None)],
)
async def test_the_team_led_comes_before_that_of_the_seat_and_without_either_nothing_is_heard(
    house: House, teams: None, team: str | None, seat: str | None, hears: str | None
) -> None:
    async with house.signed_in("team_leader") as client:
        if seat is not None:
            async with house.database.session() as session:
                await session.execute(update(User).where(User.agent_id == seat).values(agent_id=None))
        await _lead(house, "team_leader", team=team, seat=seat)
        answers = {call: (await client.get(f"/api/recordings/{call}")).status_code for call in (OWN, OTHERS)}
    assert answers == {call: 200 if call == hears else 403 for call in (OWN, OTHERS)}


async def test_an_agent_who_changes_team_takes_the_recordings_along(house: House, teams: None) -> None:
    async with house.signed_in("team_leader") as client, house.signed_in("administrator") as admin:
        moved = await admin.patch("/api/admin/agents/a-bice", json={"team_id": "t-one"})
        assert moved.status_code == 200, moved.text
        assert (await client.get(f"/api/recordings/{OTHERS}")).status_code == 200
        led = await admin.patch("/api/admin/users/u-team_leader", json={"team_id": "t-two"})
        assert led.json()["team_id"] == "t-two"
        assert (await client.get(f"/api/recordings/{OTHERS}")).status_code == 403
