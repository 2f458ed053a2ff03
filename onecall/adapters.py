"""Joins the rooms: small classes that answer one room's port with another room's services."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from acd.ports import CallFacts
from acd.switchboard import Switchboard
from core.bus import Bus, LocalBus
from core.errors import Unavailable
from core.log import get_logger
from ivr.flow import Language
from ivr.ports import QueueOutlook
from ivr.prompts import PromptStore
from onecall.background import Well

_log = get_logger(__name__)
_BACKLOG = 10_000
_FURTHEST, _LONGEST_MINUTES = 30, 30


class Publisher:
    """Hands messages to the bus in order, without ever making the caller wait.

    In one process they are with the subscribers when `say` returns; over Redis a task sends them, and while Redis is
    away the oldest are dropped beyond a limit: every desk and floor message replaces the ones before it.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: asyncio.Queue[tuple[str, Mapping[str, Any]]] = asyncio.Queue(_BACKLOG)

    def say(self, topic: str, message: Mapping[str, Any]) -> None:
        """Publish."""
        if isinstance(self._bus, LocalBus):
            self._bus.publish_now(topic, message)
            return
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait((topic, message))

    async def run(self, well: Well) -> None:
        """Send what waits, until cancelled."""
        while True:
            topic, message = await self._waiting.get()
            while True:
                try:
                    await self._bus.publish(topic, message)
                    break
                except Unavailable as error:
                    _log.warning("message waits for the bus", topic=topic, why=str(error))
                    await asyncio.sleep(0.5)
            well()


class Outlook:
    """What the IVR may tell a caller of a queue: the engine's own estimate."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    async def outlook(self, queue_id: str, priority: int) -> QueueOutlook:
        """Position and expected wait of a caller who joined now."""
        position = self._board.engine.waiting_count(queue_id) + 1
        return QueueOutlook(position, self._board.engine.estimate(queue_id, position).expected_wait)


class WaitingVoice:
    """What is said to waiting callers: their place, and the wait when the engine is fairly sure of it.

    Nothing is said until `prompt_store` is set.
    """

    def __init__(self) -> None:
        self.prompt_store: PromptStore | None = None

    async def prompts(
        self, facts: CallFacts, position: int, expected_wait: float | None, confidence: str, prompt: str
    ) -> Sequence[str]:
        """Sound names for `OC_ANNOUNCE`; empty when nothing can be said."""
        if self.prompt_store is None:
            return []
        store: PromptStore = self.prompt_store
        language: Language = "en" if facts.language == "en" else "it"
        if prompt:
            return await store.files(prompt, language)
        if position > _FURTHEST:
            sounds = await store.files("position_far", language)
        else:
            sounds = [await store.counted("position", position, language)]
        if expected_wait is not None and confidence in {"fair", "good"}:
            sounds += await _wait(store, expected_wait / 60, language)
        return sounds


async def _wait(store: PromptStore, minutes: float, language: Language) -> list[str]:
    if minutes < 1:
        return await store.files("wait_short", language)
    if minutes > _LONGEST_MINUTES:
        return await store.files("wait_long", language)
    return [await store.counted("wait_minutes", round(minutes), language)]
