"""The web and API part of a process."""

import contextlib
from collections.abc import AsyncIterator

from api.app import create_app, running
from api.deps import ApiDeps, ApiSettings
from core.bus import Bus
from core.clock import SystemClock
from core.db import Database
from onecall.certificate import certificate_files
from onecall.settings import PROJECT, Settings
from onecall.web import serving


@contextlib.asynccontextmanager
async def front(settings: Settings, database: Database, bus: Bus) -> AsyncIterator[None]:
    """Serve the API, its sockets and the web app while inside."""
    app = create_app(ApiDeps(database=database, bus=bus, clock=SystemClock(), settings=_api_settings(settings)))
    certificate, private_key = certificate_files(settings.state)
    ports = settings.http_port, settings.https_port
    async with running(app), serving(app, settings.host, *ports, certificate, private_key):
        yield


def _api_settings(settings: Settings) -> ApiSettings:
    return ApiSettings(
        recordings=settings.recordings_folder,
        flows=settings.flows_folder,
        prompts=settings.prompts_folder,
        web_dist=PROJECT / "web" / "dist",
        phone_ws_port=settings.ws_port,
        phone_wss_port=settings.wss_port,
        metrics_token=settings.metrics_token.get_secret_value() or None,
        session_hours=settings.session_hours,
        idle_minutes=settings.idle_minutes,
        allowed_origins=settings.origins,
    )
