"""Dependencies for describing the API without running it: an empty database in memory, a bus with nobody on it."""

from pathlib import Path

from api.deps import ApiDeps, ApiSettings
from core.bus import LocalBus
from core.clock import SystemClock
from core.db import Database


def offline_deps() -> ApiDeps:
    """Enough to make the app and read its routes."""
    return ApiDeps(
        database=Database("sqlite+aiosqlite://"),
        bus=LocalBus(),
        clock=SystemClock(),
        settings=ApiSettings(recordings=Path("recordings")),
    )
