"""The life of a leg: originated, ringing, in its room, ended. What that means for the call is its owner's matter."""

from collections.abc import Mapping
from typing import Protocol

from acd.ports import Refusal
from core.log import get_logger
from cti.calls import Call, Calls, Leg, Line, Role
from cti.manager import Fields
from cti.protocol import Event

_log = get_logger(__name__)
_GUARD = 5.0
_NO_CHANNEL = 0.2
_ESCAPES = str.maketrans({letter: f"\\{letter}" for letter in '\\",'})
_LOST_CAUSES = {"44", "38", "41", "27", "18"}
_REFUSALS: dict[str, Refusal] = {
    "17": "busy",
    "21": "rejected",
    "19": "no_answer",
    "16": "rejected",
    "18": "unreachable",
    "20": "unreachable",
    "1": "unreachable",
    "3": "unreachable",
    "27": "unreachable",
    "28": "unreachable",
}
"""Why a phone did not take a call, by the cause of its channel's end (Q.850)."""


class Owner(Protocol):
    """Who is told what became of a leg of one role. A cancelled leg is not spoken of."""

    def joined(self, call: Call, leg: Leg) -> None:
        """It is in its room."""

    def refused(self, call: Call, leg: Leg, reason: Refusal) -> None:
        """It will not be."""

    def ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """It has left its room for good; `lost`: neither the party nor we wanted that."""


class Legs:
    """All legs, from the first action to the last event."""

    def __init__(self, line: Line, calls: Calls) -> None:
        self._line = line
        self._calls = calls
        self.owners: dict[Role, Owner] = {}

    def originate(
        self,
        leg: Leg,
        timeout: float,
        caller_id: str,
        headers: Mapping[str, str],
        *,
        context: str = "oc-leg",
        variables: Mapping[str, str] | None = None,
    ) -> tuple[str, Fields]:
        """Enter the leg and return the action that makes it ring, for up to `timeout` seconds.

        When it answers, it runs `context` with its room as extension.
        """
        self._calls.legs[leg.channel] = leg
        # Asterisk ends an unanswered leg itself; this is for a leg of which it tells nothing at all.
        leg.guard = self._line.after(timeout + _GUARD, lambda: self._silent(leg))
        own = {
            "OC_LEG": leg.role,
            "OC_REF": leg.interaction_id,
            "OC_FENCE": "" if leg.fence is None else str(leg.fence),
            "OC_AGENT_ID": leg.agent_id or "",
            "OC_EXTENSION": leg.extension,
            "OC_TARGET": f"{leg.target.kind}:{leg.target.id}" if leg.target else "",
        }
        added = {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}
        told = {**own, **added, **(variables or {})}
        return "Originate", {
            "Channel": leg.dial,
            "Context": context,
            "Exten": leg.room,
            "Priority": "1",
            "Async": "true",
            "ChannelId": leg.channel,
            "Timeout": str(int(timeout * 1000)),
            "CallerID": caller_id,
            "Variable": [f"{name}={_escaped(value)}" for name, value in told.items() if value],
        }

    def not_originated(self, leg: Leg, why: str) -> None:
        """Asterisk refused the action itself."""
        _log.warning("leg cannot be originated", interaction_id=leg.interaction_id, dial=leg.dial, why=why)
        self._over(leg, "failed")

    def cancel(self, leg: Leg) -> None:
        """End it, wherever it is; nobody is told of its end."""
        leg.cancelled = True
        self.hang_up(leg)

    def hang_up(self, leg: Leg) -> None:
        """End it; its owner is told, unless it is cancelled."""
        self._line.send(("Hangup", {"Channel": leg.channel}))

    # ---- what Asterisk tells ----

    def dialled(self, event: Event) -> None:
        """DialBegin: the channel exists. One cancelled before that did not exist when it was hung up."""
        leg = self._calls.legs.get(event.get("DestUniqueid", ""))
        if leg is not None:
            leg.seen, leg.name = True, event.get("DestChannel", "")
            if leg.cancelled:
                self.hang_up(leg)

    def progressed(self, event: Event) -> None:
        """DialState: the phone has said something."""
        leg = self._calls.legs.get(event.get("DestUniqueid", ""))
        if leg is not None:
            leg.rang = True

    def joined(self, leg: Leg) -> None:
        """It is in a room."""
        call = self._calls.get(leg.interaction_id)
        leg.seen = leg.up = True
        self.unguard(leg)
        if leg.cancelled or call is None:
            self.cancel(leg)
            return
        self.owners[leg.role].joined(call, leg)

    def originated(self, event: Event) -> None:
        """OriginateResponse: all that is told of a phone without a contact; says Failure for answered ones too."""
        leg = self._calls.legs.get(event.get("Uniqueid", ""))
        if leg is None or leg.up or event.get("Response") != "Failure" or leg.seen:
            return
        self.unguard(leg)
        leg.guard = self._line.after(_NO_CHANNEL, lambda: self._never_seen(leg))

    def hung_up(self, leg: Leg, cause: str) -> None:
        """Its channel has ended."""
        if leg.up:
            lost = not leg.hung_up and cause in _LOST_CAUSES
            self._forget(leg)
            call = self._calls.get(leg.interaction_id)
            if call is not None and not leg.cancelled:
                self.owners[leg.role].ended(call, leg, lost=lost)
            return
        # A goodbye between the answer and the room carries no cause of its own.
        reason = _REFUSALS.get(cause, "rejected" if leg.hung_up else "failed")
        if reason == "no_answer" and not leg.rang:
            reason = "unreachable"
        self._over(leg, reason)

    def _never_seen(self, leg: Leg) -> None:
        if not leg.seen:
            self._over(leg, "unreachable")

    def _silent(self, leg: Leg) -> None:
        self.hang_up(leg)
        self._over(leg, "failed")

    def _over(self, leg: Leg, reason: Refusal) -> None:
        if self._calls.legs.get(leg.channel) is not leg:
            return
        self._forget(leg)
        call = self._calls.get(leg.interaction_id)
        if call is not None and not leg.cancelled:
            self.owners[leg.role].refused(call, leg, reason)

    def _forget(self, leg: Leg) -> None:
        self.unguard(leg)
        self._calls.legs.pop(leg.channel, None)

    def unguard(self, leg: Leg) -> None:
        """Wait no longer for news of it."""
        if leg.guard is not None:
            leg.guard.cancel()
            leg.guard = None


def _escaped(value: str) -> str:
    """Asterisk splits a line of variables at commas and takes quotation marks away."""
    return value.translate(_ESCAPES)
