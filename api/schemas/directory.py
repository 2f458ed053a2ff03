"""Lists that screens choose from: topics, causes, not-ready reasons, transfer targets."""

from typing import Literal

from api.schemas.common import Bilingual, Told


class Topic(Told):
    """A node of the topic tree; only leaves are chosen. `front_line` says that agents may resolve it themselves."""

    id: str
    parent_id: str | None = None
    programme_id: str | None = None
    name: Bilingual
    front_line: bool = True


class TopicList(Told):
    """The whole tree, parents before children."""

    items: list[Topic]


class ProgrammeName(Told):
    """A client company's service as every screen needs it: instants are shown in its zone (IANA name)."""

    id: str
    name: str
    time_zone: str
    recall_hours: int


class ProgrammeNames(Told):
    """All programmes by name."""

    items: list[ProgrammeName]


class Cause(Told):
    """Why a customer had to call again."""

    id: str
    name: Bilingual


class CauseList(Told):
    """All recall causes in the order to show."""

    items: list[Cause]


class Reason(Told):
    """Why an agent is not ready; `system` ones (as `rona`) cannot be chosen."""

    id: str
    name: Bilingual
    system: bool = False


class ReasonList(Told):
    """All not-ready reasons in the order to show."""

    items: list[Reason]


class DirectoryEntry(Told):
    """Somebody or something that a call can go to. `state` is the agent's; `waiting` the queue's."""

    kind: Literal["agent", "queue"]
    id: str
    name: str
    extension: str | None = None
    state: str | None = None
    reason: str | None = None
    team: str | None = None
    programme: str | None = None
    waiting: int | None = None


class Directory(Told):
    """Transfer targets; `live` is false when states are not known just now."""

    items: list[DirectoryEntry]
    live: bool
