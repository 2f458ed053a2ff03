"""`/api/floor`: the live picture of all queues and agents, for team leaders, supervisors and wallboards."""

from typing import Annotated

from fastapi import APIRouter, WebSocket

from api.access import Gate, socket_for_roles
from api.hub import Wire, encode
from api.sessions import Caller
from api.sockets import Connection, enter
from core.errors import OneCallError

router = APIRouter()


@router.websocket("/floor")
async def floor(
    socket: WebSocket,
    entry: Annotated[Caller | OneCallError, socket_for_roles("team_leader", "supervisor", "administrator")],
) -> None:
    """The floor socket of docs/contracts.md."""
    caller = await enter(socket, entry)
    if caller is not None:
        await FloorConnection(socket, caller).run()


class FloorConnection(Connection):
    """One viewer of the floor."""

    def __init__(self, socket: WebSocket, caller: Caller) -> None:
        super().__init__(socket, Wire("floor", caller), Gate(frozenset({"team_leader", "supervisor", "administrator"})))
        # The first beat is at once: a viewer says nothing before it is shown the floor.
        self.wire.recheck.set()

    async def refresh(self) -> None:
        """Read the floor."""
        self.wire.put(encode({"type": "floor", "floor": await self.ask({"cmd": "floor.get"})}))
