"""Drives the call model with what a real Asterisk said (`traces/*.txt`), without a connection or a clock.

A trace is the text of the manager interface, one event a block, in the order of its arrival. A block that begins
with `!` is a command that was given at that moment.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from panoramisk.message import Message

from acd.ports import CallEvents, Ring, Target
from core.journal import Fact
from cti.calls import Timer
from cti.connection import Fields
from cti.settings import BridgeSettings, ManagerSettings
from cti.switch import Switch
from cti.tellings import Tellings

TRACES = Path(__file__).parent / "traces"
SETTINGS = BridgeSettings(ManagerSettings("127.0.0.1", 5038, "u", "s"), Path("recordings"))
_ROOM = re.compile(r"(?:Conference|Exten): (\d{10})\d{8}$", re.MULTILINE)
AGENT = "a-2001"


class FakeTimer(Timer):
    def __init__(self, due: float, do: Callable[[], None]) -> None:
        self.due, self.do, self.over = due, do, False

    def cancel(self) -> None:
        self.over = True


class FakeLine:
    """Keeps what is sent; time stands still until told."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.time = now
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.refusals: list[Callable[[str], None] | None] = []
        self.asked: list[Callable[[str | None], None]] = []
        self.timers: list[FakeTimer] = []
        self.doubts: list[str] = []

    def send(self, *actions: tuple[str, Fields], refused: Callable[[str], None] | None = None) -> None:
        self.sent += [(name, dict(fields)) for name, fields in actions]
        self.refusals += [refused] * len(actions)

    def ask(self, action: tuple[str, Fields], answered: Callable[[str | None], None]) -> None:
        self.asked.append(answered)

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        self.timers.append(FakeTimer(self.time + seconds, do))
        return self.timers[-1]

    def now(self) -> float:
        return self.time

    def doubt(self, why: str) -> None:
        self.doubts.append(why)

    def advance(self, seconds: float) -> None:
        """Let time pass; what falls due happens in order."""
        until = self.time + seconds
        while due := [timer for timer in self.timers if not timer.over and timer.due <= until]:
            timer = min(due, key=lambda one: one.due)
            self.time, timer.over = timer.due, True
            timer.do()
        self.time = until


class Recorder:
    """`CallEvents` as a list of (name, arguments)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda at, *values: self.told.append((name, values))


class World:
    """The model on a fake line, and what it told and sent."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.line = FakeLine(now)
        self.book = Recorder()
        self.facts: list[Fact] = []
        self.tell = tell = Tellings(self.line, lambda do: do(), self)
        events: CallEvents = self.book  # type: ignore[assignment]
        tell.events = events
        self.switch = Switch(SETTINGS, self.line, tell)

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)

    def event(self, **headers: str) -> None:
        """One event."""
        self.switch.interpreter.event(headers)

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """Tellings without phones and views: name and arguments."""
        return [(name, *values) for name, values in self.book.told if name not in ("phone_changed", "call_changed")]

    @property
    def phases(self) -> list[str]:
        """The phases of the views told, repeats left out."""
        phases = [values[0].phase for name, values in self.book.told if name == "call_changed"]
        return [phase for number, phase in enumerate(phases) if number == 0 or phases[number - 1] != phase]

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Actions without variables: name, and where to or whom."""
        return [
            (name, str(fields.get("Context") if name == "Redirect" else fields.get("ChannelId", fields.get("Channel"))))
            for name, fields in self.line.sent
            if name != "Setvar"
        ]


def replay(name: str, times: int = 1) -> World:
    """Play a whole trace; each event so many times."""
    text = (TRACES / f"{name}.txt").read_text(encoding="utf-8")
    room = _ROOM.search(text)
    world = World(float(room.group(1)) if room else 1_790_000_000.0)
    for block in _blocks(text):
        if block.startswith("! "):
            _command(world, block[2:].split())
        else:
            message = Message.from_line(block.replace("\n", "\r\n"))
            for _ in range(times):
                world.switch.interpreter.event({key: value for key, value in message.items() if key != "content"})
    return world


def _blocks(text: str) -> Iterator[str]:
    for block in text.strip().split("\n\n"):
        yield block.strip("\n")


def _command(world: World, words: list[str]) -> None:
    switch, (word, *values) = world.switch, words
    (call,) = switch.calls
    match word:
        case "ring":
            switch.ringing.ring(
                Ring(int(values[0]), call.interaction_id, f"a-{values[1]}", values[1], 10, "+393471234567", "Nicolò")
            )
        case "stop":
            switch.ringing.stop(int(values[0]))
        case "hold":
            switch.talk.hold(call)
        case "resume":
            switch.talk.resume(call)
        case "hang_up":
            switch.talk.hang_up(*switch.calls.talk(call.interaction_id, AGENT))
        case "consult":
            target = Target("agent", f"a-{values[0]}")
            switch.talk.consult(call, target, f"PJSIP/{values[0]}", values[0], {})
        case "complete":
            switch.talk.complete(*switch.calls.talk(call.interaction_id, AGENT))
        case _:
            raise ValueError(f"unknown command in the trace: {word}")
