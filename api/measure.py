"""How long requests take, by operation and outcome."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.metrics import Histogram

_seconds = Histogram(
    "onecall_http_request_seconds",
    "Time from a request's head to the begin of its answer",
    ["operation", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)


class Measured:
    """ASGI middleware. Operations are handlers' names, so that no address given by a client becomes a label."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on and take the time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()

        async def send_and_measure(message: Message) -> None:
            if message["type"] == "http.response.start":
                operation = getattr(scope.get("endpoint"), "__name__", "file" if message["status"] < 400 else "none")
                _seconds.labels(operation, str(message["status"])).observe(time.perf_counter() - begin)
            await send(message)

        await self._app(scope, receive, send_and_measure)
