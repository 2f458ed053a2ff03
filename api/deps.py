"""What the API needs from the rest of the house; `onecall.wiring` makes it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from core.bus import Bus
from core.clock import Clock
from core.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Settings of the API. Durations in seconds unless the name says otherwise.

    `phone_ws_port` and `phone_wss_port` are Asterisk's WebSocket ports without and with TLS: the browser takes the one
    that fits the page, on the host by which it reached us. `allowed_origins` (`https://desk.example.com`) are accepted
    on sockets beside the server's own. Without `metrics_token` only loopback reads the metrics.
    `flows` is the folder of flows that are files, `prompts` that of recorded prompts.
    """

    recordings: Path
    flows: Path | None = None
    prompts: Path | None = None
    web_dist: Path | None = None
    phone_domain: str = "onecall.invalid"
    phone_ws_port: int = 8088
    phone_wss_port: int = 8089
    allowed_origins: frozenset[str] = frozenset()
    metrics_token: str | None = None
    session_hours: float = 14.0
    idle_minutes: float = 60.0
    ping_seconds: float = 10.0
    command_timeout: float = 8.0
    version: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDeps:
    """Everything that routes use."""

    database: Database
    bus: Bus
    clock: Clock
    settings: ApiSettings = field(default_factory=lambda: ApiSettings(recordings=Path("recordings")))


def deps_of(connection: HTTPConnection) -> ApiDeps:
    """The dependencies of the app that serves this request or socket."""
    return cast(ApiDeps, cast(FastAPI, connection.app).state.deps)
