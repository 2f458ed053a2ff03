"""Metrics and health of a process without a web: the routing process of the production shape."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import TimeoutError as TooLate
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from core import metrics
from core.db import Database
from core.errors import Unavailable
from core.security import same
from onecall.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_PATIENCE = 3.0


@contextlib.asynccontextmanager
async def serving_metrics(
    settings: Settings, health: Callable[[], Mapping[str, Any]], database: Database
) -> AsyncIterator[None]:
    """Answer `/metrics` and `/health` while inside; with port 0 nothing is opened.

    A thread of its own answers, so that a routing process that hangs is seen to hang. Raises Unavailable when the
    port cannot be opened.
    """
    if not settings.metrics_port:
        yield
        return
    pages = _Pages(asyncio.get_running_loop(), health, database, settings.metrics_token.get_secret_value())
    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = make_server(host, port, pages, _Server, _Quiet)
    except OSError as error:
        raise Unavailable(
            f"The metrics port {port} on {host} cannot be opened: {error.strerror}.",
            "Stop what uses it, or set ONECALL_METRICS_HOST or ONECALL_METRICS_PORT (0: none).",
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """A scrape each few seconds is no news, and one that says nothing must not keep the others out."""

    timeout = _PATIENCE

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Pages:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        health: Callable[[], Mapping[str, Any]],
        database: Database,
        token: str,
    ) -> None:
        self._loop = loop
        self._health = health
        self._database = database
        self._token = token

    def __call__(self, request: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = request.get("PATH_INFO", "")
        if path == "/metrics":
            if self._token and not same(request.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "), self._token):
                return _answer(start, "403 Forbidden", b"Send the token of ONECALL_METRICS_TOKEN as bearer.\n")
            return _answer(start, "200 OK", metrics.exposition(), metrics.CONTENT_TYPE)
        if path == "/health":
            told = self._parts()
            status = "200 OK" if told["asterisk"] and told["database"] else "503 Service Unavailable"
            return _answer(start, status, json.dumps(told).encode(), "application/json")
        return _answer(start, "404 Not Found", b"There are /metrics and /health.\n")

    def _parts(self) -> Mapping[str, Any]:
        asked = asyncio.run_coroutine_threadsafe(self._look(), self._loop)
        try:
            return asked.result(_PATIENCE)
        except TooLate:
            asked.cancel()
            return {"asterisk": False, "database": False, "problem": f"no answer within {_PATIENCE:.0f} s"}

    async def _look(self) -> Mapping[str, Any]:
        try:
            await self._database.ping()
        except Exception as error:  # whatever the driver raises
            return {**self._health(), "database": False, "problem": str(error).splitlines()[0]}
        return {**self._health(), "database": True}


def _answer(start: "StartResponse", status: str, body: bytes, kind: str = "text/plain") -> Iterable[bytes]:
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
