"""Call flows and the numbers that run them. A change is live for the next call."""

from functools import cache
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme, Queue
from api.access import Administrator
from api.changing import changing
from api.routes.admin.shared import existing, refuse_duplicate, require_known
from api.routes.shared import Deps
from api.schemas.admin import (
    Did,
    FlowChange,
    FlowCheck,
    FlowGiven,
    FlowList,
    FlowTold,
    FlowVerdict,
    NumberChange,
    NumberGiven,
    NumberList,
    NumberTold,
)
from api.schemas.common import Done, Id
from core.errors import Conflict, Invalid
from ivr.flow_check import FlowInvalid, Known, read_flow
from ivr.model import CalendarRow, DialledNumber, FlowRow
from ivr.prompts import SYSTEM_TEXTS, Texts

router = APIRouter(prefix="/admin", tags=["admin"])
FlowId = Annotated[Id, Path()]
DidPath = Annotated[Did, Path()]


@router.get("/flows")
async def list_flows(caller: Administrator, deps: Deps) -> FlowList:
    """All flows."""
    async with deps.database.reading() as session:
        rows = await session.scalars(select(FlowRow).order_by(FlowRow.name, FlowRow.id))
        return FlowList(items=[FlowTold.model_validate(row) for row in rows])


@router.post("/flows", status_code=201)
async def create_flow(given: FlowGiven, caller: Administrator, deps: Deps) -> FlowTold:
    """A new flow; refused with each fault's step and remedy when it could not run."""
    async with changing(deps, "flows", given.id) as session:
        await refuse_duplicate(session, FlowRow, given.id, "flow")
        read_flow(given.yaml, given.id, await _known(session))
        row = FlowRow(**given.model_dump(), version=1)
        session.add(row)
    return FlowTold.model_validate(row)


@router.post("/flows/{flow_id}/check")
async def check_flow(flow_id: FlowId, given: FlowCheck, caller: Administrator, deps: Deps) -> FlowVerdict:
    """Check a flow's text without storing it."""
    async with deps.database.reading() as session:
        known = await _known(session)
    try:
        read_flow(given.yaml, flow_id, known)
    except FlowInvalid as error:
        return FlowVerdict(valid=False, problems=[str(problem) for problem in error.problems])
    return FlowVerdict(valid=True)


@router.patch("/flows/{flow_id}")
async def change_flow(flow_id: FlowId, given: FlowChange, caller: Administrator, deps: Deps) -> FlowTold:
    """Change a flow. 409 when `version` is not the present one."""
    async with changing(deps, "flows", flow_id) as session:
        row = await existing(session, FlowRow, flow_id, "flow")
        if row.version != given.version:
            raise Conflict(
                f"The flow was changed meanwhile (version {row.version}, yours {given.version}).",
                "Load it again and make your change there.",
                code="version",
                values={"version": row.version},
            )
        if given.yaml is not None:
            read_flow(given.yaml, flow_id, await _known(session))
            row.yaml = given.yaml
        if given.name is not None:
            row.name = given.name
        row.version += 1
    return FlowTold.model_validate(row)


@router.get("/numbers")
async def list_numbers(caller: Administrator, deps: Deps) -> NumberList:
    """All dialled numbers."""
    async with deps.database.reading() as session:
        rows = await session.scalars(select(DialledNumber).order_by(DialledNumber.did))
        return NumberList(items=[NumberTold.model_validate(row) for row in rows])


@router.post("/numbers", status_code=201)
async def create_number(given: NumberGiven, caller: Administrator, deps: Deps) -> NumberTold:
    """A new dialled number."""
    async with changing(deps, "numbers", given.did) as session:
        await refuse_duplicate(session, DialledNumber, given.did, "number")
        row = DialledNumber(**given.model_dump())
        await _check_number(session, row, deps.settings.flows)
        session.add(row)
    return NumberTold.model_validate(row)


@router.patch("/numbers/{did}")
async def change_number(did: DidPath, given: NumberChange, caller: Administrator, deps: Deps) -> NumberTold:
    """Let a number run another flow, or move it to another programme."""
    async with changing(deps, "numbers", did) as session:
        row = await existing(session, DialledNumber, did, "number")
        for field, value in given.model_dump(exclude_unset=True).items():
            if value is None:
                raise Invalid(f"{field}: may not be empty.", "Leave the field out to keep its value.")
            setattr(row, field, value)
        await _check_number(session, row, deps.settings.flows)
    return NumberTold.model_validate(row)


@router.delete("/numbers/{did}")
async def delete_number(did: DidPath, caller: Administrator, deps: Deps) -> Done:
    """Callers of this number then reach the flow of `*`, or none."""
    async with changing(deps, "numbers", did) as session:
        await session.delete(await existing(session, DialledNumber, did, "number"))
    return Done()


async def _check_number(session: AsyncSession, row: DialledNumber, folder: FilePath | None) -> None:
    with session.no_autoflush:
        await require_known(session, Programme.id, [row.programme_id], "programme_id")
        name = f"{row.flow_id}.yaml"
        if folder is not None and FilePath(name).name == name and (folder / name).is_file():
            return
        await require_known(session, FlowRow.id, [row.flow_id], "flow_id")


async def _known(session: AsyncSession) -> Known:
    """Names that a flow may use."""
    queues = frozenset(await session.scalars(select(Queue.id)))
    calendars = frozenset(await session.scalars(select(CalendarRow.id)))
    return Known(queues=queues, calendars=calendars, prompts=_system_texts().plain)


@cache
def _system_texts() -> Texts:
    return Texts.read(SYSTEM_TEXTS)
