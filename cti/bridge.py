"""The bridge: `acd.ports.Telephony` on a real Asterisk, and the one who tells `acd.ports.CallEvents`."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from acd.numbers import check_number
from acd.ports import CallEvents, CallFacts, Ring, Target
from core.clock import Clock, SystemClock
from core.errors import Conflict, Invalid, NotFound, Unavailable
from core.log import get_logger
from cti.calls import HOLD, IVR, PROMISED, Call, Place, set_variables
from cti.facts import write_facts
from cti.line import ManagerLine
from cti.manager import Fields, Manager, Refused
from cti.pauses import write_pauses
from cti.protocol import Event
from cti.readback import VARIABLES, found
from cti.recording import Recordings
from cti.registrations import Registrations
from cti.settings import UNSAFE_IN_PATHS, BridgeSettings
from cti.switch import Switch
from cti.tellings import Facts, Tellings

_log = get_logger(__name__)
_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_IVR_DIVERTS = {"voicemail", "call_back", "closed"}
_DTMF_MILLISECONDS = 120


class Bridge:
    """Calls on one Asterisk. `run` connects and keeps connected; the commands are `acd.ports.Telephony`.

    What happens is told to `events` (set before `run`), in order and never from inside a command. A fence that was
    ringing when the connection was lost is settled by the read-back (`bridge_up`), not by a telling of its own.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        facts: Facts,
        clock: Clock | None = None,
        registrations: Registrations | None = None,
    ) -> None:
        """`registrations`: shared by the bridges of several nodes; None where there is one."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._line = line = ManagerLine(self._clock)
        self.manager = line.manager = Manager(settings.manager, self)
        untold = None if registrations is None else registrations.untold
        self._tell = tell = Tellings(line, _later, facts, settings.node, untold)
        self._switch = switch = Switch(settings, line, tell, registrations)
        self._recordings = Recordings(settings, line, switch.calls, tell, facts)
        switch.interpreter.recording_ended = self._recordings.ended
        self.reload_when_back = False
        """The file of the agents' phones has changed while Asterisk could not be reached."""

    @property
    def events(self) -> CallEvents | None:
        """Who is told; set it before `run`."""
        return self._tell.events

    @events.setter
    def events(self, events: CallEvents) -> None:
        self._tell.events = events

    def tell(self, events: CallEvents) -> None:
        """Who is told; set before `run`."""
        self.events = events

    @property
    def node(self) -> str:
        """Name of this Asterisk among several."""
        return self._settings.node

    @property
    def up(self) -> Mapping[str, bool]:
        """Which of its nodes can be reached: the one."""
        return {self.node: self.manager.up}

    def holds(self, interaction_id: str) -> bool:
        """Whether the caller is at this node."""
        return self._switch.calls.get(interaction_id) is not None

    def rings(self, fence: int) -> bool:
        """Whether the leg of that offer starts at this node."""
        return self._switch.calls.ringing(fence) is not None

    async def reload_phones(self) -> None:
        """Have Asterisk read the file of the agents' phones again. Raises Refused and Unavailable."""
        await self.manager.ask("Reload", {"Module": "res_pjsip.so"})

    async def tell_unreached(self) -> None:
        """Nothing: whoever starts the only Asterisk waits for it."""

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.manager.run())
            tasks.create_task(self._recordings.watch())

    # ---- cti.manager.Listener ----

    async def read_back(self) -> None:
        """Learn Asterisk's state and tell it."""
        self._switch.interpreter.forget_guests()
        contacts = await self._contacts()
        channels = await self.manager.listing("Status", {"Variables": VARIABLES})
        # Last of all that waits: whoever changes the phones' file from here on finds the connection up.
        while self.reload_when_back:
            self.reload_when_back = False
            try:
                await self.reload_phones()
            except BaseException:
                self.reload_when_back = True
                raise
        state = self._switch.reader.rebuild(channels, contacts)
        _log.info("read back", waiting=len(state.waiting), talking=len(state.talking), phones=len(state.registered))
        self._tell.up(state)
        self._recordings.find_unclosed(found(channel).values.get("OC_RECORDING", "") for channel in channels)

    def event(self, event: Event) -> None:
        """One event of Asterisk."""
        self._tell.after(lambda: self._switch.interpreter.event(event))

    def down(self, why: str) -> None:
        """The connection has ended."""
        self._switch.phones.lost()
        self._tell.down(why)

    async def _contacts(self) -> list[Event]:
        try:
            return await self.manager.listing("PJSIPShowContacts")
        except Refused:
            return []  # Asterisk answers an empty list with an error.

    # ---- acd.ports.Telephony ----

    def ring(self, ring: Ring) -> None:
        """Start ringing, in one write."""
        self._must_be_up()
        self._switch.ringing.ring(ring)

    def stop_ringing(self, fence: int) -> None:
        """Stop the phone of that offer, in one write; nothing to do is not an error."""
        self._must_be_up()
        self._switch.ringing.stop(fence)

    async def answer(self, fence: int) -> None:
        """Make a desk phone that supports it pick up."""
        self._must_be_up()
        leg = self._switch.calls.ringing(fence)
        if leg is not None and not leg.up:
            # A phone at another node hears nothing that is said to the leg which leads there.
            if not leg.name or "@" in leg.dial:
                raise Conflict("The phone does not ring yet.", "Answer once it rings.")
            await self.manager.ask("PJSIPNotify", {"Channel": leg.name, "Variable": "Event=talk"})

    async def answer_guest(self, fence: int) -> bool:
        """Make a phone pick up that rings here for a caller of another node; False when none does."""
        name = self._switch.interpreter.guests.get(fence)
        if name is None:
            return False
        self._must_be_up()
        await self.manager.ask("PJSIPNotify", {"Channel": name, "Variable": "Event=talk"})
        return True

    async def hang_up(self, interaction_id: str, agent_id: str) -> None:
        """The agent's part ends."""
        self._must_be_up()
        self._switch.talk.hang_up(*self._switch.calls.talk(interaction_id, agent_id))

    async def hold(self, interaction_id: str, agent_id: str) -> None:
        """The caller rests with music."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.hold(call)

    async def resume(self, interaction_id: str, agent_id: str) -> None:
        """Back into the room."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.resume(call)

    async def mute(self, interaction_id: str, agent_id: str, muted: bool) -> None:
        """Let nobody hear the agent, or hear again. Raises Conflict while the agent's phone is not connected."""
        self._must_be_up()
        call, party = self._switch.calls.talk(interaction_id, agent_id)
        leg = party.leg
        if leg is None:
            raise Conflict("The agent's phone is not connected.", "Wait until it is back.")
        state = {"Channel": leg.channel, "Direction": "in", "State": "on" if muted else "off"}
        await self.manager.ask("MuteAudio", state)
        if party.leg is leg:
            party.muted = muted
            self._line.send(*set_variables(leg.channel, {"OC_MUTED": "1" if muted else ""}))
            self._tell.view(call)

    async def dtmf(self, interaction_id: str, agent_id: str, digits: str) -> None:
        """Play keys to the caller's side."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        if not digits or set(digits) - set("0123456789*#ABCD"):
            raise Invalid(f"{digits!r} are not telephone keys.", "Use 0-9, * and #.")
        key = {"Channel": call.channel, "Duration": str(_DTMF_MILLISECONDS)}
        await self.manager.errand([("PlayDTMF", {**key, "Digit": digit}) for digit in digits])

    async def transfer(self, interaction_id: str, agent_id: str, target: Target, extension: str | None) -> None:
        """The caller goes to a number or to an agent's phone; the agent leaves."""
        self._must_be_up()
        call, party = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.transfer(call, party, target, self._dial(target, extension or target.id), extension or "")

    async def release_to_queue(self, interaction_id: str, agent_id: str, facts: CallFacts) -> None:
        """Back to the waiting place with new facts; returns when the caller is there."""
        self._must_be_up()
        call, party = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.release(call, party, facts)
        if not await self._arrival(call, HOLD):
            raise Unavailable("The caller could not be put back in the line.", "Look at the call's state.")

    async def consult(self, interaction_id: str, agent_id: str, target: Target, extension: str) -> None:
        """The caller rests, the expert rings into the room."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        headers = {"X-OneCall-Id": interaction_id} if target.kind == "agent" else {}
        self._switch.talk.consult(call, target, self._dial(target, extension), extension, headers)

    async def consult_complete(self, interaction_id: str, agent_id: str) -> None:
        """The caller joins the expert, the first agent leaves."""
        self._must_be_up()
        self._switch.talk.complete(*self._switch.calls.talk(interaction_id, agent_id))

    async def consult_cancel(self, interaction_id: str, agent_id: str) -> None:
        """The expert's leg ends; the caller comes back."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.cancel(call)

    async def conference(self, interaction_id: str, agent_id: str) -> None:
        """Caller, agent and expert in one room."""
        self._must_be_up()
        call, _ = self._switch.calls.talk(interaction_id, agent_id)
        self._switch.talk.conference(call)

    async def record_pause(self, interaction_id: str, paused: bool) -> None:
        """Silence in the recording while card digits are spoken; the time line is kept."""
        async with self._switch.calls.need(interaction_id).recording.pausing:
            await self._pause(interaction_id, paused)

    async def _pause(self, interaction_id: str, paused: bool) -> None:
        self._must_be_up()
        call = self._switch.calls.need(interaction_id)
        recording = call.recording
        if not recording.path:
            raise Conflict("This call is not being recorded.", "There is nothing to pause.")
        # Asked for even when we believe it so: an answer may have been lost, and card digits must not be recorded.
        state = {"Channel": call.channel, "Direction": "both", "State": "1" if paused else "0"}
        await self.manager.ask("MixMonitorMute", state)
        if paused == (recording.paused_since is not None):
            return
        now = self._clock.now()
        if recording.paused_since is not None:
            recording.pauses.append((recording.paused_since, now))
        recording.paused_since = now if paused else None
        self._line.send(*set_variables(call.channel, {"OC_PAUSES": write_pauses(recording)}))
        self._tell.view(call)

    async def announce(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say prompts to a waiting caller; while something else is being said, after it."""
        self._must_be_up()
        call = self._switch.calls.need(interaction_id)
        announcement = _announcement(call, prompts)
        if call.party is None:
            self._switch.moves.say(call, *announcement)

    async def promise_call_back(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say to a waiting caller that the place is kept, and hang up."""
        await self.dismiss(interaction_id, prompts)

    async def dismiss(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say prompts to a waiting caller, and hang up."""
        self._must_be_up()
        call = self._switch.calls.need(interaction_id)
        announcement = _announcement(call, prompts)
        if call.party is None and call.ringing is None:
            self._switch.moves.want(call, PROMISED, *announcement)

    async def write_facts(self, interaction_id: str, facts: CallFacts) -> None:
        """New routing facts for a waiting caller; a customer who is only about to be called back has no channel."""
        self._must_be_up()
        call = self._switch.calls.need(interaction_id)
        call.facts = facts
        if not call.absent:
            self._line.send(*set_variables(call.channel, write_facts(facts)))

    async def dial_back(self, facts: CallFacts, number: str, attempt: int) -> None:
        """Dial the customer into the room of the agent who has answered."""
        self._must_be_up()
        self._switch.call_backs.dial(facts, self._dial(Target("number", number), number), number, attempt)

    async def divert(self, interaction_id: str, destination: str) -> None:
        """Send a waiting caller out of the queue."""
        self._must_be_up()
        call = self._switch.calls.need(interaction_id)
        if destination in _IVR_DIVERTS:
            told = {"OC_DIVERT": destination, "OC_DONE": "", "OC_QUEUE": ""}
            self._switch.moves.want(call, IVR, *set_variables(call.channel, told))
            self._switch.moves.when_there(call, IVR, lambda there: self._switch.talk.diverted(call) if there else None)
        else:
            target = Target("number", destination)
            self._switch.talk.dial_out(call, target, self._dial(target, destination))

    # ---- ivr.ports.Transfers ----

    async def to_number(self, interaction_id: str, number: str, ring_seconds: float) -> bool:
        """Ring an outside number for a caller who is in the IVR, and take the channel there once it answers.

        Returns whether it did. Raises NotFound, Invalid and Unavailable when it cannot be tried.
        """
        self._must_be_up()
        target = Target("number", number)
        dial = self._dial(target, number)
        channels = await self.manager.listing("Status", {"Variables": "OC_ID"})
        ids = [one.channel for one in map(found, channels) if one.values.get("OC_ID") == interaction_id]
        if not ids:
            raise NotFound(f"There is no caller {interaction_id}.", "The caller has hung up; nothing is to be done.")
        call = self._switch.calls.add(Call(interaction_id, ids[0], IVR))
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._switch.talk.connect(call, target, dial, ring_seconds, outcome.set_result)
        try:
            return await outcome
        except asyncio.CancelledError:
            call.connected = None
            self._switch.talk.diverted(call)
            raise

    # ---- inside ----

    def _must_be_up(self) -> None:
        if not self.manager.up:
            raise Unavailable("Asterisk cannot be reached.", "Calls go on; try again when it is back.")

    async def _arrival(self, call: Call, place: Place) -> bool:
        """Whether the caller comes to that place, in the time that a move may take."""
        there: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def arrived(is_there: bool) -> None:
            if not there.done():
                there.set_result(is_there)

        self._switch.moves.when_there(call, place, arrived)
        try:
            async with asyncio.timeout(3 * self._settings.move_timeout):
                return await there
        except TimeoutError:
            return False

    def _dial(self, target: Target, extension: str) -> str:
        if not _NUMBER.fullmatch(extension):
            raise Invalid(f"{extension!r} is not a number that can be dialled.", "Use digits, with + for E.164.")
        if target.kind == "agent":
            return self._switch.phones.dial(extension)
        check_number(extension)
        return self._settings.trunk_dial.format(number=extension)


def _announcement(call: Call, prompts: Sequence[str]) -> Sequence[tuple[str, Fields]]:
    if not prompts or not all(prompt and not UNSAFE_IN_PATHS.search(prompt) for prompt in prompts):
        raise Invalid(f"These are no names of prompts: {list(prompts)}.", "Use file names without ending.")
    return set_variables(call.channel, {"OC_ANNOUNCE": "&".join(prompts)})


def _later(do: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(do)
