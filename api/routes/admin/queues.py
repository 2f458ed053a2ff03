"""Programmes and queues, with targets, routing plans and the rules of routing."""

from asyncio import to_thread
from dataclasses import replace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.configuration import known_names
from acd.model import Programme, Queue, Rules
from acd.plans import queue_from_dict
from acd.profiles import RULES, ProgrammeRouting, RoutingRules, stored
from api.access import Administrator
from api.changing import changing
from api.deps import ApiDeps
from api.routes.admin.shared import existing, refuse_duplicate, require_known
from api.routes.shared import Deps
from api.schemas.admin import (
    ProgrammeChange,
    ProgrammeGiven,
    ProgrammeList,
    ProgrammeTold,
    QueueChange,
    QueueGiven,
    QueueList,
    QueueTold,
    RulesGiven,
    RulesTold,
)
from api.schemas.common import Id
from core.errors import Invalid
from ivr.prompts import prompt_names

router = APIRouter(prefix="/admin", tags=["admin"])
_KEPT_ELSEWHERE = {
    "queue_id": "the queue's id",
    "name": "the queue's name",
    "programme_id": "the queue's programme",
    "service_level_seconds": "the queue's target_seconds",
}
"""What a queue has beside its plan, by the name that the plan of a file has for it."""


@router.get("/programmes")
async def list_programmes(caller: Administrator, deps: Deps) -> ProgrammeList:
    """All programmes by name."""
    async with deps.database.reading() as session:
        rows = await session.scalars(select(Programme).order_by(Programme.name))
        return ProgrammeList(items=[_programme(row) for row in rows])


@router.post("/programmes", status_code=201)
async def create_programme(given: ProgrammeGiven, caller: Administrator, deps: Deps) -> ProgrammeTold:
    """A new programme."""
    _check_zone(given.time_zone)
    async with changing(deps, "programmes", given.id) as session:
        await refuse_duplicate(session, Programme, given.id, "programme")
        await _check_overflow(session, given.routing)
        row = Programme(**given.model_dump())
        session.add(row)
    return _programme(row)


@router.patch("/programmes/{programme_id}")
async def change_programme(
    programme_id: Annotated[Id, Path()], given: ProgrammeChange, caller: Administrator, deps: Deps
) -> ProgrammeTold:
    """Change a programme."""
    _check_zone(given.time_zone)
    async with changing(deps, "programmes", programme_id) as session:
        row = await existing(session, Programme, programme_id, "programme")
        changes = given.model_dump(exclude_unset=True)
        if given.routing is not None:
            await _check_overflow(session, given.routing)
            changes["routing"] = given.routing.model_dump(mode="json")
        _assign(row, changes)
    return _programme(row)


@router.get("/queues")
async def list_queues(caller: Administrator, deps: Deps) -> QueueList:
    """All queues by name."""
    async with deps.database.reading() as session:
        rows = await session.scalars(select(Queue).order_by(Queue.name))
        return QueueList(items=[QueueTold.model_validate(row) for row in rows])


@router.post("/queues", status_code=201)
async def create_queue(given: QueueGiven, caller: Administrator, deps: Deps) -> QueueTold:
    """A new queue. Its plan is checked; an error names the place in it."""
    async with changing(deps, "queues", given.id) as session:
        await refuse_duplicate(session, Queue, given.id, "queue")
        await require_known(session, Programme.id, [given.programme_id], "programme_id")
        await _check_plan(session, deps, given.id, given.plan)
        row = Queue(**given.model_dump())
        session.add(row)
    return QueueTold.model_validate(row)


@router.patch("/queues/{queue_id}")
async def change_queue(
    queue_id: Annotated[Id, Path()], given: QueueChange, caller: Administrator, deps: Deps
) -> QueueTold:
    """Change a queue, live; callers who wait keep their place."""
    async with changing(deps, "queues", queue_id) as session:
        row = await existing(session, Queue, queue_id, "queue")
        if given.plan is not None:
            await _check_plan(session, deps, queue_id, given.plan)
        _assign(row, given.model_dump(exclude_unset=True))
    return QueueTold.model_validate(row)


@router.get("/routing")
async def read_rules(caller: Administrator, deps: Deps) -> RulesTold:
    """The rules of routing that hold for the whole operation."""
    async with deps.database.reading() as session:
        row = await session.get(Rules, RULES)
    rules, _ = stored(RoutingRules, row.data if row else {})
    return RulesTold.model_validate(rules.model_dump())


@router.put("/routing")
async def change_rules(given: RulesGiven, caller: Administrator, deps: Deps) -> RulesTold:
    """Replace the rules, live; callers who wait keep their place."""
    async with changing(deps, "routing", RULES) as session:
        await require_known(session, Queue.id, [given.fallback_queue], "fallback_queue")
        await session.merge(Rules(id=RULES, data=given.model_dump(mode="json")))
    return RulesTold.model_validate(given.model_dump())


async def _check_overflow(session: AsyncSession, routing: ProgrammeRouting) -> None:
    await require_known(session, Queue.id, [routing.overflow_queue], "routing.overflow_queue")


def _programme(row: Programme) -> ProgrammeTold:
    routing, _ = stored(ProgrammeRouting, row.routing)
    fields = {name: getattr(row, name) for name in ProgrammeTold.model_fields if name != "routing"}
    return ProgrammeTold(**fields, routing=routing)


async def _check_plan(session: AsyncSession, deps: ApiDeps, queue_id: str, plan: dict[str, Any]) -> None:
    for field, place in _KEPT_ELSEWHERE.items():
        if field in plan:
            raise Invalid(
                f"queue {queue_id}: {field} is no part of the plan.", f"Leave it out: it is {place}.", code="plan"
            )
    prompts = await to_thread(prompt_names, deps.settings.prompts)
    known = await known_names(session, prompts)
    queue_from_dict(queue_id, plan, replace(known, queues=known.queues | {queue_id}))


def _assign(row: Programme | Queue, changes: dict[str, Any]) -> None:
    for field, value in changes.items():
        if value is None:
            raise Invalid(f"{field}: may not be empty.", "Leave the field out to keep its value.")
        setattr(row, field, value)


def _check_zone(name: str | None) -> None:
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Invalid(
            f"time_zone: {name!r} is not a time zone.",
            "Use a name of the time zone database, for example Europe/Rome.",
            values={"field": "time_zone"},
        ) from None
