"""What most routes take: dependencies, the tickets room, and who is acting in its history."""

from typing import Annotated

from fastapi import Depends, Request

from api.deps import ApiDeps, deps_of
from api.sessions import Caller
from tickets.unit import Actor, Tickets

Deps = Annotated[ApiDeps, Depends(deps_of)]


def _tickets_of(request: Request) -> Tickets:
    tickets: Tickets = request.app.state.tickets
    return tickets


Work = Annotated[Tickets, Depends(_tickets_of)]


def actor(caller: Caller) -> Actor:
    """The caller as history knows people: by the agent's id when there is one."""
    return Actor(caller.agent_id or caller.user_id, caller.name)


def address(request: Request) -> str:
    """The network address that asks."""
    return request.client.host if request.client else "unknown"
