"""What a step of a flow has in its hands: the caller's channel, what is known of the call, and the rooms it may ask."""

import asyncio
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.clock import Clock
from core.journal import Alarm, Fact, no_alarm
from core.log import get_logger
from ivr.agi import ANY_KEY, Agi, SoundMissing
from ivr.call import Call
from ivr.flow import Flow
from ivr.hours import Calendar
from ivr.ports import Callers, Facts, QueueInfo, Transfers
from ivr.prompts import PromptStore
from ivr.spool import Spool

_log = get_logger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Kit:
    """What all calls share. `patience`: seconds a caller waits in silence for another room's answer.

    `voicemail_folder` is where recordings land, `voicemail_seen_as` how Asterisk calls it.
    """

    facts: Facts
    clock: Clock
    prompts: PromptStore
    callers: Callers
    queues: QueueInfo
    transfers: Transfers
    voicemails: Spool
    call_backs: Spool
    voicemail_folder: Path
    voicemail_seen_as: str
    patience: float = 2.0
    alarm: Alarm = no_alarm


@dataclass(frozen=True, slots=True)
class Talk:
    """One call in one flow."""

    agi: Agi
    call: Call
    flow: Flow
    calendars: Mapping[str, Calendar]
    kit: Kit

    async def say(self, prompt: str | list[str] | None, keys: str = "") -> str:
        """Say prompts one after the other; returns the key of `keys` that cut them short, or ""."""
        if prompt is None:
            return ""
        return await self.play(await self.kit.prompts.files(prompt, self.call.language, self.flow), keys)

    async def say_counted(self, name: str, n: int) -> None:
        """Say a sentence with a number in it."""
        await self.play([await self.kit.prompts.counted(name, n, self.call.language)])

    async def play(self, files: list[str], keys: str = "") -> str:
        """Play files. One that Asterisk cannot open is passed over and told: the call goes on."""
        for file in files:
            try:
                if key := await self.agi.play(file, keys):
                    return key
            except SoundMissing as error:
                _log.error("prompt not played", why=str(error))
        return ""

    async def inform(self, prompt: str | list[str]) -> None:
        """Say what asks for nothing. A key cuts it short and answers the next question; what follows is not said."""
        if not self.call.typed:
            self.call.typed = await self.say(prompt, ANY_KEY)

    def typed(self, among: Collection[str] | None = None) -> str:
        """The key pressed ahead, taken away, if it is one of `among` (None: any)."""
        key = self.call.typed if among is None or self.call.typed in among else ""
        self.call.typed = self.call.typed.removeprefix(key)
        return key

    async def ask(self, prompt: str | list[str] | None, seconds: float) -> str:
        """Say a prompt and return the key pressed before, in it or within `seconds` after it; any key, or ""."""
        if key := self.typed():
            return key
        return await self.say(prompt, ANY_KEY) or await self.agi.wait_for_digit(seconds)

    async def keyed(self, prompt: str | list[str], seconds: float, most: int) -> str:
        """Say a prompt and collect up to `most` digits; `#`, or `seconds` without a key, ends them."""
        digits = ""
        key = await self.ask(prompt, seconds)
        while key and key != "#":
            digits += key
            if len(digits) == most:
                break
            key = await self.agi.wait_for_digit(seconds)
        return digits

    async def within_patience(self, answer: Awaitable[_T], otherwise: _T, what: str) -> _T:
        """Another room's answer, or `otherwise` when it fails or takes longer than a caller should wait."""
        try:
            async with asyncio.timeout(self.kit.patience):
                return await answer
        except Exception as error:
            _log.warning("the call goes on without an answer", asked=what, why=str(error) or type(error).__name__)
            return otherwise

    def tell(self, kind: str, **data: object) -> None:
        """Append a fact of this call."""
        self.kit.facts.append(Fact(self.kit.clock.now(), kind, self.call.interaction_id, None, data))

    async def leave_for(self, queue_id: str) -> None:
        """Write the routing facts on the channel. `OC_DONE` comes last: without it the caller is not queued at all."""
        for name, value in self.call.routing_facts(queue_id, self.kit.clock.now()).items():
            await self.agi.set_variable(name, value)
        await self.agi.set_variable("OC_DONE", "1")

    async def leave_for_good(self) -> None:
        """Mark the call as served by the IVR to its end: the dialplan hangs up."""
        await self.agi.set_variable("OC_QUEUE", "")
        await self.agi.set_variable("OC_DONE", "1")
