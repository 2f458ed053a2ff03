"""Asterisk as a process of its own, for installations where OneCall's rooms run in other containers."""

from __future__ import annotations

import asyncio
import signal

from core.errors import Unavailable
from core.log import get_logger
from onecall.asterisk import AsteriskInstance
from onecall.asterisk_program import find_asterisk
from onecall.asterisk_settings import asterisk_settings
from onecall.certificate import certificate_files, certificate_names, certificate_problem, make_certificate
from onecall.settings import Settings

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
    names = certificate_names(settings.host, settings.public_host)
    if certificate_problem(*certificate_files(settings.state), names):
        make_certificate(*certificate_files(settings.state), names)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    instance = AsteriskInstance(asterisk_settings(settings), program)
    await instance.start()
    _log.info("asterisk serves", version=program.version, sip_port=settings.sip_port)
    try:
        return await _until_stopped(instance, stop)
    finally:
        await instance.stop()


async def _until_stopped(instance: AsteriskInstance, stop: asyncio.Event) -> int:
    while instance.alive():
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue
        return 0
    _log.error("asterisk has ended by itself", log_end=instance.log_end())
    return 1
