"""The call model against an Asterisk whose events overtake each other, under every mix of people and commands."""

import random
from collections import Counter
from typing import Any

import pytest

from acd.ports import CallEvents, Ring, Target
from core.errors import OneCallError
from core.journal import Fact
from cti.switch import Switch
from cti.tellings import Tellings
from tests.unit.cti.fake_asterisk import Channel, FakeAsterisk
from tests.unit.cti.replay import SETTINGS, Recorder

_AGENTS = ("2001", "2002", "2003")


class Story:
    """One random story. Everything random comes from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.asterisk = asterisk = FakeAsterisk()
        self.book = Recorder()
        self.facts: list[Fact] = []
        self.tell = Tellings(asterisk, lambda do: do(), self)
        events: CallEvents = self.book  # type: ignore[assignment]
        self.tell.events = events
        self.switch = Switch(SETTINGS, asterisk, self.tell)
        self.callers = 0
        self.fence = 0
        self.stopped: dict[int, int] = {}
        self.quiet: Counter[str] = Counter()
        """Parts that ended, or may have ended, without a telling: stopped offers, releases to a queue, cuts."""
        self.rung: dict[int, str] = {}
        self.log: list[str] = []
        self.page = 0
        for extension in _AGENTS:
            self._register(extension)

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)

    # ---- what may happen ----

    def step(self) -> None:
        happen = self.random.choice(self._possible())
        self.log.append(f"{happen.__name__}")
        happen()

    def _possible(self) -> list[Any]:
        asterisk = self.asterisk
        possible: list[Any] = [self._deliver] * 6 + [self._command] * 2 + [self._ring, self._pass_time]
        if self.callers < 3:
            possible.append(self._arrive)
        if any(channel.redirect for channel in asterisk.channels.values()):
            possible += [self._move] * 3
        legs = [channel for channel in asterisk.channels.values() if not channel.caller]
        if any(not leg.created for leg in legs):
            possible += [self._create] * 3
        if any(leg.created and not leg.up for leg in legs):
            possible += [self._answer, self._answer, self._refuse]
        if asterisk.channels:
            possible += [self._goodbye, self._run_dialplan]
        if any(leg.up for leg in legs):
            possible += [self._lose]
        if self.random.random() < 0.1:
            possible += [self._cut, self._reload]
        return possible

    def _pick(self, *, caller: bool, **state: bool) -> Channel | None:
        found = [
            channel
            for channel in self.asterisk.channels.values()
            if channel.caller == caller and all(getattr(channel, key) == value for key, value in state.items())
        ]
        return self.random.choice(found) if found else None

    def _arrive(self) -> None:
        self.callers += 1
        self.asterisk.arrive(self.callers)

    def _deliver(self) -> None:
        queues = [queue for queue in self.asterisk.queues.values() if queue]
        if self.asterisk.answers and self.random.random() < 0.5:
            self.asterisk.answers.popleft()()
        elif queues:
            self.switch.interpreter.event(self.random.choice(queues).popleft())

    def _move(self) -> None:
        moving = [channel for channel in self.asterisk.channels.values() if channel.redirect]
        self.asterisk.move(self.random.choice(moving))

    def _create(self) -> None:
        if (leg := self._pick(caller=False, created=False)) is not None:
            self.asterisk.create(leg)

    def _answer(self) -> None:
        if (leg := self._pick(caller=False, created=True, up=False)) is not None:
            self.asterisk.answer(leg)

    def _refuse(self) -> None:
        if (leg := self._pick(caller=False, created=True, up=False)) is not None:
            self.asterisk.refuse(leg, self.random.choice(["17", "21", "19"]))

    def _goodbye(self) -> None:
        who = self._pick(caller=self.random.random() < 0.3, created=True, up=True)
        if who is not None:
            self.asterisk.goodbye(who)

    def _lose(self) -> None:
        if (leg := self._pick(caller=False, up=True)) is not None:
            self.asterisk.end(leg, "44")

    def _reload(self) -> None:
        self._register(self.random.choice(_AGENTS))

    def _register(self, extension: str) -> None:
        self.page += 1
        for uri in list(self.asterisk.contacts.get(extension, [])):
            self.asterisk.contact(extension, uri, "Removed")
        self.asterisk.contact(extension, f"sip:page{self.page}@127.0.0.1:{5000 + self.page}", "NonQualified")

    def _run_dialplan(self) -> None:
        """A step of the dialplan takes at least as long as news of it travels: `oc-after` waits a second for us."""
        if (channel := self._pick(caller=True)) is not None and not any(self.asterisk.queues.values()):
            self.asterisk.run_dialplan(channel)

    def _pass_time(self) -> None:
        self._advance(self.random.choice([0.05, 0.2]))

    def _advance(self, seconds: float) -> None:
        """Nothing that is sent takes longer than a blink: the world settles before time goes on."""
        self._settle()
        asterisk = self.asterisk
        until = asterisk.time + seconds
        while due := [timer for timer in asterisk.timers if not timer.over and timer.due <= until]:
            timer = min(due, key=lambda one: one.due)
            asterisk.time, timer.over = timer.due, True
            timer.do()
            self._settle()
        asterisk.time = until

    def _settle(self) -> None:
        asterisk = self.asterisk
        while True:
            while any(asterisk.queues.values()) or asterisk.answers:
                self._deliver()
            if any(channel.redirect for channel in asterisk.channels.values()):
                self._move()
            elif any(not channel.created for channel in asterisk.channels.values()):
                self._create()
            else:
                return

    def _ring(self) -> None:
        calls = list(self.switch.calls)
        if not calls:
            return
        call = self.random.choice(calls)
        if call.place.stage != "hold":
            return
        self.fence += 1
        extension = self.random.choice(_AGENTS)
        try:
            self.switch.ringing.ring(
                Ring(self.fence, call.interaction_id, f"a-{extension}", extension, 10, "+39", "Name")
            )
        except OneCallError:
            return
        self.rung[self.fence] = call.interaction_id

    def _command(self) -> None:
        calls = list(self.switch.calls)
        if not calls:
            return
        call = self.random.choice(calls)
        talk, party = self.switch.talk, call.party
        if self.fence and self.random.random() < 0.3:
            fence = self.random.randint(1, self.fence)
            if self._outcome(fence) == 0:
                self.switch.ringing.stop(fence)
                self.stopped.setdefault(fence, len(self.book.told))
            return
        if party is None or party.leaving:
            return
        what = self.random.choice(
            ["hold", "resume", "consult", "complete", "cancel", "conference", "transfer", "release", "hang_up"]
        )
        self.log.append(what)
        target = Target("agent", "a-2003")
        try:
            match what:
                case "hold" | "resume" | "cancel" | "conference":
                    getattr(talk, what)(call)
                case "consult":
                    talk.consult(call, target, "PJSIP/2003", "2003", {})
                case "complete" | "hang_up":
                    getattr(talk, what)(call, party)
                case "transfer":
                    talk.transfer(call, party, Target("number", "+39"), "PJSIP/+39@trunk", "")
                case "release" if call.facts is not None:
                    talk.release(call, party, call.facts)
                    self.quiet[call.interaction_id] += 1
        except OneCallError:
            return

    def _cut(self) -> None:
        """The connection is lost for a while, in which what was sent takes effect; then everything is read back."""
        asterisk = self.asterisk
        while any(channel.redirect for channel in asterisk.channels.values()):
            self._move()
        while any(not channel.created for channel in asterisk.channels.values()):
            self._create()
        self.quiet.update(f"i{number}" for number in range(1, self.callers + 1))
        asterisk.answers.clear()
        for queue in asterisk.queues.values():
            queue.clear()
        self.tell.up(self.switch.reader.rebuild(asterisk.listing(), asterisk.contact_listing()))

    def _outcome(self, fence: int) -> int:
        return sum(
            1 for name, values in self.book.told if name in ("leg_answered", "leg_refused") and values[0] == fence
        )

    # ---- what must hold ----

    def end(self) -> None:
        """Let everything come to rest: phones that ring are not answered, dialplan steps end."""
        for _ in range(40):
            self._advance(2.0)
            for channel in list(self.asterisk.channels.values()):
                if channel.id in self.asterisk.channels and not channel.caller and not channel.up:
                    self.asterisk.refuse(channel, "19")
                self._settle()
            for channel in list(self.asterisk.channels.values()):
                if channel.id in self.asterisk.channels and channel.caller:
                    self.asterisk.run_dialplan(channel)
                self._settle()

    def check(self) -> None:
        told = self.book.told
        assert not self.asterisk.lost_redirects, "two Redirects of one channel were in flight"
        assert not self.asterisk.doubts
        for fence in range(1, self.fence + 1):
            assert self._outcome(fence) <= 1, f"offer {fence} has two outcomes"
        for fence, before in self.stopped.items():
            later = [name for name, values in told[before:] if values and values[0] == fence]
            assert not later, f"offer {fence} was stopped and then told {later}"
        gone = Counter(values[0] for name, values in told if name == "caller_gone")
        assert all(times == 1 for times in gone.values()), gone
        self._check_parts(set(gone))
        callers = {c.variables["OC_ID"]: c for c in self.asterisk.channels.values() if c.caller}
        known = {call.interaction_id: call for call in self.switch.calls}
        assert set(known) == set(callers)
        for interaction_id, caller in callers.items():
            self._check_caller(caller, known[interaction_id])
        rooms = {caller.room for caller in callers.values()}
        for leg in self.asterisk.channels.values():
            if not leg.caller:
                kept = any(leg.id in [one.channel for one in call.legs] for call in known.values())
                assert leg.room in rooms or kept, f"{leg.id} sits alone in a room"

    def _check_parts(self, gone: set[str]) -> None:
        """An agent's part is opened once and closed once."""
        told = self.book.told
        opened = Counter(self.rung[values[0]] for name, values in told if name == "leg_answered")
        opened.update(values[0] for name, values in told if name == "agent_joined")
        closed = Counter(values[0] for name, values in told if name == "agent_left")
        for interaction_id in gone:
            if not self.quiet[interaction_id]:
                assert opened[interaction_id] == closed[interaction_id], interaction_id

    def _check_caller(self, caller: Channel, call: Any) -> None:
        assert call.moving is None, (call.moving, caller)
        assert caller.context == call.place.context, (caller, call.place)
        if caller.context == "oc-caller":
            assert self.asterisk.marked(caller.room), "the caller is alone in a room"
            assert call.party is not None
        elif caller.context == "oc-rest":
            assert call.party is not None, "the caller rests and nobody will come"
        elif caller.context == "oc-hold":
            assert call.party is None
            waits = [values for name, values in self.book.told if name == "caller_waiting"]
            found = [values[0].waiting for name, values in self.book.told if name == "bridge_up"]
            listed = [facts.interaction_id for facts in [one[0] for one in waits] + [f for w in found for f in w]]
            assert call.interaction_id in listed


@pytest.mark.parametrize("block", range(10))
def test_nobody_is_lost_whatever_happens_in_whatever_order(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        story = Story(seed)
        try:
            for _ in range(120):
                story.step()
            story.end()
            story.check()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r} after {story.log[-25:]}") from error
