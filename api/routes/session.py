"""Sign in, who am I, sign out; and the credentials of one's own browser phone."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from acd.model import Agent as AgentRow
from api.access import COOKIE, Agent, AnyCaller, open_to_all, sessions_of
from api.auth import SignIn
from api.deps import ApiDeps
from api.model import User
from api.phones import renew_phone
from api.routes.shared import Deps, address
from api.schemas.common import Done
from api.schemas.session import Me, MyPreferences, PasswordChange, PhoneCredentials
from api.schemas.session import SignIn as SignInGiven
from api.sessions import LONGEST_OVERTIME, Caller
from core.errors import NotFound

router = APIRouter(tags=["session"])


def _sign_in_of(request: Request) -> SignIn:
    service: SignIn = request.app.state.sign_in
    return service


SignInService = Annotated[SignIn, Depends(_sign_in_of)]


def _me(caller: Caller) -> Me:
    return Me.model_validate(
        {
            "user_id": caller.user_id,
            "login": caller.login,
            "name": caller.name,
            "roles": sorted(caller.roles),
            "agent_id": caller.agent_id,
            "language": caller.language,
            "csrf": caller.csrf,
            "expires": caller.expires,
        }
    )


def _set_cookie(request: Request, response: Response, token: str, deps: ApiDeps) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(deps.settings.session_hours * 3600 + LONGEST_OVERTIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


@router.post("/session", dependencies=[open_to_all("this is the door")])
async def sign_in(given: SignInGiven, request: Request, response: Response, deps: Deps, service: SignInService) -> Me:
    """Sign in. The session's cookie is set; `csrf` of the answer goes into the header `X-CSRF`."""
    token, caller = await service.sign_in(
        given.login, given.password.get_secret_value(), address(request), request.cookies.get(COOKIE)
    )
    _set_cookie(request, response, token, deps)
    return _me(caller)


@router.get("/session")
async def who_am_i(caller: AnyCaller) -> Me:
    """Who is signed in."""
    return _me(caller)


@router.patch("/session")
async def set_preferences(given: MyPreferences, caller: AnyCaller, request: Request, deps: Deps) -> Me:
    """Change one's own preferences."""
    async with deps.database.session() as session:
        user = await session.get_one(User, caller.user_id)
        user.language = given.language
    await sessions_of(request).announce_change(caller.user_id)
    return _me(await sessions_of(request).still(caller))


@router.delete("/session")
async def sign_out(
    caller: AnyCaller, request: Request, response: Response, deps: Deps, everywhere: bool = False
) -> Done:
    """Sign out here, or with `everywhere` in all browsers of the user, whose phone gets another secret."""
    if everywhere:
        await sessions_of(request).end_all(caller.user_id)
        await renew_phone(deps, caller.user_id)
    else:
        await sessions_of(request).end([caller.session_id])
    response.delete_cookie(COOKIE, path="/")
    return Done()


@router.post("/session/password")
async def change_password(
    given: PasswordChange, caller: AnyCaller, request: Request, response: Response, deps: Deps, service: SignInService
) -> Me:
    """Change one's own password; every other session of the user ends and this one gets a new cookie."""
    token, renewed = await service.change_password(
        caller, given.current.get_secret_value(), given.new.get_secret_value(), address(request)
    )
    _set_cookie(request, response, token, deps)
    return _me(renewed)


@router.get("/phone", tags=["desk"])
async def phone_credentials(caller: Agent, request: Request, deps: Deps) -> PhoneCredentials:
    """What one's own browser phone registers with."""
    async with deps.database.reading() as session:
        agent = await session.get(AgentRow, caller.agent_id) if caller.agent_id else None
    if agent is None or agent.disabled:
        raise NotFound("This user has no phone.", "An administrator links the user to an agent.", code="no_phone")
    if agent.phone_kind != "browser":
        raise NotFound(
            f"Agent {agent.id} uses a desk phone, not the browser.",
            "An administrator sets the agent's phone to `browser`.",
            code="desk_phone",
        )
    return PhoneCredentials(
        uri=f"sip:{agent.extension}@{deps.settings.phone_domain}",
        password=agent.phone_secret,
        ws_url=_phone_socket(request, deps),
        display_name=agent.name,
    )


def _phone_socket(request: Request, deps: ApiDeps) -> str:
    """A page with TLS may open only a socket with TLS."""
    host = request.url.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    if request.url.scheme == "https":
        return f"wss://{host}:{deps.settings.phone_wss_port}/ws"
    return f"ws://{host}:{deps.settings.phone_ws_port}/ws"
