"""Commands that a browser may give on a socket: who may, and what each must carry. The agent is always the caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from api.access import Gate
from api.errors import from_validation
from api.schemas.common import Given, Id, Line
from api.sessions import Caller
from core.errors import Forbidden, Invalid


class NoArguments(Given):
    """The command's name says it all."""


class NotReady(Given):
    """Why."""

    reason: Id


class Extend(Given):
    """How much longer, in seconds."""

    seconds: Annotated[float, Field(gt=0, le=600)]


class WrapUpEnd(Given):
    """What follows; `reason` belongs to `not_ready`."""

    then: Literal["ready", "not_ready"]
    reason: Id | None = None


class Digits(Given):
    """Keys to play to the other side."""

    digits: Annotated[str, StringConstraints(pattern=r"^[0-9A-D*#]{1,32}$")]


class To(Given):
    """An agent id, a queue id, or a number in E.164."""

    kind: Literal["agent", "queue", "number"]
    id: Line


class Target(Given):
    """Where to."""

    to: To


class QueueMove(Given):
    """Which caller, to which queue, or to the front of its own, or with which priority (points) from now on."""

    interaction_id: Id
    queue_id: Id | None = None
    front: bool = False
    priority: Annotated[int, Field(ge=-20, le=20)] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One command: its gate, its arguments, and whether it concerns the caller's own desk."""

    gate: Gate
    arguments: type[Given] = NoArguments
    own_desk: bool = True


_AGENT = Gate(frozenset({"agent"}))
_SUPERVISOR = Gate(frozenset({"team_leader", "supervisor"}))

COMMANDS: Mapping[str, Rule] = {
    "agent.sign_in": Rule(_AGENT),
    "agent.sign_out": Rule(_AGENT),
    "agent.ready": Rule(_AGENT),
    "agent.not_ready": Rule(_AGENT, NotReady),
    "wrap_up.extend": Rule(_AGENT, Extend),
    "wrap_up.end": Rule(_AGENT, WrapUpEnd),
    "call.answer": Rule(_AGENT),
    "call.refuse": Rule(_AGENT),
    "call.hang_up": Rule(_AGENT),
    "call.hold": Rule(_AGENT),
    "call.resume": Rule(_AGENT),
    "call.dtmf": Rule(_AGENT, Digits),
    "call.transfer": Rule(_AGENT, Target),
    "call.consult": Rule(_AGENT, Target),
    "call.consult_complete": Rule(_AGENT),
    "call.consult_cancel": Rule(_AGENT),
    "call.conference": Rule(_AGENT),
    "call.mute": Rule(_AGENT),
    "call.unmute": Rule(_AGENT),
    "call.record_pause": Rule(_AGENT),
    "call.record_resume": Rule(_AGENT),
    "queue.move": Rule(_SUPERVISOR, QueueMove, own_desk=False),
}


def message_for(caller: Caller, command_id: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The request to service `acd`. Raises Invalid (unknown command, wrong arguments) or Forbidden (role, no desk)."""
    rule = COMMANDS.get(name)
    if rule is None:
        raise Invalid(f"There is no command {name!r}.", "The commands are listed in docs/contracts.md.")
    rule.gate.check(caller)
    try:
        arguments = rule.arguments.model_validate(given)
    except ValidationError as error:
        raise from_validation(error.errors()) from None
    message: dict[str, Any] = {"cmd": name, "command_id": command_id, **arguments.model_dump(exclude_none=True)}
    if not rule.own_desk:
        return {**message, "by": caller.user_id}
    if caller.agent_id is None:
        raise Forbidden("This user has no seat at the phone.", "An administrator links the user to an agent.")
    return {**message, "agent_id": caller.agent_id}
