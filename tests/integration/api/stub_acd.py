"""A routing process for tests of the API: it keeps desks, says what changes, and remembers what it was asked."""

import asyncio
from collections.abc import Mapping
from typing import Any

from core.bus import Bus
from core.clock import iso
from core.errors import Conflict, OneCallError
from core.ids import new_id

_MOMENT = iso(1_790_000_000.0)


class StubAcd:
    """Answers service `acd` as docs/contracts.md says, as far as the API can see."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.epoch = new_id()
        self.seq: dict[str, int] = {}
        self.online: dict[str, str] = {}
        self.asked: list[Mapping[str, Any]] = []
        self.fail: OneCallError | None = None
        self.slow: dict[str, asyncio.Event] = {}
        self.asterisk = True
        self.work: dict[str, tuple[str, str | None]] = {}
        """What agents do, where it is not `not_ready`: their state, and the call it is about."""

    async def start(self) -> None:
        """Begin to answer."""
        await self.bus.serve("acd", self.answer)

    def restart(self) -> None:
        """A new life that remembers nothing."""
        self.epoch = new_id()
        self.seq, self.online = {}, {}

    async def answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request."""
        self.asked.append(message)
        if self.fail is not None:
            raise self.fail
        command = str(message["cmd"])
        if command in self.slow:
            await self.slow[command].wait()
        if command == "desk.get":
            return self.desk(str(message["agent_id"]))
        if command == "desk.online":
            self.online[str(message["agent_id"])] = str(message["connection_id"])
        if command == "desk.offline" and self.online.get(str(message["agent_id"])) == message["connection_id"]:
            del self.online[str(message["agent_id"])]
        if command == "floor.get":
            return self.floor()
        if command == "health":
            return {"asterisk": self.asterisk, "alarms": []}
        if command == "call.hold":
            raise Conflict("You are not in a call now.", "The call may have ended.", code="no_call")
        return {}

    def commands(self, name: str) -> list[Mapping[str, Any]]:
        """What was asked under this name."""
        return [message for message in self.asked if message["cmd"] == name]

    async def change(self, agent_id: str, notice: str = "changed") -> Mapping[str, Any]:
        """The agent's desk changes and is told."""
        self.seq[agent_id] = self.seq.get(agent_id, 0) + 1
        desk = self.desk(agent_id, notice)
        await self.bus.publish(f"desk.{agent_id}", desk)
        return desk

    def desk(self, agent_id: str, notice: str = "read") -> dict[str, Any]:
        """The desk as it is now."""
        seq = self.seq.get(agent_id, 0)
        state, interaction_id = self.work.get(agent_id, ("not_ready", None))
        return {
            "seq": seq,
            "epoch": self.epoch,
            "at": _MOMENT,
            "agent": {
                "id": agent_id,
                "name": agent_id,
                "extension": "2001",
                "state": state,
                "phone": {"kind": "browser", "registered": True},
            },
            "call": {"interaction_id": interaction_id} if interaction_id else None,
            "notices": [{"seq": seq, "kind": "info", "code": notice, "values": {}}],
        }

    def floor(self) -> dict[str, Any]:
        """The floor as it is now."""
        counts = {"offered": 1, "answered": 1, "answered_in_target": 1, "abandoned": 0, "short_abandoned": 0}
        return {
            "at": _MOMENT,
            "queues": [
                {
                    "id": "q-care",
                    "name": "Care",
                    "programme": "Aura",
                    "waiting": 2,
                    "longest_since": _MOMENT,
                    "expected_wait": 30.0,
                    "oldest": [_MOMENT],
                    "today": counts,
                    "target": {"share": 0.8, "seconds": 20.0, "abandonment": 0.03},
                    "agents": {"ready": 1},
                }
            ],
            "agents": [
                {"id": "a-anna", "name": "Anna", "state": "ready", "reason": None, "since": _MOMENT, "queue_ids": []},
                {"id": "a-bice", "name": "Bice", "state": "talking", "reason": None, "since": _MOMENT, "queue_ids": []},
            ],
            "totals": {**counts, "waiting": 2, "agents": {"ready": 1, "talking": 1}},
            "alarms": [],
        }
