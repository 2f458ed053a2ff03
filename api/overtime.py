"""A session that has come due in mid-call lasts until that call's wrap-up is over, and not into the next call."""

from collections.abc import Mapping
from typing import Any

from core.bus import Bus
from core.errors import OneCallError
from core.log import get_logger

_WITHIN = 2.0
"""How long (seconds) routing may take to say what an agent does."""
_log = get_logger(__name__)


def at_work(desk: Mapping[str, Any]) -> bool:
    """Whether this desk shows a call that somebody is in, or its wrap-up."""
    return desk["agent"]["state"] in ("talking", "wrap_up")


class Overtime:
    """Asks routing, and remembers for which call each session was given time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._calls: dict[str, str] = {}

    async def given(self, session_id: str, agent_id: str | None) -> bool:
        """Whether this session, which has come due, goes on for now.

        A call that rings when the session comes due counts as begun; a later one rings in vain. While routing does not
        answer, its last word holds: who was in a call then may be in it still.
        """
        if agent_id is None:
            return False
        try:
            desk = await self._bus.request("acd", {"cmd": "desk.get", "agent_id": agent_id}, _WITHIN)
        except OneCallError as error:
            _log.warning("whether a due session is in a call could not be asked", agent_id=agent_id, error=str(error))
            return session_id in self._calls
        call = str((desk.get("call") or {}).get("interaction_id", ""))
        begun = desk["agent"]["state"] == "ringing" and self._calls.get(session_id, call) == call
        if at_work(desk) or begun:
            self._calls[session_id] = call
            return True
        self._calls.pop(session_id, None)
        return False
