"""Who gets which caller, on a real Asterisk: affinity, choice, priority, overflow, hours, changes while some wait."""

from acd.model import Agent, AgentSkill, Programme
from core.journal import Fact
from phones.call import Call
from phones.phone import Phone
from tests.e2e.routing_house import DID, Floor, floor
from tickets.model import Ticket

CUSTOMER, STRANGER = "+393471234567", "+393470000001"


async def _call(here: Floor, number: str) -> tuple[Call, str]:
    """A caller who has been answered by the IVR and is known to routing: the phone's leg and the interaction."""
    leg = await (await here.caller(number)).dial(DID)
    await leg.answered()
    await here.until(lambda: here.waits(number))
    return leg, here.waits(number) or ""


async def _served(here: Floor, agent: Phone, number: str = CUSTOMER) -> None:
    """A whole call of that number with this agent."""
    leg = await (await here.caller(number)).dial(DID)
    ringing = await agent.next_call()
    await ringing.answer()
    await here.until(lambda: any(call.answered for call in here.house._board.calls.values()))
    await leg.hang_up()
    await ringing.wait_until_ended()
    await here.until(lambda: not here.house._board.calls)


async def _fact(here: Floor, kind: str) -> Fact:
    (found,) = [fact for fact in await here.facts() if fact.kind == kind]
    return found


async def test_who_calls_again_comes_to_the_agent_of_the_last_contact() -> None:
    async with floor() as here:
        await here.customer(CUSTOMER)
        first = await here.agent("2001")
        await _served(here, first)
        other = await here.agent("2002")
        await here.ask("agent.not_ready", "2001", reason="break")
        await here.ask("agent.ready", "2001")
        await here.facts()
        await (await here.caller(CUSTOMER)).dial(DID)
        await first.next_call()
        assert other.invites == []


async def _ticket(here: Floor, owner_id: str) -> None:
    """An open ticket of the customer."""
    customer_id = await here.customer(CUSTOMER)
    async with here.database.session() as session:
        told = {"id": "t-1", "number": "1", "title": "Bill", "status": "open", "opened_at": 1.0, "changed_at": 1.0}
        session.add(Ticket(**told, programme_id="p1", customer_id=customer_id, owner_id=owner_id))


async def test_the_owner_of_the_open_ticket_is_waited_for_as_long_as_the_plan_says_of_owners() -> None:
    async with floor({"preferred_wait": 600.0, "owner_wait": 2.0}) as here:
        await _ticket(here, "a-2002")
        other = await here.agent("2001")
        await here.agent("2002", ready=False)
        await (await here.caller(CUSTOMER)).dial(DID)
        leg = await other.next_call()
        await leg.answer()
        await here.until(lambda: any(call.answered for call in here.house._board.calls.values()))
        (answered,) = [fact for fact in await here.facts() if fact.kind == "call.answered"]
        assert answered.data["waited"] >= 2.0


async def test_a_customer_with_an_open_ticket_comes_to_the_agent_who_has_it() -> None:
    async with floor() as here:
        await _ticket(here, "a-2002")
        longest_idle, owner = await here.agent("2001"), await here.agent("2002")
        await (await here.caller(CUSTOMER)).dial(DID)
        await owner.next_call()
        assert longest_idle.invites == []


async def test_the_agent_of_the_last_contact_is_waited_for_as_long_as_the_plan_says_and_then_anyone() -> None:
    async with floor({"preferred_wait": 2.0}) as here:
        await here.customer(CUSTOMER)
        first = await here.agent("2001")
        await _served(here, first)
        await here.ask("agent.not_ready", "2001", reason="break")
        other = await here.agent("2002")
        await here.facts()
        await (await here.caller(CUSTOMER)).dial(DID)
        leg = await other.next_call()
        await leg.answer()
        await here.until(lambda: any(call.answered for call in here.house._board.calls.values()))
        answered = [fact for fact in await here.facts() if fact.kind == "call.answered"]
        assert answered[-1].data["waited"] >= 2.0


async def test_the_strategy_of_the_queue_chooses_among_ready_agents() -> None:
    plan = {"strategy": "most_proficient", "plan": {"steps": [{"require": "roaming>=1"}]}}
    async with floor(plan, {"2001": {"roaming": 3}, "2002": {"roaming": 7}}) as here:
        longest_idle, best = await here.agent("2001"), await here.agent("2002")
        await (await here.caller()).dial(DID)
        await best.next_call()
        assert longest_idle.invites == []


async def test_a_customer_of_a_segment_with_priority_comes_before_who_has_waited_longer() -> None:
    async with floor() as here:
        await here.change(Programme, "p1", routing={"segment_priority": {"vip": 10}})
        board = here.house._board
        await here.until(lambda: board.config.programmes["p1"].segment_priority == {"vip": 10})
        await here.customer(CUSTOMER, segment="vip")
        await _call(here, STRANGER)
        _, important = await _call(here, CUSTOMER)
        agent = await here.agent("2001")
        assert (await agent.next_call()).header("X-OneCall-Id") == important


async def test_a_caller_whom_a_full_queue_sends_to_another_waits_there_also_after_a_restart() -> None:
    plan = {"max_waiting": 0, "on_full": {"kind": "queue", "target": "q2"}}
    async with floor(plan, only_second={"2002"}) as here:
        await _call(here, STRANGER)
        await here.until(lambda: here.house._board.engine.waiting("q2"))
        moved = await _fact(here, "queue.moved")
        assert moved.data == {"queue_id": "q2", "from_queue_id": "q1"}
        await here.restart()
        await here.until(lambda: here.house._board.engine.waiting("q2"))
        agent = await here.agent("2002")
        leg = await agent.next_call()
        await leg.answer()
        await here.until(lambda: here.desk("2002")["agent"]["state"] == "talking")
        assert (await _fact(here, "call.answered")).data["queue_id"] == "q2"


async def test_outside_of_its_hours_a_queue_says_goodbye_and_the_caller_has_not_given_up() -> None:
    hours = {"zone": "Europe/Rome", "weekly": [[0, 0, 1]]}
    async with floor({"hours": hours, "on_closed": {"kind": "hang_up"}}) as here:
        leg = await (await here.caller()).dial(DID)
        await leg.answered()
        await leg.media.wait_for_sound()
        assert await leg.wait_until_ended() == "remote"
        await here.until(lambda: not here.house._board.calls)
        assert (await _fact(here, "queue.diverted")).data["reason"] == "closed"
        assert (await _fact(here, "call.ended")).data["abandoned"] is False


async def test_who_would_wait_too_long_goes_where_the_plan_says() -> None:
    plan = {"max_expected_wait": 0.0, "on_long_wait": {"kind": "queue", "target": "q2"}}
    async with floor(plan) as here:
        # Somebody has stood in the line, and was answered: from then on it is known how long that takes.
        leg, _ = await _call(here, CUSTOMER)
        agent = await here.agent("2001")
        await (await agent.next_call()).answer()
        await here.until(lambda: any(call.answered for call in here.house._board.calls.values()))
        await leg.hang_up()
        await here.until(lambda: not here.house._board.calls)
        await here.ask("agent.not_ready", "2001", reason="break")
        await (await here.caller(STRANGER)).dial(DID)
        await here.until(lambda: here.house._board.engine.waiting("q2"))


async def test_an_agent_who_is_given_a_skill_gets_the_caller_who_waits_for_it() -> None:
    plan = {"plan": {"steps": [{"require": "roaming>=5"}]}}
    async with floor(plan, {"2001": {"roaming": 3}}) as here:
        agent = await here.agent("2001")
        _, interaction = await _call(here, STRANGER)
        await here.change(Agent, "a-2001", skills=[AgentSkill(skill_id="roaming", level=7)])
        assert (await agent.next_call()).header("X-OneCall-Id") == interaction


async def test_a_caller_moved_by_a_supervisor_comes_to_the_agents_of_the_other_queue() -> None:
    async with floor(only_second={"2002"}) as here:
        agent = await here.agent("2002")
        _, interaction = await _call(here, STRANGER)
        assert agent.invites == []
        await here.ask("queue.move", interaction_id=interaction, queue_id="q2")
        assert (await agent.next_call()).header("X-OneCall-Id") == interaction


async def test_a_caller_comes_to_an_agent_who_speaks_the_callers_language() -> None:
    plan = {"plan": {"steps": [{"require": "language=$language"}]}}
    async with floor(plan, profiles={"2002": {"languages": ["en"]}}) as here:
        await here.customer(CUSTOMER, language="en")
        italian, english = await here.agent("2001"), await here.agent("2002")
        await (await here.caller(CUSTOMER)).dial(DID)
        await english.next_call()
        assert italian.invites == []
        await (await here.caller(STRANGER)).dial(DID)
        await italian.next_call()
