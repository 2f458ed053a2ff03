"""Figures as JSON: the counts beside every share, so that a reader can see what it is made of."""

from datetime import date
from typing import TypedDict

from tickets.counting import share
from tickets.fcr import Resolutions
from tickets.maturity import Maturity
from tickets.promise_figures import PromiseCounts
from tickets.recalls import Recalls
from tickets.service_level import ServiceLevel


class RecallFigureView(TypedDict):
    """Recall and its components; `base` is the denominator."""

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


class FcrFigureView(TypedDict):
    """FCR and its components; `base` counts the tickets that calls opened."""

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


class DayRowView(TypedDict):
    """One day. `late`: facts that came after the day was final and are not counted in it."""

    day: date
    maturity: Maturity
    recall: RecallFigureView
    fcr: FcrFigureView
    late: int


class GroupRowView(TypedDict):
    """One topic or agent."""

    id: str | None
    name: str | None
    maturity: Maturity
    recall: RecallFigureView
    fcr: FcrFigureView


class CauseRowView(TypedDict):
    """A recall cause; null where the agent gave none."""

    id: str | None
    recalls: int


class PromiseFigureView(TypedDict):
    """Promises that fell due."""

    due: int
    kept: int
    broken: int
    broken_then_recall: int
    share_kept: float | None


class RecallReportView(TypedDict):
    """FCR and recall over days. `gaps`: recalls by six-hour steps after the first call."""

    from_day: date
    to_day: date
    policy_version: str
    window_hours: int
    maturity: Maturity
    recall: RecallFigureView
    fcr: FcrFigureView
    days: list[DayRowView]
    topics: list[GroupRowView]
    agents: list[GroupRowView]
    causes: list[CauseRowView]
    promises: PromiseFigureView
    gaps: list[int]


class PairView(TypedDict):
    """A first call and its recall; `gap` in seconds."""

    customer_id: str | None
    first_interaction_id: str
    then_interaction_id: str
    at: str
    gap: float
    first_agent: str | None
    then_agent: str | None
    first_audible: bool
    then_audible: bool
    topic_id: str | None
    cause: str | None


class TodayFiguresView(TypedDict):
    """The day's service so far."""

    offered: int
    answered: int
    answered_in_target: int
    abandoned: int
    short_abandoned: int
    service_level: float | None
    service_level_strict: float | None
    abandonment: float | None
    asa: float | None
    aht: float | None


class TodayReportView(TypedDict):
    """The day so far."""

    at: str
    day: date
    policy_version: str
    window_hours: int
    figures: TodayFiguresView
    recall: RecallFigureView
    fcr: FcrFigureView
    maturity: Maturity


class MyDayView(TypedDict):
    """An agent's own day; durations in seconds."""

    day: date
    calls: int
    mean_talk: float | None
    mean_wrap_up: float | None
    fcr: float | None
    recalls: int
    maturity: Maturity


def recall_view(counts: Recalls) -> RecallFigureView:
    """Recall with shares."""
    return {
        "base": counts.identified,
        "recalled": counts.recalled,
        "recalled_same_topic": counts.recalled_same,
        "recalled_net": counts.recalled_net,
        "share": counts.rate,
        "share_same_topic": share(counts.recalled_same, counts.identified),
        "share_net": share(counts.recalled_net, counts.identified),
        "coverage": counts.coverage,
        "calls": counts.calls,
        "answered": counts.answered,
        "excluded": counts.excluded,
        "abandoned": counts.abandoned,
        "redialled": counts.redialled,
    }


def fcr_view(counts: Resolutions) -> FcrFigureView:
    """FCR with shares."""
    return {
        "base": counts.opened,
        "resolved": counts.fcr,
        "gross": counts.gross,
        "base_net": counts.opened_front,
        "resolved_net": counts.fcr_front,
        "net": counts.net,
        "not_resolved_in_call": counts.opened - counts.resolved_in_call,
        "back_office": counts.back_office,
        "reopened": counts.reopened,
        "same_reason_contact": counts.contact_again,
        "survey_no": counts.survey_no,
        "coverage": share(counts.opened_identified, counts.opened),
    }


def promise_figure_view(counts: PromiseCounts) -> PromiseFigureView:
    """Promises with their share."""
    return {
        "due": counts.due,
        "kept": counts.kept,
        "broken": counts.broken,
        "broken_then_recall": counts.broken_then_recall,
        "share_kept": share(counts.kept, counts.due),
    }


def today_view(counts: ServiceLevel) -> TodayFiguresView:
    """Service with shares, by the definitions of docs."""
    late = counts.answered + counts.abandoned_after_target
    everyone = counts.answered + counts.abandoned + counts.short_abandoned
    return {
        "offered": counts.offered,
        "answered": counts.answered,
        "answered_in_target": counts.answered_in_target,
        "abandoned": counts.abandoned,
        "short_abandoned": counts.short_abandoned,
        "service_level": share(counts.answered_in_target, late),
        "service_level_strict": share(counts.answered_in_target, everyone),
        "abandonment": share(counts.abandoned, counts.offered - counts.short_abandoned),
        "asa": counts.waited_ms / 1000 / counts.answered if counts.answered else None,
        "aht": counts.handling_ms / 1000 / counts.handled if counts.handled else None,
    }
