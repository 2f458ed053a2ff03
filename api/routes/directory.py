"""Lists that screens choose from, and the live pictures as plain requests."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from acd.model import Agent as AgentRow
from acd.model import NotReadyReason, Programme, Queue, Team
from api.access import Agent, AnyCaller, FloorViewer, FrontLine
from api.routes.shared import Deps, Work
from api.schemas.common import Bilingual, Search
from api.schemas.desk import Desk
from api.schemas.directory import (
    CauseList,
    Directory,
    DirectoryEntry,
    ProgrammeNames,
    Reason,
    ReasonList,
    TopicList,
)
from api.schemas.floor import Floor
from core.errors import NotFound, OneCallError
from tickets import catalogue

router = APIRouter(tags=["directory"])
_PATIENCE = 1.0


@router.get("/topics")
async def list_topics(caller: AnyCaller, work: Work, programme: str | None = None) -> TopicList:
    """The topic tree; with `programme` only its own topics and the common ones."""
    async with work.reading() as session:
        return TopicList.model_validate({"items": await catalogue.topics(session, programme)})


@router.get("/programmes")
async def list_programme_names(caller: AnyCaller, work: Work) -> ProgrammeNames:
    """Programmes with their time zone and recall window."""
    async with work.reading() as session:
        rows = await session.scalars(select(Programme).order_by(Programme.name, Programme.id))
        return ProgrammeNames.model_validate({"items": rows.all()})


@router.get("/causes")
async def list_causes(caller: AnyCaller, work: Work) -> CauseList:
    """Recall causes."""
    async with work.reading() as session:
        return CauseList.model_validate({"items": await catalogue.causes(session)})


@router.get("/reasons")
async def list_reasons(caller: AnyCaller, work: Work) -> ReasonList:
    """Not-ready reasons; those of the system are there to be translated, not chosen."""
    async with work.reading() as session:
        rows = await session.scalars(select(NotReadyReason).order_by(NotReadyReason.position, NotReadyReason.id))
        return ReasonList(
            items=[
                Reason(id=row.id, name=Bilingual(it=row.name_it, en=row.name_en), system=not row.chosen_by_agent)
                for row in rows
            ]
        )


@router.get("/directory")
async def read_directory(caller: FrontLine, deps: Deps, work: Work, q: Search = "") -> Directory:
    """Transfer targets: agents with their state, ready ones first, and queues."""
    states, waiting, live = await _live(deps)
    async with work.reading() as session:
        agents = (
            await session.execute(
                select(AgentRow, Team.name).outerjoin(Team, AgentRow.team_id == Team.id).where(~AgentRow.disabled)
            )
        ).all()
        queues = (await session.execute(select(Queue, Programme.name).join(Programme))).all()
    entries = [
        DirectoryEntry(
            kind="agent", id=row.id, name=row.name, extension=row.extension, team=team, **states.get(row.id, {})
        )
        for row, team in agents
        if row.id != caller.agent_id
    ]
    entries += [
        DirectoryEntry(kind="queue", id=row.id, name=row.name, programme=programme, waiting=waiting.get(row.id))
        for row, programme in queues
    ]
    wanted = q.casefold()
    found = [entry for entry in entries if wanted in f"{entry.name} {entry.extension or ''}".casefold()]
    found.sort(key=lambda entry: (entry.kind != "agent", entry.state != "ready", entry.name.casefold()))
    return Directory(items=found, live=live)


async def _live(deps: Deps) -> tuple[dict[str, dict[str, Any]], dict[str, int], bool]:
    """Agents' states and how many wait; nothing when routing does not answer: the names are still of use."""
    try:
        floor = await deps.bus.request("acd", {"cmd": "floor.get"}, _PATIENCE)
    except OneCallError:
        return {}, {}, False
    states = {agent["id"]: {"state": agent["state"], "reason": agent["reason"]} for agent in floor["agents"]}
    return states, {queue["id"]: queue["waiting"] for queue in floor["queues"]}, True


@router.get("/desk", tags=["desk"])
async def read_desk(caller: Agent, deps: Deps) -> Desk:
    """One's own desk as it is now; the desk socket sends the same on every change.

    A caller's story (`pop`) is read for desks whose socket is open; without one it may be missing or old.
    """
    if caller.agent_id is None:
        raise NotFound("This user has no seat at the phone.", "An administrator links the user to an agent.")
    return Desk.model_validate(await deps.bus.request("acd", {"cmd": "desk.get", "agent_id": caller.agent_id}))


@router.get("/floor", tags=["floor"])
async def read_floor(caller: FloorViewer, deps: Deps) -> Floor:
    """The floor as it is now; the floor socket sends the same on every change."""
    return Floor.model_validate(await deps.bus.request("acd", {"cmd": "floor.get"}))
