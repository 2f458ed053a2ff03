"""Starts and stops OneCall: with its own Asterisk (`run`), or only the rooms that this process has (`serve`)."""

import asyncio
import contextlib
import fcntl
import time
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import TextIO

from api.mqtt import feeding
from core.bus import Bus
from core.db import Database
from core.errors import Invalid, OneCallError, Unavailable
from core.log import get_logger
from core.migrate import newest, upgrade
from onecall import demo
from onecall.asterisk import AsteriskInstance
from onecall.asterisk_program import find_asterisk
from onecall.asterisk_settings import asterisk_home, asterisk_settings, manager_secret
from onecall.certificate import ensure_certificate
from onecall.house import RoutingHouse, make_bus
from onecall.memory import settle_memory
from onecall.metrics import serving_metrics
from onecall.robots import moving
from onecall.settings import Settings
from onecall.state import make_state_folder
from onecall.stopping import until_told_to_stop
from onecall.wiring import Ground
from tickets import demo as ticket_demo

_log = get_logger(__name__)
_LOOK_SECONDS, _LONGEST_PAUSE = 1.0, 30.0


async def run(settings: Settings, *, robots: bool = False) -> int:
    """Start Asterisk and all rooms, print where to go, and stay until Ctrl-C. Stops what it started."""
    with until_told_to_stop(lambda: print("Stopping ...", flush=True)) as told:
        async with contextlib.AsyncExitStack() as stack:
            accounts = await _prepare(settings, _say)
            await stack.enter_async_context(_own_asterisk(settings))
            database, bus = await stack.enter_async_context(_rooms(settings, {"api", "acd"}))
            settle_memory()
            _greet(settings, accounts)
            if robots:
                await stack.enter_async_context(moving(settings, bus, database))
            await told.wait()
    print("Stopped.", flush=True)
    return 0


async def serve(settings: Settings, roles: Collection[str]) -> int:
    """Start this process's rooms beside an Asterisk that runs already, and stay until told to stop."""
    if set(roles) != {"api", "acd"} and not settings.redis_url:
        raise Invalid("Rooms in several processes need a bus between them.", "Set ONECALL_REDIS_URL.")
    make_state_folder(settings)
    if "api" in roles and settings.https_port:
        ensure_certificate(settings.state, settings.host, settings.public_host)
    with until_told_to_stop(lambda: _log.info("stopping")) as told:
        await _prepare(settings, _log.info)
        async with _rooms(settings, roles):
            settle_memory()
            _log.info("serving", rooms=sorted(roles))
            await told.wait()
    return 0


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _step(title: str, state: str, began: float) -> str:
    return f"{title:<16} {state} ({time.monotonic() - began:.1f} s)"


async def _prepare(settings: Settings, say: Callable[[str], None]) -> dict[str, str]:
    """Database at this version, demo company seeded where wanted; returns login → password of its accounts."""
    async with _alone(settings.state / "prepare.lock", say):
        began = time.monotonic()
        await upgrade(settings.database)
        say(_step("Database", f"at revision {newest()}", began))
        if not settings.demo:
            return {}
        began = time.monotonic()
        database = Database(settings.database)
        try:
            accounts = await demo.seed(database, settings.state / "demo-accounts.json")
            await ticket_demo.seed(database)
        finally:
            await database.close()
        say(_step("Demo company", f"{len(accounts)} accounts", began))
        return accounts


@contextlib.asynccontextmanager
async def _alone(path: Path, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Several processes of one state folder may start at once: one migrates and seeds, the others wait."""
    with path.open("w") as file:
        waits = False
        while not _locked(file):
            if not waits:
                say("Another start is at work here: waiting for it to end ...")
            waits = True
            await asyncio.sleep(_LOOK_SECONDS)
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.asynccontextmanager
async def _own_asterisk(settings: Settings) -> AsyncIterator[None]:
    if settings.asterisk == "external":
        yield
        return
    program = find_asterisk(settings.tree)
    if program is None:
        raise Unavailable("There is no Asterisk 20 or newer.", "Run `make run`, which sets one up.")
    instance = AsteriskInstance(asterisk_settings(settings), program)
    began = time.monotonic()
    try:
        adopted = not await instance.start()
    except asyncio.CancelledError:
        await instance.stop()
        raise
    what = "was running, taken over with its calls" if adopted else "started"
    _say(_step("Asterisk", f"{program.version} {what}", began))
    watch = asyncio.create_task(_keep_running(instance))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await instance.stop()


async def _keep_running(instance: AsteriskInstance) -> None:
    """Start Asterisk again when it has ended by itself; its calls are lost, the next ones are not."""
    pause = _LOOK_SECONDS
    while True:
        await asyncio.sleep(pause)
        if instance.alive():
            pause = _LOOK_SECONDS
            continue
        _log.error("Asterisk has ended by itself and is started again", log_end=instance.log_end())
        try:
            await instance.start()
        except (OneCallError, OSError) as error:
            pause = min(2 * pause, _LONGEST_PAUSE)
            _log.error("Asterisk cannot be started", why=str(error), again_in=pause)


@contextlib.asynccontextmanager
async def _rooms(settings: Settings, roles: Collection[str]) -> AsyncIterator[tuple[Database, Bus]]:
    database, bus = Database(settings.database), make_bus(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.push_async_callback(bus.close)
        if "acd" in roles:
            await stack.enter_async_context(_routing(settings, database, bus, alone="api" not in roles))
            if settings.mqtt_url:
                await stack.enter_async_context(feeding(settings.mqtt_url, bus))
        if "api" in roles:
            from onecall.front import front  # a routing process needs no web framework

            await stack.enter_async_context(front(settings, database, bus))
        yield database, bus


@contextlib.asynccontextmanager
async def _routing(settings: Settings, database: Database, bus: Bus, *, alone: bool) -> AsyncIterator[None]:
    """`alone`: no web in this process, so figures and health have a port of their own."""
    home = asterisk_home(settings)
    files = home / "etc" / "pjsip-agents.conf", home / "spool" / "survival"
    house = await RoutingHouse.open(Ground(settings, manager_secret(settings), database, bus, *files))
    try:
        await house.start()
        async with serving_metrics(settings, house.health, database) if alone else contextlib.nullcontext():
            yield
    finally:
        await house.stop()


def _greet(settings: Settings, accounts: dict[str, str]) -> None:
    lines = ["", "OneCall is ready."]
    if settings.http_port:
        lines.append(f"  On this machine:     http://localhost:{settings.http_port}")
    if settings.https_port:
        lines.append(f"  With TLS:            https://{settings.public_host}:{settings.https_port} (self-signed)")
    if settings.host in {"127.0.0.1", "localhost"}:
        lines.append(
            "  From other machines: not yet; set ONECALL_HOST=0.0.0.0 and ONECALL_PUBLIC_HOST to this one's name"
        )
    people = [account for account in demo.ACCOUNTS if account.login in accounts]
    if people:
        lines += ["", f"  {'account':<10} {'password':<14} who"]
    for account in people:
        roles = ", ".join(role.replace("_", " ") for role in account.roles)
        lines.append(f"  {account.login:<10} {accounts[account.login]:<14} {account.name} ({roles})")
    lines += [
        "",
        f"  Call {demo.MOBILE_NUMBER} or {demo.ENERGY_NUMBER} by SIP over UDP at {settings.host}:{settings.sip_port}",
        f"  from {settings.trunk_addresses} (`make demo` does it by itself).",
        "  Ctrl-C stops everything that was started here.",
        "",
    ]
    print("\n".join(lines), flush=True)
