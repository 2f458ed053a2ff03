"""The configuration as administrators see and change it. A PATCH changes the fields it has."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints

from acd.profiles import AgentRouting, ProgrammeRouting, RoutingRules
from api.schemas.common import Given, Instant, Label, Language, Role, Told

NewId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,38}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Password = Annotated[SecretStr, Field(min_length=10, max_length=1024)]


class UserTold(Told):
    """A user; the password is never told."""

    id: str
    login: str
    name: str
    roles: list[Role]
    agent_id: str | None = None
    team_id: str | None = None
    language: Language
    disabled: bool
    last_sign_in: Instant | None = None


class UserList(Told):
    """All users by login."""

    items: list[UserTold]


class UserGiven(Given):
    """A new user. `agent_id` links the seat at the phone; `team_id` is the team that a team leader leads.

    A team leader without `team_id` leads the team of the own seat; without either, no recording may be heard.
    """

    login: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@+-]{2,80}$", to_lower=True)]
    name: Label
    password: Password
    roles: Annotated[list[Role], Field(min_length=1)]
    agent_id: str | None = None
    team_id: str | None = None
    language: Language = "it"


class UserChange(Given):
    """What changes of a user. A new password or `disabled` ends the user's sessions."""

    name: Label | None = None
    password: Password | None = None
    roles: Annotated[list[Role], Field(min_length=1)] | None = None
    agent_id: str | None = None
    team_id: str | None = None
    language: Language | None = None
    disabled: bool | None = None


class SkillLevel(Told):
    """A skill and how well it is mastered, 1 to 10."""

    skill_id: str
    level: Annotated[int, Field(ge=1, le=10)]


class AgentTold(Told):
    """An agent's profile; the phone's secret is told only to a desk phone's administrator at its making."""

    id: str
    name: str
    team_id: str | None = None
    extension: str
    phone_kind: Literal["browser", "sip"]
    disabled: bool
    skills: list[SkillLevel] = []
    queue_ids: list[str] = []
    routing: AgentRouting = AgentRouting()


class NamedRow(Told):
    """A skill or team."""

    id: str
    name: str


class AgentList(Told):
    """All agents by name, with the skills and teams there are."""

    items: list[AgentTold]
    skills: list[NamedRow] = []
    teams: list[NamedRow] = []


class SkillGiven(Given):
    """A new skill; the id is the word used in routing plans."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,38}$")]
    name: Label


class AgentGiven(Given):
    """A new agent. The phone's secret is made by the server."""

    id: NewId
    name: Label
    team_id: str | None = None
    extension: Extension
    phone_kind: Literal["browser", "sip"] = "browser"
    skills: list[SkillLevel] = []
    queue_ids: list[str] = []
    routing: AgentRouting = AgentRouting()


class AgentChange(Given):
    """What changes of an agent; `skills`, `queue_ids`, `routing` are replaced whole; `new_secret` makes a new one."""

    name: Label | None = None
    team_id: str | None = None
    extension: Extension | None = None
    phone_kind: Literal["browser", "sip"] | None = None
    disabled: bool | None = None
    skills: list[SkillLevel] | None = None
    queue_ids: list[str] | None = None
    routing: AgentRouting | None = None
    new_secret: bool = False


class PhoneSecret(Told):
    """What a desk phone is set up with."""

    extension: str
    secret: str


class QueueTold(Told):
    """A queue with its targets and routing plan."""

    id: str
    programme_id: str
    name: str
    target_share: float
    target_seconds: float
    target_abandonment: float
    short_abandon_seconds: float
    plan: dict[str, Any]


class QueueList(Told):
    """All queues by name."""

    items: list[QueueTold]


class QueueGiven(Given):
    """A new queue. Durations in seconds, shares from 0 to 1."""

    id: NewId
    programme_id: str
    name: Label
    target_share: Share = 0.8
    target_seconds: Seconds = 20.0
    target_abandonment: Share = 0.03
    short_abandon_seconds: Seconds = 5.0
    plan: dict[str, Any] = {}


class QueueChange(Given):
    """What changes of a queue; callers who wait keep their place."""

    name: Label | None = None
    target_share: Share | None = None
    target_seconds: Seconds | None = None
    target_abandonment: Share | None = None
    short_abandon_seconds: Seconds | None = None
    plan: dict[str, Any] | None = None


class ProgrammeTold(Told):
    """One client company's service."""

    id: str
    name: str
    region: str
    time_zone: str
    language: Language
    recall_hours: int
    routing: ProgrammeRouting = ProgrammeRouting()


class ProgrammeList(Told):
    """All programmes by name."""

    items: list[ProgrammeTold]


class ProgrammeGiven(Given):
    """A new programme."""

    id: NewId
    name: Label
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = "IT"
    time_zone: Zone = "Europe/Rome"
    language: Language = "it"
    recall_hours: Annotated[int, Field(ge=1, le=720)] = 72
    routing: ProgrammeRouting = ProgrammeRouting()


class ProgrammeChange(Given):
    """What changes of a programme."""

    name: Label | None = None
    region: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None
    time_zone: Zone | None = None
    language: Language | None = None
    recall_hours: Annotated[int, Field(ge=1, le=720)] | None = None
    routing: ProgrammeRouting | None = None


class RulesTold(Told, RoutingRules):
    """The rules of the operation's routing."""


class RulesGiven(Given, RoutingRules):
    """New rules; what is left out has its default again."""


Did = Annotated[str, StringConstraints(pattern=r"^(\*|\+?[0-9]{2,20})$")]


class NumberTold(Told):
    """A dialled number and the flow that answers it; `*` is any number not listed."""

    did: str
    programme_id: str
    flow_id: str


class NumberList(Told):
    """All dialled numbers."""

    items: list[NumberTold]


class NumberGiven(Given):
    """A new dialled number, as the trunk sends it."""

    did: Did
    programme_id: str
    flow_id: str


class NumberChange(Given):
    """What changes of a dialled number."""

    programme_id: str | None = None
    flow_id: str | None = None


Yaml = Annotated[str, StringConstraints(max_length=200_000)]


class FlowTold(Told):
    """A call flow: its text is YAML of the schema that docs describe. `version` grows by one with each change."""

    id: str
    name: str
    yaml: str
    version: int


class FlowList(Told):
    """All flows."""

    items: list[FlowTold]


class FlowGiven(Given):
    """A new flow; a faulty one is refused with errors that name the step and the remedy."""

    id: NewId
    name: Label
    yaml: Yaml


class FlowChange(Given):
    """A changed flow; it is live for the next call. `version` is the one last seen."""

    version: int
    name: Label | None = None
    yaml: Yaml | None = None


class FlowCheck(Given):
    """A flow's text to be checked only."""

    yaml: Yaml


class FlowVerdict(Told):
    """Whether the flow would be accepted, and what is wrong with it, one sentence each."""

    valid: bool
    problems: list[str] = []
