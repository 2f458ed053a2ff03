"""When callers leave and agents do not answer: nobody is lost, nobody is blamed who is not to blame."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import pytest

from phones.call import Call
from tests.e2e.product import MOBILE, Product
from tests.e2e.product_people import Json, Person, Seat, until
from tests.e2e.product_sound import until_heard, until_music

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"offer_seconds": 20}
DESK_AGENTS = {"marta": "2101", "diego": "2102"}
CALLER, AGENT = 440.0, 700.0
_numbers = (f"+3934790000{number:02}" for number in itertools.count(1))


async def ringing(seat: Seat) -> Call:
    """The call that comes to the agent's phone, which rings."""
    leg = await seat.phone.next_call()
    leg.ring()
    await seat.desk.until_phase("ringing")
    return leg


async def floor_shows(leader: Person, *, waiting: int, abandoned: int) -> None:
    """Wait until the live page shows so many callers of customer care."""

    async def shown() -> bool:
        care = _care(await leader.floor())
        return (care["waiting"], _abandoned(care)) == (waiting, abandoned)

    await until(shown, f"the live page shows {waiting} waiting, {abandoned} abandoned")


@contextlib.asynccontextmanager
async def short_ring(product: Product) -> AsyncIterator[None]:
    """While inside, phones of customer care ring for a few seconds only."""
    async with product.signed_in("admin") as admin:
        (care,) = [queue for queue in (await admin.get("/admin/queues"))["items"] if queue["id"] == "q-care"]
        await admin.patch("/admin/queues/q-care", {"plan": {**care["plan"], "ring_timeout": 5}})
        try:
            yield
        finally:
            await admin.patch("/admin/queues/q-care", {"plan": care["plan"]})


async def test_a_caller_who_hangs_up_in_the_menu_is_no_abandoned_call(product: Product) -> None:
    number = next(_numbers)
    async with product.caller(number, MOBILE) as call:
        await call.media.wait_for_sound()
        await call.hang_up()
    told = await product.ended(await product.interaction_of(number))
    assert (told["stage"], told["ended_by"], told["abandoned"]) == ("ivr", "caller", False)


async def test_a_caller_who_hangs_up_in_the_queue_is_abandoned_and_gone_from_the_live_page(product: Product) -> None:
    number = next(_numbers)
    async with product.signed_in("elena") as leader:
        before = _abandoned(_care(await leader.floor()))
        async with product.caller(number, hertz=CALLER) as call:
            interaction = await product.waiting(number)
            await until_music(call)
            await floor_shows(leader, waiting=1, abandoned=before)
            await call.hang_up()
        told = await product.ended(interaction)
        assert (told["stage"], told["ended_by"], told["abandoned"]) == ("hold", "caller", True)
        await floor_shows(leader, waiting=0, abandoned=before + 1)


async def test_a_caller_who_hangs_up_while_the_agent_rings_stops_the_phone_and_costs_the_agent_nothing(
    product: Product,
) -> None:
    number = next(_numbers)
    async with product.seat("marta", "2101") as marta, product.caller(number) as call:
        leg = await ringing(marta)
        interaction = await product.interaction_of(number)
        await call.hang_up()
        assert await leg.wait_until_ended() == "cancelled"
        await marta.desk.until_state("ready")
        assert marta.desk.now["notices"][-1]["code"] == "caller_left"
        assert (await product.ended(interaction))["abandoned"]
        assert not product.facts("call.answered", interaction)
        (offer,) = await product.stored("offer.ended", interaction)
        assert offer["data"]["result"] == "caller_left"


async def test_a_caller_who_hangs_up_in_the_talk_frees_the_agent_for_wrap_up(product: Product) -> None:
    number = next(_numbers)
    async with product.seat("marta", "2101") as marta, product.caller(number, hertz=CALLER) as call:
        leg = await marta.answer(AGENT)
        await until_heard(call, AGENT)
        await until_heard(leg, CALLER)
        await call.hang_up()
        assert await leg.wait_until_ended() == "remote"
        await marta.desk.until_state("wrap_up")
        assert marta.desk.call["ended_by"] == "caller"
        told = await product.ended(await product.interaction_of(number))
        assert (told["ended_by"], told["abandoned"]) == ("caller", False)
        await marta.finish()


@pytest.mark.parametrize(
    ("status", "result"), [(486, "busy"), (480, "no_answer"), (603, "rejected")], ids=["busy", "away", "declines"]
)
async def test_a_phone_that_refuses_leaves_the_caller_at_the_head_for_the_next_agent(
    product: Product, status: int, result: str
) -> None:
    number = next(_numbers)
    async with product.seat("marta", "2101") as marta, product.seat("diego", "2102", ready=False) as diego:
        async with product.caller(number, hertz=CALLER) as call:
            refused = await ringing(marta)
            refused.refuse(status)
            await marta.desk.until(lambda now: not now["call"], "the offer is gone from the desk")
            interaction = await product.interaction_of(number)
            (offer,) = await product.stored("offer.ended", interaction)
            assert offer["data"]["result"] == result
            await until_music(call)
            await marta.desk.command("agent.not_ready", reason="break")
            await diego.be_ready_or_called()
            leg = await diego.answer(AGENT)
            await until_heard(call, AGENT)
            since = (await product.stored("queue.entered", interaction))[0]["data"]["since"]
            (answered,) = await product.stored("call.answered", interaction)
            assert answered["data"]["waited"] == pytest.approx(answered["at"] - since, abs=0.01)
            await leg.hang_up()
        await diego.finish()


async def test_an_agent_who_refuses_at_the_desk_is_not_ready_and_the_phone_stops(product: Product) -> None:
    async with product.seat("marta", "2101") as marta, product.caller(next(_numbers)) as call:
        leg = await ringing(marta)
        await marta.desk.command("call.refuse")
        assert await leg.wait_until_ended() == "cancelled"
        await marta.desk.until(lambda now: now["agent"]["reason"] == "rejected", "not ready for refusing")
        await until_music(call)


async def test_an_agent_who_does_not_answer_is_not_ready_and_the_caller_keeps_the_first_place(
    product: Product,
) -> None:
    first, second = next(_numbers), next(_numbers)
    async with (
        short_ring(product),
        product.seat("marta", "2101") as marta,
        product.seat("diego", "2102", ready=False) as diego,
        product.caller(first, hertz=CALLER) as waits_longest,
    ):
        silent = await ringing(marta)
        await product.waiting(first)
        async with product.caller(second) as waits_less:
            await product.waiting(second)
            assert await silent.wait_until_ended() == "cancelled"
            await marta.desk.until(lambda now: now["agent"]["reason"] == "rona", "not ready for no answer")
            assert marta.desk.now["notices"][-1]["code"] == "rona"
            await diego.be_ready_or_called()
            leg = await diego.answer(AGENT)
            assert leg.header("X-OneCall-Id") == await product.interaction_of(first)
            await until_heard(waits_longest, AGENT)
            await waits_longest.hang_up()
            await diego.desk.until_state("wrap_up")
            await waits_less.hang_up()
            await product.ended(await product.interaction_of(second))
            await diego.finish()


async def test_nobody_is_offered_a_call_on_a_phone_that_has_gone(product: Product) -> None:
    async with product.seat("marta", "2101") as marta:
        await marta.phone.register(expires=0)
        await marta.desk.until(lambda now: now["agent"]["reason"] == "phone_lost", "not ready without a phone")
        number = next(_numbers)
        async with product.caller(number, hertz=CALLER) as call:
            interaction = await product.waiting(number)
            await until_music(call)
            assert not product.facts("offer.made", interaction)
            await marta.phone.register()
            leg = await marta.answer(AGENT)
            await until_heard(call, AGENT)
            await leg.hang_up()
        await marta.finish()


async def test_two_agents_free_at_one_instant_share_two_callers_and_never_one(product: Product) -> None:
    numbers = [next(_numbers), next(_numbers)]
    async with contextlib.AsyncExitStack() as stack:
        seats = [
            await stack.enter_async_context(product.seat(login, extension, ready=False))
            for login, extension in DESK_AGENTS.items()
        ]
        calls = [await stack.enter_async_context(product.caller(number, hertz=CALLER)) for number in numbers]
        interactions = [await product.waiting(number) for number in numbers]
        await asyncio.gather(*(seat.be_ready_or_called() for seat in seats))
        legs = await asyncio.gather(*(seat.answer(AGENT + 100 * at) for at, seat in enumerate(seats)))
        assert sorted(leg.header("X-OneCall-Id") for leg in legs) == sorted(interactions)
        by_interaction = dict(zip(interactions, calls, strict=True))
        for at, leg in enumerate(legs):
            await until_heard(by_interaction[leg.header("X-OneCall-Id")], AGENT + 100 * at)
            await leg.hang_up()
            await seats[at].finish()
        for interaction in interactions:
            assert len(await product.stored("offer.made", interaction)) == 1
            assert len(await product.stored("call.answered", interaction)) == 1


async def test_one_caller_rings_at_one_of_two_free_agents_only(product: Product) -> None:
    async with (
        product.seat("marta", "2101") as marta,
        product.seat("diego", "2102") as diego,
        product.caller(next(_numbers)) as call,
    ):
        rung = await until(lambda: [seat for seat in (marta, diego) if seat.desk.state == "ringing"], "one rings")
        (leg,) = [await seat.answer(AGENT) for seat in rung]
        await until_heard(call, AGENT)
        assert [len(seat.phone.invites) for seat in (marta, diego)].count(1) == 1
        await leg.hang_up()
        await rung[0].finish()


def _care(floor: Json) -> Json:
    (found,) = [queue for queue in floor["queues"] if queue["id"] == "q-care"]
    return dict(found)


def _abandoned(queue: Json) -> int:
    return int(queue["today"]["abandoned"]) + int(queue["today"]["short_abandoned"])
