"""Asterisk as a process of its own, for installations where OneCall's rooms run in other containers."""

from __future__ import annotations

import asyncio
import contextlib

from core.errors import Unavailable
from core.log import get_logger
from onecall.asterisk import AsteriskInstance
from onecall.asterisk_program import find_asterisk
from onecall.asterisk_settings import asterisk_settings
from onecall.certificate import ensure_certificate
from onecall.settings import Settings
from onecall.state import make_state_folder
from onecall.stopping import until_told_to_stop

_log = get_logger(__name__)
_LOOK_SECONDS = 1.0


async def serve_asterisk(settings: Settings) -> int:
    """Start Asterisk and stay until told to stop.

    Returns 1 when Asterisk ends by itself, so that whoever watches this process starts it again.
    Raises Unavailable when there is none or it does not start.
    """
    program = find_asterisk(settings.tree)
    if program is None:
        raise Unavailable(f"There is no Asterisk in {settings.tree}.", "Run `onecall provision asterisk`.")
    make_state_folder(settings)
    ensure_certificate(settings.state, settings.host, settings.public_host)
    instance = AsteriskInstance(asterisk_settings(settings), program)
    with until_told_to_stop(lambda: _log.info("stopping")) as told:
        try:
            await instance.start()
            _log.info("asterisk serves", version=program.version, sip_port=settings.sip_port)
            while instance.alive() and not told.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await told.wait()
        finally:
            await instance.stop()
    if told.is_set():
        return 0
    _log.error("asterisk has ended by itself", log_end=instance.log_end())
    return 1
