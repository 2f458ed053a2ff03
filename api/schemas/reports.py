"""Figures by the definitions of docs: components, coverage, maturity and policy version beside every share."""

from datetime import date
from typing import Literal

from pydantic import Field

from api.schemas.common import Instant, Told
from api.schemas.floor import TodayFigures

Maturity = Literal["provisional", "final"]


class RecallFigure(Told):
    """72 h recall. `base`: calls answered by a person, with identity; `coverage`: base ÷ all answered by a person."""

    base: int
    recalled: int
    recalled_same_topic: int
    share: float | None = None
    share_same_topic: float | None = None
    coverage: float | None = None


class FcrFigure(Told):
    """First-call resolution and what took tickets out of it. Gross over all, net over front-line topics."""

    base: int
    resolved: int
    gross: float | None = None
    base_net: int
    resolved_net: int
    net: float | None = None
    not_resolved_in_call: int = 0
    back_office: int = 0
    reopened: int = 0
    same_reason_contact: int = 0
    survey_no: int = 0


class DayRow(Told):
    """One day of the programme."""

    day: date
    maturity: Maturity
    recall: RecallFigure
    fcr: FcrFigure


class GroupRow(Told):
    """One topic, agent or cause."""

    id: str | None
    name: str | None
    maturity: Maturity
    recall: RecallFigure
    fcr: FcrFigure | None = None


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
    """FCR and recall over days, both included, in the programme's time zone."""

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
    promises: PromiseFigure | None = None


class TodayReport(Told):
    """The day so far, over all queues."""

    at: Instant
    day: date
    figures: TodayFigures
    recall: RecallFigure | None = None
    fcr: FcrFigure | None = None


class MyDay(Told):
    """An agent's own day. FCR and recalls stay provisional until their window closes."""

    day: date
    calls: int
    mean_talk: float | None = None
    mean_wrap_up: float | None = None
    fcr: float | None = None
    recalls: int
    maturity: Maturity = "provisional"
