"""The manager connection against a peer that misbehaves."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from core.errors import Invalid, Unavailable
from cti.manager import Manager, Refused
from cti.protocol import Event
from cti.settings import ManagerSettings
from tests.patience import PATIENCE
from tests.unit.cti.fake_manager import FakeManager, Peer

SETTINGS = ManagerSettings("127.0.0.1", 0, "onecall", "secret", action_timeout=2.0, backoff_first=0.01)


class Hearing:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.events: list[Event] = []
        self.changed = asyncio.Condition()
        self.on_event: Callable[[Event], None] = lambda event: None
        self.reading: Callable[[], object] | None = None

    async def read_back(self) -> None:
        if self.reading is not None:
            await self.reading()  # type: ignore[misc]
        self._tell("read back")

    def event(self, event: Event) -> None:
        if event["Event"] == "FullyBooted":
            return
        self.events.append(event)
        self._tell(event["Event"])
        self.on_event(event)

    def down(self, why: str) -> None:
        self._tell(f"down: {why}")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, met: Callable[[], bool], timeout: float = PATIENCE) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(met), timeout)


class World:
    """A peer, our connection to it, and what it told."""

    def __init__(self, fake: FakeManager, manager: Manager, hearing: Hearing) -> None:
        self.fake, self.manager, self.hearing = fake, manager, hearing

    @property
    def peer(self) -> Peer:
        return self.fake.peers[-1]

    async def back(self, times: int) -> None:
        await self.hearing.until(lambda: self.hearing.told.count("read back") >= times)


@contextlib.asynccontextmanager
async def a_world(settings: ManagerSettings = SETTINGS, fake: FakeManager | None = None) -> AsyncIterator[World]:
    fake = fake or FakeManager()
    hearing = Hearing()
    manager = Manager(replace(settings, port=await fake.start()), hearing)
    task = asyncio.create_task(manager.run())
    try:
        world = World(fake, manager, hearing)
        if not fake.silent and fake.boots:
            await world.back(1)
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await fake.stop()


async def test_letters_and_line_ends_split_over_reads_arrive_whole() -> None:
    async with a_world() as world:
        data = "Event: UserEvent\r\nName: Nicolò Però €\r\nEmpty: \r\n\r\n".encode()
        for byte in data:
            world.peer.writer.write(bytes([byte]))
            await world.peer.writer.drain()
            await asyncio.sleep(0)
        await world.hearing.until(lambda: bool(world.hearing.events))
        assert world.hearing.events[0]["Name"] == "Nicolò Però €"
        assert world.hearing.events[0].get("Empty", "") == ""


async def test_an_action_that_asterisk_does_not_answer_fails_after_its_time_out() -> None:
    async with a_world() as world:
        world.fake.answer = lambda peer, action: None
        with pytest.raises(Unavailable, match="did not answer Status within"):
            await world.manager.ask("Status", timeout=0.1)
        assert world.manager.up


async def test_a_late_answer_is_dropped_and_the_next_action_gets_its_own() -> None:
    late: list[str] = []

    def answer(peer: Peer, action: dict[str, str]) -> None:
        if not late:
            late.append(action["ActionID"])
            return
        peer.say("Response: Success", f"ActionID: {late[0]}", "Message: late")
        peer.say("Response: Success", f"ActionID: {action['ActionID']}", "Message: own")

    async with a_world() as world:
        world.fake.answer = answer
        with pytest.raises(Unavailable):
            await world.manager.ask("Status", timeout=0.05)
        assert (await world.manager.ask("Status"))["Message"] == "own"


async def test_an_action_cut_off_before_its_answer_fails_and_is_never_sent_again() -> None:
    async with a_world() as world:
        world.fake.answer = lambda peer, action: peer.cut()
        with pytest.raises(Unavailable, match="ended before Originate was answered"):
            await world.manager.ask("Originate", {"Channel": "PJSIP/2001"})
        world.fake.answer = FakeManager().answer
        await world.back(2)
        await world.manager.ask("Status")
        assert world.fake.names().count("Originate") == 1
        assert world.fake.names()[-3:] == ["Originate", "Login", "Status"]


async def test_an_action_still_unanswered_when_we_are_ended_fails_at_once() -> None:
    async with a_world(replace(SETTINGS, action_timeout=10 * PATIENCE)) as world:
        asked = asyncio.Event()
        world.fake.answer = lambda peer, action: asked.set()
        asking = asyncio.create_task(world.manager.ask("Status"))
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unavailable, match="ended before Status was answered"):
            await asking


async def test_who_waited_for_an_event_or_an_answer_goes_on_before_the_next_event_is_told() -> None:
    async with a_world() as world:
        told = world.hearing.told
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def answer(peer: Peer, action: dict[str, str]) -> None:
            own = f"Response: Success\r\nActionID: {action['ActionID']}"
            peer.writer.write("\r\n\r\n".join(["Event: First", own, "Event: Second", "Event: Third", ""]).encode())

        async def waits() -> None:
            await come
            told.append("who waited for the second")

        world.fake.answer = answer
        world.hearing.on_event = lambda event: come.set_result(None) if event["Event"] == "Second" else None
        waiting = asyncio.create_task(waits())
        await world.manager.ask("Status")
        told.append("who asked")
        await asyncio.gather(waiting, world.hearing.until(lambda: "Third" in told))
        assert told[1:] == ["First", "who asked", "Second", "who waited for the second", "Third"]


async def test_the_figure_of_waiting_events_is_none_once_all_have_been_told() -> None:
    async with a_world() as world:
        world.peer.writer.write(b"Event: UserEvent\r\n\r\n" * 300)
        await world.hearing.until(lambda: len(world.hearing.events) == 300)
        assert REGISTRY.get_sample_value("onecall_manager_queue_events") == 0


async def test_an_action_without_a_connection_is_refused_at_once() -> None:
    fake = FakeManager()
    fake.silent = True
    async with a_world(fake=fake) as world:
        with pytest.raises(Unavailable):
            world.manager.start([("Originate", {"Channel": "PJSIP/2001"})])
        assert "Originate" not in fake.names()


async def test_a_peer_that_goes_silent_is_noticed_by_its_ping_and_read_back_when_it_answers_again() -> None:
    settings = replace(SETTINGS, ping_interval=0.05, ping_timeout=0.1)
    async with a_world(settings) as world:
        world.fake.silent = True
        await world.hearing.until(lambda: "down: Asterisk did not answer a ping" in world.hearing.told)
        world.fake.silent = False
        await world.back(2)
        assert world.manager.up


async def test_every_reconnect_ends_in_a_read_back_before_any_event() -> None:
    async with a_world() as world:
        for lap in range(2, 5):
            world.peer.cut()
            await world.fake.connections(lap)
            world.peer.say("Event: Hangup", f"Lap: {lap}")
            await world.hearing.until(lambda lap=lap: len(world.hearing.events) == lap - 1)  # type: ignore[misc]
        kinds = [what.split(":")[0] for what in world.hearing.told]
        assert kinds == ["read back"] + ["down", "read back", "Hangup"] * 3


async def test_events_told_during_the_read_back_follow_it_in_order() -> None:
    fake, hold = FakeManager(), asyncio.Event()
    async with a_world(fake=fake) as world:
        world.hearing.reading = hold.wait
        world.peer.cut()
        await fake.connections(2)
        for number in range(50):
            world.peer.say("Event: UserEvent", f"Number: {number}")
        await world.manager.ask("Status")
        assert world.hearing.events == []
        hold.set()
        await world.hearing.until(lambda: len(world.hearing.events) == 50)
        assert [int(event["Number"]) for event in world.hearing.events] == list(range(50))


async def test_a_read_back_that_fails_closes_the_connection_and_is_tried_again() -> None:
    failures = iter([True, True])

    async def reading() -> None:
        if next(failures, False):
            raise Unavailable("no listing")

    async with a_world() as world:
        world.hearing.reading = reading
        world.peer.cut()
        await world.back(2)
        assert sum("read-back failed" in what for what in world.hearing.told) == 2


async def test_a_burst_of_ten_thousand_events_arrives_complete_and_in_order() -> None:
    async with a_world() as world:
        for number in range(10_000):
            world.peer.say("Event: UserEvent", f"Number: {number}")
        await world.hearing.until(lambda: len(world.hearing.events) == 10_000, 30)
        assert [int(event["Number"]) for event in world.hearing.events] == list(range(10_000))
        assert world.hearing.told.count("read back") == 1


async def test_more_events_than_the_queue_holds_close_the_connection_and_are_read_back() -> None:
    hold = asyncio.Event()
    async with a_world(replace(SETTINGS, queue_limit=100)) as world:
        world.hearing.reading = hold.wait
        world.peer.cut()
        await world.fake.connections(2)
        for number in range(200):
            world.peer.say("Event: UserEvent", f"Number: {number}")
        await world.fake.connections(3)
        hold.set()
        await world.back(2)
        assert world.hearing.events == []
        assert any("faster than they could be handled" in what for what in world.hearing.told)


async def test_an_event_that_we_handle_wrongly_costs_neither_the_connection_nor_the_next_event() -> None:
    async with a_world() as world:

        def fail_once(event: Event) -> None:
            if event["Number"] == "0":
                raise ValueError("handled wrongly")

        world.hearing.on_event = fail_once
        for number in range(3):
            world.peer.say("Event: UserEvent", f"Number: {number}")
        await world.hearing.until(lambda: len(world.hearing.events) == 3)
        assert world.manager.up


async def test_malformed_messages_are_passed_over() -> None:
    async with a_world() as world:
        world.peer.writer.write(b"\r\n\r\nnonsense\r\n\xff\xfe: \x80\r\n\r\n: \r\n: : :\r\n\r\nEvent\r\n\r\n")
        world.peer.say("Response: Success")
        world.peer.say("Event: Hangup", "Uniqueid")
        await world.hearing.until(lambda: "Hangup" in world.hearing.told)
        assert [event["Event"] for event in world.hearing.events] == ["Hangup"]
        assert world.manager.up


async def test_a_message_without_an_end_closes_the_connection() -> None:
    async with a_world() as world:
        world.peer.writer.write(b"Event: UserEvent\r\nEndless: " + b"x" * 1_100_000)
        await world.back(2)
        assert any("without an end" in what for what in world.hearing.told)


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\rb", "a\0b"])
async def test_a_value_that_would_break_out_of_its_line_is_refused_and_nothing_is_sent(value: str) -> None:
    async with a_world() as world:
        sent = len(world.fake.got)
        with pytest.raises(Invalid):
            world.manager.start([("Setvar", {"Variable": "A", "Value": "fine"}), ("Setvar", {"Value": value})])
        with pytest.raises(Invalid):
            world.manager.start([("Originate", {"Variable": ["A=1", value]})])
        with pytest.raises(Invalid):
            world.manager.start([("Setvar", {value: "1"})])
        await world.manager.ask("Status")
        assert [action["Action"] for action in world.fake.got[sent:]] == ["Status"]


async def test_a_line_longer_than_asterisk_reads_is_refused() -> None:
    async with a_world() as world:
        with pytest.raises(Invalid, match="longer than 1000 bytes"):
            world.manager.start([("Setvar", {"Value": "è" * 500})])


async def test_an_error_answer_raises_with_asterisks_own_words() -> None:
    async with a_world() as world:
        world.fake.answer = lambda peer, action: peer.say(
            "Response: Error", f"ActionID: {action['ActionID']}", "Message: Channel does not exist"
        )
        with pytest.raises(Refused, match="Channel does not exist"):
            await world.manager.ask("Redirect")
        with pytest.raises(Refused):
            await world.manager.listing("ConfbridgeList")


async def test_a_listing_returns_its_entries_and_other_events_pass_between_them() -> None:
    def answer(peer: Peer, action: dict[str, str]) -> None:
        own = f"ActionID: {action['ActionID']}"
        peer.say("Response: Success", own, "EventList: start", "Message: Channel status will follow")
        peer.say("Event: Status", own, "Channel: A", "Variable: OC_ID=1", "Variable: OC_QUEUE=q")
        peer.say("Event: Hangup", "Channel: X")
        peer.say("Event: Status", own, "Channel: B")
        peer.say("Event: StatusComplete", own, "EventList: Complete", "ListItems: 2")

    async with a_world() as world:
        world.fake.answer = answer
        entries = await world.manager.listing("Status")
        assert [entry["Channel"] for entry in entries] == ["A", "B"]
        assert entries[0]["Variable"] == "OC_ID=1\nOC_QUEUE=q"
        await world.hearing.until(lambda: "Hangup" in world.hearing.told)


async def test_the_outcome_of_an_originate_comes_as_an_event_and_not_as_its_answer() -> None:
    def answer(peer: Peer, action: dict[str, str]) -> None:
        own = f"ActionID: {action['ActionID']}"
        peer.say("Response: Success", own, "Message: Originate successfully queued")
        peer.say("Event: OriginateResponse", own, "Response: Failure", "Reason: 0")

    async with a_world() as world:
        world.fake.answer = answer
        assert (await world.manager.ask("Originate", {"Async": "true"}))["Message"].endswith("queued")
        await world.hearing.until(lambda: "OriginateResponse" in world.hearing.told)
        assert world.hearing.events[0]["Response"] == "Failure"


async def test_several_actions_go_out_in_one_write_and_each_gets_its_answer() -> None:
    def answer(peer: Peer, action: dict[str, str]) -> None:
        kind = "Success" if action["Value"] != "2" else "Error"
        peer.say(f"Response: {kind}", f"ActionID: {action['ActionID']}", f"Message: {action['Value']}")

    async with a_world() as world:
        world.fake.answer = answer
        first, second, third = world.manager.start([("Setvar", {"Value": str(number)}) for number in (1, 2, 3)])
        assert (await first)[0]["Message"] == "1"
        with pytest.raises(Refused):
            await second
        assert (await third)[0]["Message"] == "3"


async def test_an_asterisk_that_is_still_booting_is_waited_for_and_given_up_in_time() -> None:
    fake = FakeManager()
    fake.boots = False
    async with a_world(replace(SETTINGS, boot_timeout=0.1), fake) as world:
        await fake.connections(2)
        assert world.hearing.told == []
        fake.boots = True
        await world.back(1)


async def test_reconnects_back_off_while_the_door_is_slammed() -> None:
    knocks: list[float] = []

    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocks.append(asyncio.get_running_loop().time())
        writer.close()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    settings = replace(SETTINGS, port=port, backoff_first=0.02, backoff_longest=0.1)
    hearing = Hearing()
    task = asyncio.create_task(Manager(settings, hearing).run())
    async with asyncio.timeout(PATIENCE):
        while len(knocks) < 6:
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()
    gaps = [later - earlier for earlier, later in itertools.pairwise(knocks)]
    assert all(gap >= least for gap, least in zip(gaps, (0.02, 0.04, 0.08, 0.1, 0.1), strict=True))
    assert hearing.told == []
