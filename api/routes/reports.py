"""Figures: today, first-call resolution and recall over days, and one's own day."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from api.access import Agent, Leader
from api.ears import ears_of
from api.routes.shared import Work
from api.schemas.common import Id
from api.schemas.reports import MyDay, RecallPairs, RecallReport, TodayReport
from tickets import reports

router = APIRouter(tags=["reports"])
FromDay = Annotated[date, Query(alias="from")]
ToDay = Annotated[date, Query(alias="to")]


@router.get("/reports/today")
async def report_today(caller: Leader, work: Work, programme: Id | None = None) -> TodayReport:
    """The day so far."""
    async with work.reading() as session:
        return TodayReport.model_validate(await reports.today(session, work.now(), programme))


@router.get("/reports/recall")
async def report_recall(
    caller: Leader, work: Work, from_day: FromDay, to_day: ToDay, programme: Id | None = None
) -> RecallReport:
    """FCR and 72-hour recall of these days (both included) with components, coverage and maturity."""
    async with work.reading() as session:
        report = await reports.recall(session, work.now(), from_day, to_day, programme, caller.language)
    return RecallReport.model_validate(report)


@router.get("/reports/recall/pairs")
async def report_recall_pairs(
    caller: Leader, work: Work, from_day: FromDay, to_day: ToDay, programme: Id | None = None, topic: Id | None = None
) -> RecallPairs:
    """The calls behind the recall figure, for a leader to look into."""
    async with work.reading() as session:
        ears = await ears_of(session, caller)
        pairs = await reports.recall_pairs(session, from_day, to_day, programme, topic, ears)
        return RecallPairs.model_validate({"items": pairs})


@router.get("/me/day")
async def my_day(caller: Agent, work: Work) -> MyDay:
    """One's own calls today."""
    async with work.reading() as session:
        return MyDay.model_validate(await reports.my_day(session, work.now(), caller.agent_id or ""))
