"""Asterisk as far as the call model sees it: channels, rooms, dialplan, and events that overtake each other.

What it is strict about was measured on Asterisk 22: a second Redirect before the first has taken effect is lost; a
channel that is being originated cannot be hung up yet; a room that its last marked member leaves sends its callers to
`oc-after`; a room without a marked member takes nobody in; events of one channel and of one room keep their order,
among each other they do not.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cti.calls import Timer
from cti.connection import Fields
from tests.unit.cti.replay import FakeTimer

Event = dict[str, str]


@dataclass
class Channel:
    id: str
    caller: bool
    context: str = ""
    exten: str = "s"
    room: str = ""
    alive: bool = True
    created: bool = True
    up: bool = True
    redirect: tuple[str, str] | None = None
    variables: dict[str, str] = field(default_factory=dict)


class FakeAsterisk:
    """`cti.calls.Line` on one side, the hands of callers and agents on the other."""

    def __init__(self) -> None:
        self.time = 1_790_000_000.0
        self.channels: dict[str, Channel] = {}
        self.queues: dict[str, deque[Event]] = {}
        self.timers: list[FakeTimer] = []
        self.answers: deque[Callable[[], None]] = deque()
        self.doubts: list[str] = []
        self.lost_redirects = 0
        self.contacts: dict[str, list[str]] = {}
        self.hears: set[str] = set()
        self.connected = True

    # ---- Line ----

    def send(self, *actions: tuple[str, Fields], refused: Callable[[str], None] | None = None) -> None:
        if not self.connected:
            return
        for name, fields in actions:
            why = getattr(self, f"do_{name.lower()}")(dict(fields))
            if why and refused is not None:
                self.answers.append(lambda why=why: refused(why))  # type: ignore[misc]

    def ask(self, action: tuple[str, Fields], answered: Callable[[str | None], None]) -> None:
        channel = str(action[1]["Channel"])
        value = str(self.time) if channel in self.hears else "1"
        alive = channel in self.channels
        self.answers.append(lambda: answered(value if alive else None))

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        self.timers.append(FakeTimer(self.time + seconds, do))
        return self.timers[-1]

    def now(self) -> float:
        return self.time

    def doubt(self, why: str) -> None:
        self.doubts.append(why)

    # ---- actions ----

    def do_setvar(self, fields: dict[str, Any]) -> str | None:
        channel = self._living(fields["Channel"])
        if channel is None:
            return "No such channel"
        channel.variables[fields["Variable"]] = fields["Value"]
        return None

    def do_redirect(self, fields: dict[str, Any]) -> str | None:
        channel = self._living(fields["Channel"])
        if channel is None:
            return "Channel does not exist"
        if channel.redirect is not None:
            self.lost_redirects += 1
        else:
            channel.redirect = (fields["Context"], fields["Exten"])
        return None

    def do_hangup(self, fields: dict[str, Any]) -> str | None:
        channel = self._living(fields["Channel"])
        if channel is None or not channel.created:
            return "No such channel"
        self.end(channel, "0")
        return None

    def do_originate(self, fields: dict[str, Any]) -> str | None:
        channel_id = fields["ChannelId"]
        assert channel_id not in self.channels, "a channel id is used twice"
        variables = dict(one.split("=", 1) for one in fields["Variable"] if not one.startswith("PJSIP"))
        leg = Channel(channel_id, False, "oc-leg", fields["Exten"], created=False, up=False, variables=variables)
        self.channels[channel_id] = leg
        return None

    # ---- what phones and callers do ----

    def arrive(self, number: int, **variables: str) -> Channel:
        channel = Channel(f"caller-{number}", True)
        channel.variables = {"OC_ID": f"i{number}", "OC_QUEUE": "q", "OC_SINCE": "1789999999.000", **variables}
        self.channels[channel.id] = channel
        self._enter(channel, "oc-hold", "s")
        return channel

    def create(self, leg: Channel) -> None:
        leg.created = True
        self._say(leg.id, Event="DialBegin", DestUniqueid=leg.id)

    def answer(self, leg: Channel) -> None:
        leg.up, leg.room = True, leg.exten
        self._say(f"room {leg.room}", Event="ConfbridgeJoin", Conference=leg.room, Uniqueid=leg.id)

    def refuse(self, leg: Channel, cause: str) -> None:
        self.end(leg, cause)
        self._say(f"originate {leg.id}", Event="OriginateResponse", Response="Failure", Uniqueid=leg.id)

    def goodbye(self, channel: Channel) -> None:
        self._say(channel.id, Event="HangupRequest", Uniqueid=channel.id)
        self.end(channel, "16")

    def end(self, channel: Channel, cause: str) -> None:
        del self.channels[channel.id]
        if channel.caller:
            self._user(channel, "OcBye", Stage=channel.context.removeprefix("oc-"), Cause=cause)
        self._leave(channel)
        self._say(channel.id, Event="Hangup", Uniqueid=channel.id, Cause=cause)

    def move(self, channel: Channel) -> None:
        """The Redirect takes effect."""
        assert channel.redirect is not None
        context, exten = channel.redirect
        channel.redirect = None
        self._leave(channel)
        self._enter(channel, context, exten)

    def run_dialplan(self, channel: Channel) -> None:
        """The present step of the dialplan is over."""
        if channel.context == "oc-after":
            self.end(channel, "16")
        elif channel.context == "oc-announce":
            self._enter(channel, "oc-hold", "s")

    def contact(self, extension: str, uri: str, status: str) -> None:
        self._say(f"contact {extension}", Event="ContactStatus", AOR=extension, URI=uri, ContactStatus=status)
        kept = [one for one in self.contacts.get(extension, []) if one != uri]
        self.contacts[extension] = kept if status == "Removed" else [*kept, uri]

    # ---- events and listings ----

    def listing(self) -> list[Event]:
        return [
            {
                "Uniqueid": channel.id,
                "ChannelStateDesc": "Up" if channel.up else "Ringing",
                "Context": channel.context,
                "Exten": channel.exten,
                "BridgeID": channel.room,
                "Application": "ConfBridge" if channel.room else "",
                "Variable": "\n".join(f"{name}={value}" for name, value in channel.variables.items()),
            }
            for channel in self.channels.values()
            if channel.created
        ]

    def contact_listing(self) -> list[Event]:
        return [
            {"ObjectName": f"{extension};@x", "Uri": uri, "Status": "NonQualified"}
            for extension, uris in self.contacts.items()
            for uri in uris
        ]

    def marked(self, room: str) -> list[Channel]:
        return [one for one in self.channels.values() if not one.caller and one.room == room]

    def _enter(self, channel: Channel, context: str, exten: str) -> None:
        if context == "oc-caller" and not self.marked(exten):
            context, exten = "oc-hold", "s"
        channel.context, channel.exten = context, exten
        self._user(channel, "OcAt", Stage={"oc-caller": "talk"}.get(context, context.removeprefix("oc-")))
        if context == "oc-caller":
            channel.room = exten
            channel.variables["OC_ROOM"] = exten
            self._say(f"room {exten}", Event="ConfbridgeJoin", Conference=exten, Uniqueid=channel.id)

    def _leave(self, channel: Channel) -> None:
        room, channel.room = channel.room, ""
        if not room:
            return
        self._say(f"room {room}", Event="ConfbridgeLeave", Conference=room, Uniqueid=channel.id)
        if not channel.caller and not self.marked(room):
            for other in [one for one in self.channels.values() if one.caller and one.room == room]:
                self._leave(other)
                self._enter(other, "oc-after", "s")

    def _user(self, channel: Channel, kind: str, **headers: str) -> None:
        facts = {name: value for name, value in channel.variables.items() if name.startswith("OC_")}
        told = {"Event": "UserEvent", "UserEvent": kind, "Uniqueid": channel.id, "Ref": channel.variables["OC_ID"]}
        self.queues.setdefault(channel.id, deque()).append(facts | told | headers)

    def _say(self, queue: str, **event: str) -> None:
        self.queues.setdefault(queue, deque()).append(event)

    def _living(self, channel_id: str) -> Channel | None:
        return self.channels.get(channel_id)
