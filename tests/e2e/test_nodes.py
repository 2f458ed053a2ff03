"""Two real Asterisks, one routing: who rings, who hears whom, and what happens when a node is away."""

import asyncio

import pytest

from phones.audio import tone
from tests.e2e.harness.server import TestAgent
from tests.e2e.nodes_house import MILAN, ROME, two_nodes
from tests.e2e.test_routing_on_asterisk import CONSENT


async def test_an_agent_of_the_callers_node_rings_before_one_who_has_waited_a_little_longer_elsewhere() -> None:
    async with two_nodes(cost=30) as here:
        away, near = await here.agent_at(MILAN, "2001"), await here.agent_at(ROME, "2002")
        await here.call_at(ROME)
        await near.next_call()
        assert away.invites == []


async def test_an_agent_of_another_node_who_is_free_alone_talks_with_the_caller_holds_and_hangs_up() -> None:
    async with two_nodes({"wrap_up": {"mode": "timed", "seconds": 600}}) as here:
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        assert leg.header("X-OneCall-Id") == here.waits("+393471234567")
        assert leg.header("X-OneCall-Fence")
        leg.ring()
        await leg.answer()
        call.media.loop_sound(tone(440))
        leg.media.loop_sound(tone(700))
        await asyncio.gather(call.media.wait_for_tone(700), leg.media.wait_for_tone(440))
        assert here.state("2001") == "talking"
        await here.ask("call.hold")
        await here.until(lambda: here.desk("2001")["call"]["phase"] == "hold")
        await call.media.wait_for_sound()
        await here.ask("call.resume")
        await call.media.wait_for_tone(700)
        await here.ask("call.hang_up")
        assert await leg.wait_until_ended() == "remote"
        assert await call.wait_until_ended() == "remote"
        await here.until(lambda: here.state("2001") == "wrap_up")


@pytest.mark.parametrize(("status", "reason"), [(486, "phone_busy"), (603, "rejected")], ids=["busy", "rejected"])
async def test_an_agent_of_another_node_who_refuses_is_treated_as_at_home(status: int, reason: str) -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        await here.call_at(ROME)
        (await agent.next_call()).refuse(status)
        await here.until(lambda: here.desk("2001")["agent"]["reason"] == reason)
        ended = [fact.data["result"] for fact in await here.facts() if fact.kind == "offer.ended"]
        assert ended[0] == {486: "busy", 603: "rejected"}[status]


async def test_an_agent_of_another_node_who_does_not_answer_is_passed_over_and_the_phone_stops() -> None:
    async with two_nodes({"ring_timeout": 2.0}) as here:
        agent = await here.agent_at(MILAN, "2001")
        await here.call_at(ROME)
        leg = await agent.next_call()
        leg.ring()
        assert await leg.wait_until_ended() == "cancelled"
        await here.until(lambda: here.state("2001") == "not_ready")
        assert here.desk("2001")["agent"]["reason"] == "rona"
        await here.waiting(1)


async def test_a_phone_that_its_node_cannot_reach_counts_as_lost() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        here.bridge(MILAN)._switch.interpreter._kinds.pop("ContactStatus")  # its end has not been told yet
        await agent.register(0)
        await here.call_at(ROME)
        await here.until(lambda: here.desk("2001")["agent"]["reason"] == "phone_lost")
        assert [fact.data["result"] for fact in await here.facts() if fact.kind == "offer.ended"] == ["unreachable"]


async def test_a_caller_who_hangs_up_stops_the_phone_at_the_other_node_and_costs_its_agent_nothing() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        leg.ring()
        await call.hang_up()
        assert await leg.wait_until_ended() == "cancelled"
        await here.until(lambda: here.state("2001") == "ready")


async def test_a_caller_of_the_further_node_waits_and_is_served_by_an_agent_of_the_first() -> None:
    async with two_nodes() as here:
        call = await here.call_at(MILAN)
        await here.waiting(1)
        agent = await here.agent_at(ROME, "2001")
        leg = await agent.next_call()
        await leg.answer()
        call.media.loop_sound(tone(440))
        leg.media.loop_sound(tone(700))
        await asyncio.gather(call.media.wait_for_tone(700), leg.media.wait_for_tone(440))
        await leg.hang_up()
        assert await call.wait_until_ended() == "remote"
        await here.until(lambda: here.state("2001") == "ready")


async def test_while_a_node_cannot_be_reached_the_other_is_served_and_its_callers_are_found_again_in_their_places() -> (
    None
):
    async with two_nodes() as here:
        first = await here.call_at(MILAN, "+393470000001")
        second = await here.call_at(MILAN, "+393470000002")
        await here.waiting(2)
        board = here.house._board
        before = [(view.interaction_id, view.waiting_since) for view in board.engine.waiting("q1")]
        await here.cable.cut()
        await here.until(lambda: f"asterisk:{MILAN}" in here.alarms())
        assert here.alarms() & {"asterisk", f"asterisk:{ROME}"} == set()
        await here.waiting(0)
        agent = await here.agent_at(ROME, "2001")
        call = await here.call_at(ROME, "+393470000003")
        leg = await agent.next_call()
        await leg.answer()
        await first.media.wait_for_sound()
        await call.hang_up()
        await leg.wait_until_ended()
        await here.until(lambda: here.state("2001") == "ready")
        assert len(agent.invites) == 1
        await here.ask("agent.not_ready", "2001")
        await here.cable.mend()
        await here.waiting(2)
        assert f"asterisk:{MILAN}" not in here.alarms()
        assert [(view.interaction_id, view.waiting_since) for view in board.engine.waiting("q1")] == before
        await here.ask("agent.ready", "2001")
        leg = await agent.next_call()
        await leg.answer()
        first.media.loop_sound(tone(440))
        await leg.media.wait_for_tone(440)
        await second.hang_up()


async def test_a_node_that_dies_takes_only_its_own_callers_with_it() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        near = await here.agent_at(ROME, "2002", ready=False)
        await here.call_at(MILAN, "+393470000001")
        await (await agent.next_call()).answer()
        await here.until(lambda: here.state("2001") == "talking")
        here.nodes[MILAN].instance.kill()
        await here.until(lambda: f"asterisk:{MILAN}" in here.alarms())
        await here.ask("agent.ready", "2002")
        await here.call_at(ROME, "+393470000002")
        await (await near.next_call()).answer()
        await here.nodes[MILAN].instance.start()
        await here.until(lambda: f"asterisk:{MILAN}" not in here.alarms())
        await here.until(lambda: here.waits("+393470000001") is None)
        assert here.state("2002") == "talking"
        assert here.state("2001") != "talking"


async def test_a_caller_whose_agents_node_dies_waits_again_at_the_old_place() -> None:
    async with two_nodes(grace=1.0) as here:
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        await here.until(lambda: here.state("2001") == "talking")
        here.nodes[MILAN].instance.kill()
        await here.waiting(1)
        near = await here.agent_at(ROME, "2002")
        leg = await near.next_call()
        await leg.answer()
        call.media.loop_sound(tone(440))
        await leg.media.wait_for_tone(440)


async def test_an_agent_whose_phone_moves_to_the_other_node_counts_as_there() -> None:
    async with two_nodes(cost=30) as here:
        mover, other = await here.agent_at(MILAN, "2001"), await here.agent_at(MILAN, "2002")
        await mover.close()
        moved = await here.agent_at(ROME, "2001")
        await here.until(lambda: here.house._board.config.agents["a-2001"].node == ROME)
        await here.call_at(ROME)
        await moved.next_call()
        assert other.invites == []


async def test_an_expert_of_another_node_is_consulted_and_takes_the_call() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(ROME, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        expert = await here.agent_at(MILAN, "2002")
        await here.ask("call.consult", "2001", to={"kind": "agent", "id": "a-2002"})
        asked = await expert.next_call()
        assert asked.header("X-OneCall-Id")
        await asked.answer()
        asked.media.loop_sound(tone(1000))
        await leg.media.wait_for_tone(1000)
        await here.until(lambda: (here.desk("2001")["call"]["consult"] or {}).get("state") == "talking")
        await here.ask("call.consult_complete", "2001")
        call.media.loop_sound(tone(440))
        await asyncio.gather(call.media.wait_for_tone(1000), asked.media.wait_for_tone(440))
        await here.until(lambda: here.state("2002") == "talking")


async def test_the_answer_key_of_the_desk_picks_up_a_desk_phone_at_another_node() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        await here.call_at(ROME)
        leg = await agent.next_call()
        leg.ring()
        # The caller's node has heard that the phone rings: so has the phone's own, which can talk to it from then on.
        legs = here.bridge(ROME)._switch.calls.legs
        await here.until(lambda: any(leg.rang for leg in legs.values()))
        assert here.bridge(MILAN)._switch.interpreter.guests
        await here.ask("call.answer", "2001")
        await leg.answered()
        await here.until(lambda: here.state("2001") == "talking")


@pytest.mark.parametrize("who", ["caller", "agent", "liar"])
async def test_nobody_but_another_node_reaches_an_agents_phone_by_dialling(who: str) -> None:
    async with two_nodes() as here:
        agent, outside = await here.agent_at(MILAN, "2002", ready=False), await here.outside(MILAN)
        stranger = await here.stranger(who, MILAN)
        for number in ("2002", "+393471112223"):
            call = await stranger.dial(number, headers=[("X-OneCall-Id", "i1")])
            if who == "caller":
                await (await call.answered()).hang_up()  # the IVR
            else:
                assert await call.refused() in (401, 404)
        assert (agent.invites, outside.invites) == ([], [])


async def test_from_another_node_nothing_but_an_agents_phone_can_be_reached() -> None:
    async with two_nodes() as here:
        agent, outside = await here.agent_at(MILAN, "2002", ready=False), await here.outside(MILAN)
        neighbour = await here.neighbour(ROME, MILAN)
        named = [("X-OneCall-Id", "i1")]
        for number in (
            "+393471112223",
            "393471112223",
            "trunk",
            "*43",
            "2002%40trunk",
            "2002%262003",
            "s",
            "node-rome",
        ):
            assert await (await neighbour.dial(number, headers=named)).refused() == 404
        assert await (await neighbour.dial("2002")).refused() == 404
        assert (agent.invites, outside.invites) == ([], [])
        await neighbour.dial("2002", headers=named)
        assert (await agent.next_call()).header("X-OneCall-Id") == "i1"


async def test_a_phone_that_vanishes_at_its_node_is_rung_again_there_and_answers_by_itself() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        call.media.loop_sound(tone(440))
        await leg.media.wait_for_tone(440)
        await here.until(lambda: here.state("2001") == "talking")
        again = here.keep(await here.nodes[MILAN].desk_phone(TestAgent("2001", "secret-of-2001")))
        back = await again.next_call()
        assert "answer-after=0" in back.header("Call-Info")
        assert back.header("X-OneCall-Id") == leg.header("X-OneCall-Id")
        await back.answer()
        back.media.loop_sound(tone(900))
        await asyncio.gather(call.media.wait_for_tone(900), back.media.wait_for_tone(440))
        assert await leg.wait_until_ended() == "remote"
        assert here.state("2001") == "talking"


async def test_the_hold_key_of_a_phone_at_another_node_puts_the_caller_on_hold() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        leg.media.loop_sound(tone(700))
        await call.media.wait_for_tone(700)
        await leg.hold()
        await here.until(lambda: here.desk("2001")["call"]["phase"] == "hold")
        await leg.resume()
        await here.until(lambda: here.desk("2001")["call"]["phase"] == "talking")
        await call.media.wait_for_tone(700)


async def test_a_restart_of_routing_finds_the_callers_and_talks_of_both_nodes_though_one_comes_late() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        await here.call_at(MILAN, "+393470000001")
        leg = await agent.next_call()
        await leg.answer()
        await here.until(lambda: here.state("2001") == "talking")
        await here.call_at(MILAN, "+393470000002")
        await here.call_at(ROME, "+393470000003")
        await here.waiting(2)
        before = {view.interaction_id: view.waiting_since for view in here.house._board.engine.waiting("q1")}
        await here.cable.cut()
        await here.restart()
        await here.waiting(1)
        assert here.state("2001") == "signed_out"
        await here.cable.mend()
        await here.waiting(2)
        assert {view.interaction_id: view.waiting_since for view in here.house._board.engine.waiting("q1")} == before
        await here.until(lambda: here.state("2001") == "talking")
        await here.ask("call.hang_up", "2001")
        await leg.wait_until_ended()
        await here.until(lambda: here.waits("+393470000001") is None)
        ended = [fact for fact in await here.facts() if fact.kind == "call.ended"]
        assert len(ended) == 1


async def test_each_node_has_its_own_folder_of_recordings_and_a_recording_is_told_under_it() -> None:
    async with two_nodes(flow=CONSENT) as here:
        call = await here.call_at(MILAN)
        agent = await here.agent_at(ROME, "2001")
        leg = await agent.next_call()
        await leg.answer()
        leg.media.loop_sound(tone(700))
        await call.media.wait_for_tone(700)
        await call.hang_up()
        root = here.house._ground.settings.recordings_folder
        await here.until(lambda: len(list(root.glob(f"{MILAN}/*/*/*/*.closed"))) == 1)
        (closed,) = [fact.data["path"] for fact in await here.facts() if fact.kind == "recording.closed"]
        assert closed.startswith(f"{MILAN}/")
        assert (root / closed).is_file()


async def test_an_agent_of_another_node_transfers_the_caller_to_a_number_outside() -> None:
    async with two_nodes() as here:
        outside = await here.outside(ROME)
        agent = await here.agent_at(MILAN, "2001")
        call = await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        await here.until(lambda: here.state("2001") == "talking")
        await here.ask("call.transfer", "2001", to={"kind": "number", "id": "+390655555"})
        reached = await outside.next_call()
        await reached.answer()
        reached.media.loop_sound(tone(900))
        call.media.loop_sound(tone(440))
        await asyncio.gather(call.media.wait_for_tone(900), reached.media.wait_for_tone(440))
        assert await leg.wait_until_ended() == "remote"
        await here.until(lambda: here.state("2001") == "ready")


async def test_a_crossing_call_handed_back_to_the_queue_comes_to_the_agent_of_the_callers_node() -> None:
    async with two_nodes() as here:
        agent = await here.agent_at(MILAN, "2001")
        await here.call_at(ROME)
        leg = await agent.next_call()
        await leg.answer()
        await here.until(lambda: here.state("2001") == "talking")
        near = await here.agent_at(ROME, "2002")
        await here.ask("call.transfer", "2001", to={"kind": "queue", "id": "q1"})
        assert (await near.next_call()).header("X-OneCall-Id") == leg.header("X-OneCall-Id")
        assert await leg.wait_until_ended() == "remote"
