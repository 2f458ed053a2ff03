"""The Desk: the server's whole truth for one agent, and the messages of the desk socket."""

from typing import Any, Literal

from pydantic import Field

from api.schemas.common import ErrorBody, Given, Instant, Named, Told
from api.schemas.pop import Pop

AgentState = Literal["signed_out", "not_ready", "ready", "ringing", "talking", "wrap_up"]
Phase = Literal["ringing", "talking", "hold", "consulting", "conference", "ended"]


class DeskPhone(Told):
    """The agent's phone: in the browser or on the desk, and whether Asterisk can reach it."""

    kind: Literal["browser", "sip"]
    registered: bool


class DeskAgent(Told):
    """The agent's state and where it leads (`next_state`, `next_reason`: what follows the present work)."""

    id: str
    name: str
    extension: str
    state: AgentState
    reason: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    next_state: AgentState | None = None
    next_reason: str | None = None
    phone: DeskPhone
    queues: list[Named] = []


class Recording(Told):
    """Whether this call is being recorded; `problem` says why not."""

    on: bool
    paused: bool
    problem: str | None = None


class Consult(Told):
    """The expert asked in a consultation."""

    kind: Literal["agent", "queue", "number"] = "agent"
    to: str
    name: str | None = None
    state: Literal["ringing", "talking"]


class DeskCall(Told):
    """The agent's call; it stays through wrap-up. `role` is `expert` for one who is asked by a colleague."""

    interaction_id: str
    fence: int
    direction: Literal["inbound", "outbound"]
    role: str = "agent"
    phase: Phase
    number: str | None = None
    programme: Named | None = None
    queue: Named | None = None
    language: str
    path: str | None = None
    arrived: Instant
    queued: Instant | None = None
    offered: Instant | None = None
    deadline: Instant | None = None
    answered: Instant | None = None
    held_since: Instant | None = None
    hold_total: float = 0
    muted: bool = False
    ended: Instant | None = None
    ended_by: Literal["caller", "agent", "system"] | None = None
    passed_on: bool = False
    recording: Recording | None = None
    consult: Consult | None = None
    customer_ids: list[str] = []
    ticket_id: str | None = None
    recall: bool = False
    wrap_up_extensions_left: int = 0
    pop: Pop | None = None


class Waiting(Told):
    """Who waits in the agent's queues."""

    count: int
    longest_since: Instant | None = None


class Notice(Told):
    """Something the agent should read once; `code` is translated by the screen."""

    seq: int
    kind: Literal["info", "warning", "error"]
    code: str
    values: dict[str, Any] = {}


class Desk(Told):
    """Replaces the Desk before it. `epoch` changes when the routing process restarts, `seq` rises within an epoch."""

    seq: int
    epoch: str
    at: Instant
    agent: DeskAgent
    call: DeskCall | None = None
    waiting: Waiting | None = None
    notices: list[Notice] = []


class DeskMessage(Told):
    """Server → browser: the Desk as it is now."""

    type: Literal["desk"]
    desk: Desk


class UnavailableMessage(Told):
    """Server → browser: routing does not answer just now; the Desk shown may be old. A `desk` message ends this."""

    type: Literal["unavailable"]
    error: ErrorBody


class ReplyMessage(Told):
    """Server → browser: what became of the command with that id."""

    type: Literal["reply"]
    id: str
    error: ErrorBody | None = None


class PingMessage(Told):
    """Server → browser every 10 s, so that the page notices a dead connection; the page may answer `pong`."""

    type: Literal["ping"]
    at: Instant


class SignedOutMessage(Told):
    """Server → browser: the session has ended; sign in again. The socket closes."""

    type: Literal["signed_out"]


class ReplacedMessage(Told):
    """Server → browser: the same agent opened another window, which has taken over. The socket closes."""

    type: Literal["replaced"]


class RefusedMessage(Told):
    """Server → browser: that message could not be understood or is not allowed."""

    type: Literal["refused"]
    error: ErrorBody


class Hello(Given):
    """Browser → server, first: the last Desk it has seen, if any."""

    type: Literal["hello"]
    epoch: str | None = Field(default=None, max_length=64)
    seq: int | None = None


class Painted(Given):
    """Browser → server: the Desk with this `seq` is on the screen."""

    type: Literal["painted"]
    seq: int


class Pong(Given):
    """Browser → server: answer to `ping`."""

    type: Literal["pong"]


class Command(Given):
    """Browser → server: do this. `id` is unique for the agent (use a random one): the same id is carried out once."""

    type: Literal["cmd"]
    id: str = Field(min_length=1, max_length=64)
    cmd: str = Field(min_length=1, max_length=64)
    args: dict[str, Any] = {}


class FromDeskSocket(Told):
    """All that the desk socket says to the browser."""

    message: (
        DeskMessage
        | UnavailableMessage
        | ReplyMessage
        | PingMessage
        | SignedOutMessage
        | ReplacedMessage
        | RefusedMessage
    ) = Field(discriminator="type")


class ToDeskSocket(Told):
    """All that the browser may say on the desk socket."""

    message: Hello | Painted | Pong | Command = Field(discriminator="type")
