"""The application: all routes and sockets, their gates checked, errors and headers in the house form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import desk_socket, errors, floor_socket, health, static
from api.access import refuse_unguarded
from api.auth import SignIn
from api.deps import ApiDeps
from api.headers import SecurityHeaders
from api.hub import Hub
from api.measure import Measured
from api.openapi import describe
from api.routes import ROUTERS
from api.schemas.common import ErrorAnswer
from api.sessions import Sessions
from core.once import Once
from tickets.unit import Tickets

_BODY_LIMIT = 1_000_000
_REFUSALS: dict[int | str, dict[str, object]] = {
    "default": {"model": ErrorAnswer, "description": "Not done: what was wrong and what to do"}
}


def create_app(deps: ApiDeps) -> FastAPI:
    """The app on these dependencies. Raises RuntimeError when a route says not who may use it."""
    app = FastAPI(
        title="OneCall",
        version=deps.settings.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=_BODY_LIMIT,
        lifespan=running,
    )
    sessions = Sessions(
        deps.database,
        deps.bus,
        deps.clock,
        session_hours=deps.settings.session_hours,
        idle_minutes=deps.settings.idle_minutes,
    )
    app.state.deps = deps
    app.state.sessions = sessions
    app.state.tickets = Tickets(deps.database, deps.bus, deps.clock)
    app.state.sign_in = SignIn(deps.database, deps.clock, sessions)
    app.state.hub = Hub(deps.bus, sessions.hear)
    app.state.once = Once()
    app.add_middleware(
        SecurityHeaders, phone_ws_port=deps.settings.phone_ws_port, phone_wss_port=deps.settings.phone_wss_port
    )
    app.add_middleware(Measured)
    errors.install(app)
    app.include_router(_api(), prefix="/api")
    describe(app)
    refuse_unguarded(app)
    static.mount(app, deps.settings.web_dist)
    return app


def _api() -> APIRouter:
    api = APIRouter(generate_unique_id_function=_operation_id, responses=_REFUSALS)
    for router in (*ROUTERS, health.router, desk_socket.router, floor_socket.router):
        api.include_router(router)
    return api


def _operation_id(route: APIRoute) -> str:
    """The handler's name: it becomes the name of the operation in clients."""
    return route.name


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """While inside, the app's sockets hear the bus. Needed once a process, before it is served."""
    hub: Hub = app.state.hub
    await hub.start()
    try:
        yield
    finally:
        await hub.stop()
        await app.state.sessions.stop()
