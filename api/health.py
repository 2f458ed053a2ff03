"""Health of this process and what it needs; metrics for Prometheus."""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from api.access import open_to_all
from api.deps import ApiDeps, deps_of
from api.schemas.common import Instant
from api.schemas.health import Health, Part
from core import metrics
from core.clock import utc
from core.errors import Forbidden, OneCallError
from core.security import same

router = APIRouter(tags=["health"])
_PATIENCE = 3.0


@router.get(
    "/health",
    dependencies=[open_to_all("load balancers ask; it tells no data")],
    responses={503: {"model": Health, "description": "At least one part fails"}},
)
async def health(request: Request, response: Response) -> Health:
    """Whether every part works: database, bus, routing, Asterisk. 503 when one does not."""
    deps = deps_of(request)
    database, routing = await asyncio.gather(_timed(deps.database.ping), _routing(deps))
    parts = {"database": database, **routing}
    working = all(part.ok for part in parts.values())
    response.status_code = 200 if working else 503
    now: Instant = utc(deps.clock.now())
    return Health(status="ok" if working else "failing", at=now, version=deps.settings.version, parts=parts)


@router.get(
    "/metrics",
    dependencies=[open_to_all("Prometheus asks from this machine, or with the token")],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text form"}},
)
async def read_metrics(request: Request) -> Response:
    """Metrics of this process; only from loopback, or with `Authorization: Bearer` and the metrics token."""
    token = deps_of(request).settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not (token and same(given, token)) and not (_is_local(request) and not token):
        raise Forbidden("Metrics are for this machine only.", "Ask from loopback, or set ONECALL_METRICS_TOKEN.")
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


def _is_local(request: Request) -> bool:
    """Asked from this machine, and not passed on by a proxy on it."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _timed(check: Callable[[], Awaitable[object]]) -> Part:
    begin = time.perf_counter()
    problem = None
    try:
        async with asyncio.timeout(_PATIENCE):
            await check()
    except TimeoutError:
        problem = f"no answer within {_PATIENCE:.0f} s"
    except (OneCallError, SQLAlchemyError, OSError) as error:
        problem = str(error.__cause__ or error)[:200]
    return Part(ok=problem is None, detail=problem, milliseconds=round((time.perf_counter() - begin) * 1000, 2))


async def _routing(deps: ApiDeps) -> dict[str, Part]:
    """The bus and the routing process answer together; the bridge's state is in the answer."""
    answer: dict[str, object] = {}

    async def ask() -> None:
        answer.update(await deps.bus.request("acd", {"cmd": "health"}, _PATIENCE))

    bus, routing = await asyncio.gather(_timed(lambda: deps.bus.publish("health", {})), _timed(ask))
    asterisk = Part(ok=False, detail="not known: routing does not answer", milliseconds=0)
    if routing.ok:
        up = answer.get("asterisk") is True
        why = None if up else "the manager connection is down"
        asterisk = Part(ok=up, detail=why, milliseconds=routing.milliseconds)
    return {"bus": bus, "routing": routing, "asterisk": asterisk}
