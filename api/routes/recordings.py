"""Hearing the recording of a call. Every listening is a row of the history."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, Response

from api.access import Listener
from api.ears import ears_of
from api.routes.shared import Deps, Work, actor, address
from api.schemas.common import Id
from core.errors import Forbidden, NotFound
from tickets.hearing import audible
from tickets.history import heard_lately, recording_heard
from tickets.model import Recording

router = APIRouter(tags=["recordings"])
_ONE_LISTENING = 600.0
"""Requests of one person within so many seconds are one listening: players ask in parts."""


@router.get(
    "/recordings/{interaction_id}",
    response_class=Response,
    responses={
        200: {"content": {"audio/wav": {}}, "description": "The whole recording"},
        206: {"content": {"audio/wav": {}}, "description": "The part asked for in `Range`"},
    },
)
async def hear_recording(
    interaction_id: Annotated[Id, InPath()],
    caller: Listener,
    request: Request,
    deps: Deps,
    work: Work,
) -> Response:
    """The sound of one call (WAV), whole or in parts: of every call for quality, of the own team's for a team leader.

    Each listening is written to the history.
    """
    async with work.reading() as session:
        row = await session.get(Recording, interaction_id)
        if row is None:
            raise _missing(interaction_id)
        if not await audible(session, [interaction_id], await ears_of(session, caller)):
            raise Forbidden(
                f"Nobody of your team spoke in the call {interaction_id}: its recording is not yours to hear.",
                "Ask quality, or have an administrator correct the team that you lead.",
                code="not_your_team",
                values={"interaction_id": interaction_id},
            )
    path = await asyncio.to_thread(_inside, deps.settings.recordings, row.path)
    if path is None:
        raise _missing(interaction_id)
    async with work.unit(actor(caller)) as unit:
        since = unit.at - _ONE_LISTENING
        if not await heard_lately(unit.session, unit.actor.id, interaction_id, since):
            recording_heard(unit, interaction_id, address(request))
    name = f"onecall-{interaction_id}{path.suffix}"
    return FileResponse(path, media_type="audio/wav", filename=name, content_disposition_type="inline")


def _inside(folder: Path, relative: str) -> Path | None:
    """The file, if it is there and truly inside the folder."""
    root = folder.resolve()
    path = (root / relative).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def _missing(interaction_id: str) -> NotFound:
    return NotFound(
        f"There is no recording of {interaction_id}.",
        "Calls that were not answered have none; others appear when the call has ended.",
        code="no_recording",
    )
