"""Figures by the definitions of docs: components, coverage, maturity and policy version beside every share."""

from datetime import date
from typing import Literal

from pydantic import Field

from api.schemas.common import Instant, Told
from api.schemas.floor import TodayFigures

Maturity = Literal["provisional", "final"]


class RecallFigure(Told):
    """72 h recall. `base`: calls answered by a person, with identity; `coverage`: base ÷ all answered by a person.

    Net recall leaves out customers who returned our own missed call; `redialled`: redials after an abandoned call.
    """

    base: int
    recalled: int
    recalled_same_topic: int
    recalled_net: int
    share: float | None
    share_same_topic: float | None
    share_net: float | None
    coverage: float | None
    calls: int
    answered: int
    excluded: int
    abandoned: int
    redialled: int


class FcrFigure(Told):
    """First-call resolution and what took tickets out of it. Gross over all, net over front-line topics."""

    base: int
    resolved: int
    gross: float | None
    base_net: int
    resolved_net: int
    net: float | None
    not_resolved_in_call: int
    back_office: int
    reopened: int
    same_reason_contact: int
    survey_no: int
    coverage: float | None


class DayRow(Told):
    """One day of the programme. `late`: facts that came after the day was final and are not counted in it."""

    day: date
    maturity: Maturity
    recall: RecallFigure
    fcr: FcrFigure
    late: int


class GroupRow(Told):
    """One topic, agent or cause."""

    id: str | None
    name: str | None
    maturity: Maturity
    recall: RecallFigure
    fcr: FcrFigure


class CauseRow(Told):
    """How many recalls had this cause."""

    id: str | None
    recalls: int


class PromiseFigure(Told):
    """Promises that fell due: kept, broken, and broken ones that a recall followed."""

    due: int
    kept: int
    broken: int
    broken_then_recall: int
    share_kept: float | None = None


class RecallReport(Told):
    """FCR and recall over days, both included, in the programme's time zone. `gaps`: recalls by six-hour steps."""

    from_day: date = Field(serialization_alias="from")
    to_day: date = Field(serialization_alias="to")
    policy_version: str
    window_hours: int
    maturity: Maturity
    recall: RecallFigure
    fcr: FcrFigure
    days: list[DayRow] = []
    topics: list[GroupRow] = []
    agents: list[GroupRow] = []
    causes: list[CauseRow] = []
    promises: PromiseFigure
    gaps: list[int] = []


class RecallPair(Told):
    """A first call and the call that followed it; `gap` in seconds. Audible: a recording that the reader may hear."""

    customer_id: str | None
    first_interaction_id: str
    then_interaction_id: str
    at: Instant
    gap: float
    first_agent: str | None
    then_agent: str | None
    first_audible: bool = False
    then_audible: bool = False
    topic_id: str | None
    cause: str | None


class RecallPairs(Told):
    """First calls with their recalls, latest first."""

    items: list[RecallPair]


class TodayReport(Told):
    """The day so far, over all queues."""

    at: Instant
    day: date
    policy_version: str
    window_hours: int
    figures: TodayFigures
    recall: RecallFigure
    fcr: FcrFigure
    maturity: Maturity


class MyDay(Told):
    """An agent's own day. FCR and recalls stay provisional until their window closes."""

    day: date
    calls: int
    mean_talk: float | None = None
    mean_wrap_up: float | None = None
    fcr: float | None = None
    recalls: int
    maturity: Maturity = "provisional"
