"""When OneCall is killed, its Asterisk dies, or the line between them is cut: calls go on, nobody loses the place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import pytest

from phones.call import Call
from tests.e2e.product import QUICK, Product
from tests.e2e.product_people import Json, Seat, until
from tests.e2e.product_sound import Listener, learn, samples, seconds_of, until_heard, until_music

pytestmark = pytest.mark.asyncio(loop_scope="module")
DESK_AGENTS = {"marta": "2101", "diego": "2102"}
CALLER, AGENT, OTHER = 440.0, 700.0, 1000.0
APOLOGY = "Ci scusiamo, in questo momento non possiamo rispondere."
THANKS = "Grazie. La richiameremo appena possibile."


async def test_a_kill_drops_no_call_and_costs_nobody_the_place(product: Product) -> None:
    await learn(APOLOGY, THANKS)
    talker, first, second, late = (f"+34600000{number}" for number in (101, 102, 103, 104))
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        marta = await enter(product.seat("marta", "2101"))
        diego = await enter(product.seat("diego", "2102", ready=False))
        call = await enter(product.caller(talker, hertz=CALLER))
        leg = await marta.answer(AGENT)
        await marta.desk.until(lambda now: now["call"]["ticket_id"], "the ticket is there")
        before = marta.desk.call
        waiters, interactions = [], []
        for number in (first, second):
            waiters.append(await enter(product.caller(number)))
            interactions.append(await product.waiting(number))
        await until_heard(call, AGENT)

        product.kill()
        await both_hear(call, leg)
        for waiter in waiters:
            await until_music(waiter)
        await leave_a_number(product, late)
        await both_hear(call, leg)
        await product.start()

        async with marta.person.open_desk() as desk:
            await desk.until(lambda now: (now.get("call") or {}).get("ticket_id"), "the talk is found again")
            for kept in ("interaction_id", "ticket_id", "number", "phase"):
                assert desk.call[kept] == before[kept]
            assert desk.call["recording"] == {"on": True, "paused": False, "problem": None}
            await both_hear(call, leg)
            await desk.command("call.hang_up")
            assert await call.wait_until_ended() == "remote"
            await desk.until_state("wrap_up")
            await desk.leave()
        await serve_in_order(product, diego, waiters, interactions)
        await once_and_whole(product, before["interaction_id"])
        await until(
            lambda: product.rows(
                "SELECT 1 FROM ticket WHERE title LIKE ? AND status = 'pending_call_back'", f"%{late}"
            ),
            "the call-back that was asked for meanwhile is a ticket",
        )


async def test_a_cut_to_the_manager_costs_no_call_and_is_read_back(product: Product) -> None:
    talker, waiter_number = "+34600000201", "+34600000202"
    async with (
        product.seat("marta", "2101") as marta,
        product.seat("diego", "2102", ready=False) as diego,
        product.caller(talker, hertz=CALLER) as call,
    ):
        leg = await marta.answer(AGENT)
        async with product.caller(waiter_number) as waiter:
            interaction = await product.waiting(waiter_number)
            cleared = len(asterisk_alarms(product, "alarm.cleared"))
            for line in product.asterisk_console("manager show connected").splitlines()[1:-1]:
                product.asterisk_console(f"manager kick session {line.split()[4]}")
            await until(
                lambda: len(asterisk_alarms(product, "alarm.cleared")) > cleared, "the cut is noticed and healed"
            )
            assert len(asterisk_alarms(product, "alarm.raised")) > cleared
            await both_hear(call, leg)
            await until_music(waiter)
            await diego.be_ready_or_called()
            taken = await diego.answer(OTHER)
            assert taken.header("X-OneCall-Id") == interaction
            await until_heard(waiter, OTHER)
            await marta.desk.command("call.hold")
            await until_music(call, AGENT)
            await marta.desk.command("call.resume")
            await both_hear(call, leg)
            await taken.hang_up()
            await diego.finish()
        await leg.hang_up()
        assert await call.wait_until_ended() == "remote"
        await marta.finish()


async def test_a_onecall_that_hangs_leaves_no_caller_in_silence(product: Product) -> None:
    """A process that is stopped answers nobody, but the kernel still takes Asterisk's connections for it."""
    late, next_number = "+34600000251", "+34600000252"
    os.kill(product.process.pid, signal.SIGSTOP)
    try:
        await leave_a_number(product, late)
    finally:
        os.kill(product.process.pid, signal.SIGCONT)
    await until(
        lambda: product.rows("SELECT 1 FROM ticket WHERE title LIKE ? AND status = 'pending_call_back'", f"%{late}"),
        "the call-back that was asked for meanwhile is a ticket",
    )
    async with product.seat("marta", "2101") as marta, product.caller(next_number, hertz=CALLER) as call:
        leg = await marta.answer(AGENT)
        await both_hear(call, leg)
        await leg.hang_up()
        await marta.finish()


async def test_an_asterisk_that_dies_is_started_again_and_serves_the_next_call(product: Product) -> None:
    number, next_number = "+34600000301", "+34600000302"
    async with product.seat("marta", "2101") as marta, product.signed_in("elena") as leader:
        async with product.caller(number, hertz=CALLER):
            await marta.answer(AGENT)
            interaction = await product.interaction_of(number)
            died = product.asterisk_pid
            assert died is not None
            os.kill(died, signal.SIGKILL)
            await until(lambda: product.asterisk_pid not in (None, died), "Asterisk is started again", 60)
        assert (await product.ended(interaction))["ended_by"] == "system"
        await marta.desk.until_state("wrap_up")
        await until(lambda: registered(marta), "the phone is back", 60, pause=0.5)
        await marta.finish()
        assert "asterisk" not in [alarm["code"] for alarm in (await leader.floor())["alarms"]]
        async with product.caller(next_number, hertz=CALLER) as call:
            leg = await marta.answer(AGENT)
            await both_hear(call, leg)
            await leg.hang_up()
        await marta.finish()


def asterisk_alarms(product: Product, kind: str) -> list[Json]:
    """What was told so far of the alarm that Asterisk cannot be reached."""
    return [fact for fact in product.facts(kind) if fact["data"]["alarm"] == "asterisk"]


async def both_hear(call: Call, leg: Call) -> None:
    """Caller and agent hear each other now, in sound that has come just now."""
    packets = call.media.packets, leg.media.packets
    await until(lambda: call.media.packets > packets[0] + 30 and leg.media.packets > packets[1] + 30, "sound flows")
    await until_heard(call, AGENT)
    await until_heard(leg, CALLER)


async def leave_a_number(product: Product, number: str) -> None:
    """Who calls while no OneCall is there hears an apology and may ask to be called back."""
    async with product.caller(number, QUICK) as call:
        listener = Listener(call)
        await listener.until_said(APOLOGY)
        await call.media.dial_digits("#")
        await listener.until_said(THANKS)
        assert await call.wait_until_ended() == "remote"


async def serve_in_order(product: Product, agent: Seat, waiters: list[Call], interactions: list[str]) -> None:
    """After the restart the callers come in the order of their arrival, each with the whole of the waiting time."""
    async with agent.person.open_desk() as desk:
        await desk.until(lambda now: now["waiting"]["count"] == len(waiters), "all still wait")
        seat = Seat(agent.person, desk, agent.phone)
        await seat.be_ready_or_called()
        for waiter, interaction in zip(waiters, interactions, strict=True):
            leg = await seat.answer(OTHER)
            assert leg.header("X-OneCall-Id") == interaction
            await until_heard(waiter, OTHER)
            (entered,) = await product.stored("queue.entered", interaction)
            (answered,) = await product.stored("call.answered", interaction)
            waited = answered["at"] - entered["data"]["since"]
            assert answered["data"]["waited"] == pytest.approx(waited, abs=0.01)
            await leg.hang_up()
            await desk.until_state("wrap_up")
            await desk.command("wrap_up.end", then="ready")
        await desk.leave()


async def once_and_whole(product: Product, interaction: str) -> None:
    """Each fact of the call is stored once; the recording goes on through the time without OneCall."""
    row = await product.recording(interaction)
    assert row["problem"] is None
    file = product.recordings / row["path"]
    assert seconds_of(file, CALLER) > 0.7 * len(samples(file)) / 8000
    for kind in ("call.arrived", "queue.entered", "call.answered", "agent.left", "call.ended", "recording.closed"):
        assert len(await product.stored(kind, interaction)) == 1, kind


async def registered(seat: Seat) -> bool:
    """A phone registers anew from time to time; here it tries until the new Asterisk is there."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(seat.phone.register(), 2)
    return bool(seat.desk.now["agent"]["phone"]["registered"])
