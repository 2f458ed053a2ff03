"""Every failure leaves as JSON that a person can act on: code, what, remedy. No traceback reaches a user."""

import socket
from collections.abc import Sequence
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from core.errors import Conflict, Forbidden, Invalid, NotFound, OneCallError, SignInNeeded, Unavailable
from core.ids import new_id
from core.log import get_logger

_log = get_logger(__name__)
_SECRET_FIELDS = {"password", "current", "new", "phone_secret"}
_AWAY = ("08", "53", "57P")
"""How PostgreSQL's error codes begin when it refuses or ends a connection: no connection, no room, shutting down."""
DATABASE_ERRORS = (DBAPIError, PoolTimeout, asyncpg.PostgresError, OSError)
"""What a database that is away may raise: its driver does not wrap what happens while it connects."""


class TooMany(OneCallError):
    """Too many attempts; `values["seconds"]` says how long to wait."""

    code = "too_many"


_STATUS: tuple[tuple[type[OneCallError], int], ...] = (
    (Invalid, 422),
    (NotFound, 404),
    (Conflict, 409),
    (Forbidden, 403),
    (SignInNeeded, 401),
    (Unavailable, 503),
    (TooMany, 429),
)


_NO_ANSWER = (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError, socket.gaierror)


def status_of(error: OneCallError) -> int:
    """The HTTP status by which this error is told."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)


def told(error: OneCallError) -> dict[str, object]:
    """The error as clients see it."""
    return {"code": error.code, "what": error.what, "remedy": error.remedy, "values": error.values}


def error_response(error: OneCallError) -> JSONResponse:
    """The whole answer."""
    headers = {"Retry-After": str(error.values["seconds"])} if isinstance(error, TooMany) else None
    return JSONResponse({"error": told(error)}, status_of(error), headers)


def unavailable(error: Exception) -> Unavailable | None:
    """The error as `Unavailable`, when it says that the database does not answer; else None."""
    if isinstance(error, IntegrityError) or not isinstance(error, DATABASE_ERRORS):
        return None
    cause = error.orig if isinstance(error, DBAPIError) else error
    away = (
        isinstance(error, _NO_ANSWER)
        # A host with several addresses, none of which answers, is told as an OSError without a number.
        or (type(error) is OSError and error.errno is None)
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
        or str(getattr(cause, "sqlstate", None)).startswith(_AWAY)
    )
    return Unavailable("The database does not answer.", "Try again in a moment.") if away else None


def from_validation(problems: Sequence[Any]) -> Invalid:
    """Pydantic's findings as one sentence that names each field, its value and what is wrong with it."""
    fields = [_field(problem) for problem in problems]
    sentence = "; ".join(
        f"{item['field']}: {item['problem']}" + (f" (given: {item['value']})" if item["value"] else "")
        for item in fields
    )
    return Invalid(f"{sentence}.", "Correct what is named and send it again.", values={"fields": fields})


def _field(problem: Any) -> dict[str, str]:
    place = [str(part) for part in problem["loc"] if part not in ("body", "query", "path")]
    secret = bool(_SECRET_FIELDS.intersection(place))
    absent = problem["type"] == "missing"
    text = problem["msg"].removeprefix("Value error, ")
    given = "" if secret or absent else repr(problem.get("input"))[:80]
    return {"field": ".".join(place) or "body", "problem": text[:1].lower() + text[1:], "value": given}


def install(app: FastAPI) -> None:
    """Make all failures of this app leave in the house form."""

    async def on_known(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, OneCallError)
        return error_response(error)

    async def on_validation(_request: Request, error: Exception) -> JSONResponse:
        return error_response(from_validation(error.errors() if isinstance(error, RequestValidationError) else []))

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        body = {
            "code": {404: "not_found", 405: "method_not_allowed"}.get(status, "refused"),
            "what": f"{request.method} {request.url.path} cannot be served.",
            "remedy": "Check the address and the method against /api/openapi.json.",
            "values": {},
        }
        headers = getattr(error, "headers", None)
        return JSONResponse({"error": body}, status, headers)

    app.add_exception_handler(OneCallError, on_known)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _on_database)
    app.add_exception_handler(Exception, _on_unknown)


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, IntegrityError):
        _log.warning("database refused a change", path=request.url.path, error=str(error.orig))
        return error_response(
            Conflict("This is in use elsewhere, or exists already.", "Load it again and look at what refers to it.")
        )
    away = unavailable(error)
    if away is not None:
        _log.error("database does not answer", path=request.url.path, error=str(error))
        return error_response(away)
    return await _on_unknown(request, error)


async def _on_unknown(request: Request, error: Exception) -> JSONResponse:
    reference = new_id()
    _log.error("request failed", path=request.url.path, reference=reference, exc_info=error)
    body = {
        "code": "internal",
        "what": "The server failed to do this.",
        "remedy": f"Try again; if it fails again, tell the administrator this reference: {reference}.",
        "values": {"reference": reference},
    }
    return JSONResponse({"error": body}, 500)
