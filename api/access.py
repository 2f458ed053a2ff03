"""Who may do what: one declarative gate on every route and socket. A route without a gate stops the app at start."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.requests import HTTPConnection

from api.errors import DATABASE_ERRORS, unavailable
from api.schemas.common import Role
from api.sessions import Caller, Sessions
from core.errors import Forbidden, OneCallError, SignInNeeded
from core.security import same

ALL_ROLES: frozenset[str] = frozenset(get_args(Role))
COOKIE = "onecall_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def sessions_of(connection: HTTPConnection) -> Sessions:
    """The sessions of the app that serves this request or socket."""
    sessions: Sessions = connection.app.state.sessions
    return sessions


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in callers who have one of `roles`; `open_to_all` says why a route needs nobody signed in."""

    roles: frozenset[str]
    open_to_all: str = ""

    def check(self, caller: Caller) -> None:
        """Raises Forbidden for a caller who has none of the roles."""
        if not self.roles & caller.roles:
            raise Forbidden(
                f"This needs one of the roles {', '.join(sorted(self.roles))}.",
                "Ask an administrator for the role, or sign in as someone who has it.",
                values={"roles": sorted(self.roles)},
            )


class RouteGate:
    """The gate of a REST route: session, role, and for changing requests the CSRF header."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises SignInNeeded or Forbidden."""
        caller = await sessions_of(request).caller(request.cookies.get(COOKIE))
        self.gate.check(caller)
        if request.method not in _SAFE_METHODS and not same(request.headers.get("X-CSRF", ""), caller.csrf):
            raise Forbidden(
                "The header X-CSRF is missing or not the one of this session.",
                "Send the `csrf` value of GET /api/session in the header X-CSRF.",
                code="csrf",
            )
        return caller


class SocketGate:
    """The gate of a websocket. It never raises: a browser can read a refusal only from an accepted socket."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def __call__(self, socket: WebSocket) -> "Caller | OneCallError":
        """The caller, or why not."""
        try:
            caller = await sessions_of(socket).caller(socket.cookies.get(COOKIE))
            self.gate.check(caller)
        except (SignInNeeded, Forbidden) as refusal:
            return refusal
        except DATABASE_ERRORS as error:
            away = unavailable(error)
            if away is None:
                raise
            return away
        return caller


class OpenGate:
    """Marks a route that needs nobody signed in, and says why."""

    def __init__(self, why: str) -> None:
        self.gate = Gate(frozenset(), why)

    async def __call__(self) -> None:
        """Everyone may."""


def open_to_all(why: str) -> Any:
    """Dependency of a route that needs nobody signed in."""
    return Depends(OpenGate(why))


def for_roles(*roles: Role) -> Any:
    """Dependency that lets in callers with one of the roles and gives the `Caller`."""
    return Depends(RouteGate(Gate(frozenset(roles))))


def socket_for_roles(*roles: Role) -> Any:
    """The same for a websocket; it gives the `Caller` or the refusal."""
    return Depends(SocketGate(Gate(frozenset(roles))))


AnyCaller = Annotated[Caller, Depends(RouteGate(Gate(ALL_ROLES)))]
"""Anyone who is signed in."""
Agent = Annotated[Caller, for_roles("agent")]
"""Someone who takes calls."""
FrontLine = Annotated[Caller, for_roles("agent", "team_leader", "supervisor", "back_office")]
"""Those who work on customers and tickets."""
Reader = Annotated[Caller, for_roles("agent", "team_leader", "supervisor", "back_office", "quality")]
"""Those who may read customers and tickets."""
BACK_OFFICE: tuple[Role, ...] = ("back_office", "team_leader", "supervisor")
BackOffice = Annotated[Caller, for_roles(*BACK_OFFICE)]
"""Those who work on tickets outside of a call."""
FOR_ANY = {"x-roles-any": sorted(BACK_OFFICE)}
"""Beside a route's `x-roles`: with these roles on anybody's ticket or call, with the others only on one's own."""
Leader = Annotated[Caller, for_roles("team_leader", "supervisor", "quality", "administrator")]
"""Those who read figures."""
FloorViewer = Annotated[Caller, for_roles("team_leader", "supervisor", "administrator")]
"""Those who watch the live floor."""
Listener = Annotated[Caller, for_roles("team_leader", "quality")]
"""Those who may hear recordings; of whose calls, says `api.ears`."""
Administrator = Annotated[Caller, for_roles("administrator")]
"""Those who change the configuration."""


def only_own(caller: Caller) -> bool:
    """Whether the caller may do what `FOR_ANY` marks only with their own."""
    return caller.roles.isdisjoint(BACK_OFFICE)


@dataclass(frozen=True, slots=True)
class Entrance:
    """One way into the app: a REST route with its methods, or a websocket (no methods)."""

    path: str
    methods: frozenset[str]
    gate: Gate | None


def entrances(app: FastAPI) -> list[Entrance]:
    """Every REST route and websocket of the app with its gate."""
    return [
        Entrance(route.path or "", frozenset(route.methods or ()), _gate_of(route.dependant))
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute | APIWebSocketRoute)
    ]


def refuse_unguarded(app: FastAPI) -> None:
    """Raises RuntimeError when a route of the app has no gate: forgetting one must not go unseen."""
    bare = [entrance.path for entrance in entrances(app) if entrance.gate is None]
    if bare:
        raise RuntimeError(f"routes without a gate: {', '.join(bare)}; declare who may use them (api/access.py)")


def _gate_of(dependant: Dependant) -> Gate | None:
    return next((call.gate for call in _calls(dependant) if isinstance(call, RouteGate | SocketGate | OpenGate)), None)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
