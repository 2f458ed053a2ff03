"""The command line: each command is one line here and one function elsewhere."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from core import log
from onecall import settings as settings_module
from onecall.state import make_state_folder, told
from onecall.stopping import ending_like_ctrl_c


def main(arguments: Sequence[str]) -> int:
    """Run one command; errors that a person can mend are one sentence on standard error, and exit code 2."""
    options = _parser().parse_args(arguments)
    try:
        settings = settings_module.load()
        log.configure(settings.log_form, settings.log_level)
        with ending_like_ctrl_c():
            return int(options.run(options, settings))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except Exception as error:
        known = told(error)
        if known is None:
            raise
        print(f"{known.what} {known.remedy}".strip(), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onecall", description="Contact-centre server on Asterisk")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    start = command("run", _run, "Set up what is missing, start Asterisk and OneCall, stay in the foreground")
    moved = command("demo", _demo, "As run, with callers that call by themselves and robot agents")
    for one in (start, moved):
        one.add_argument("--no-set-up", action="store_true", help="install and build nothing: start with what is there")
    command("serve", _serve, "Start OneCall's rooms in this process (Asterisk as the settings say), set nothing up")
    command("api", _api, "Start only the web and API part (needs ONECALL_REDIS_URL)")
    command("acd", _acd, "Start only routing, Asterisk bridge and IVR (needs ONECALL_REDIS_URL)")
    command("asterisk", _asterisk, "Start only Asterisk, with OneCall's configuration (containers)")
    command("migrate", _migrate, "Bring the database to this version")
    administrator = command(
        "administrator", _administrator, "Make an administrator, or give one a new password (printed once)"
    )
    administrator.add_argument("login")
    administrator.add_argument("--name", help="the person's name (default: the login)")
    command("settings", _settings, "Print the table of settings")
    command("openapi", _openapi, "Print the API's OpenAPI description")
    provision = command("provision", _provision, "Only set up what is missing")
    provision.add_argument("purpose", choices=["run", "test", "bench", "asterisk"])
    simulate = command("simulate", _simulate, "Run the routing engine on simulated time")
    simulate.add_argument("file", type=Path, help="scenario (YAML)")
    simulate.add_argument("--seeds", type=int, help="how many runs with other chance (default: the scenario's)")
    simulate.add_argument("--json", type=Path, help="write the figures to this file")
    simulate.add_argument("--html", type=Path, help="write a page with plots to this file")
    simulate.add_argument("--compare", type=Path, help="a second scenario, compared under the same chance")
    recorded = command("record-day", _record_day, "Write a past day's calls to a CSV file that a scenario can replay")
    recorded.add_argument("day", type=date.fromisoformat, help="the day, as 2026-11-23")
    recorded.add_argument("file", type=Path, help="the CSV file to write")
    recorded.add_argument("--zone", type=_zone, default=ZoneInfo("Europe/Rome"), help="whose day (time zone)")
    return parser


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{name!r} is no time zone such as Europe/Rome") from None


def _run(options: argparse.Namespace, settings: settings_module.Settings) -> int:
    return _set_up_and_run(options, settings, robots=False)


def _demo(options: argparse.Namespace, settings: settings_module.Settings) -> int:
    return _set_up_and_run(options, settings, robots=True)


def _set_up_and_run(options: argparse.Namespace, settings: settings_module.Settings, *, robots: bool) -> int:
    from onecall.provision import provision
    from onecall.robots import check_demo
    from onecall.run import run

    if robots:
        check_demo(settings)
    # Set-up is here and not in the event loop, so that Ctrl-C ends it wherever it waits.
    provision(settings, "start" if options.no_set_up else "run")
    return asyncio.run(run(settings, robots=robots))


def _serve(_options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.run import serve

    return asyncio.run(serve(settings, {"api", "acd"}))


def _api(_options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.run import serve

    return asyncio.run(serve(settings, {"api"}))


def _acd(_options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.run import serve

    return asyncio.run(serve(settings, {"acd"}))


def _asterisk(_options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.asterisk_alone import serve_asterisk

    return asyncio.run(serve_asterisk(settings))


def _migrate(_options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from core.migrate import newest, upgrade

    make_state_folder(settings)
    asyncio.run(upgrade(settings.database))
    print(f"The database is at revision {newest()}.")
    return 0


def _administrator(options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.administrator import make_administrator

    make_state_folder(settings)
    appointed = asyncio.run(make_administrator(settings, options.login, options.name))
    done = "can sign in now" if appointed.created else "has a new password and was signed out everywhere"
    print(f"{appointed.login} {done}. Password, shown only here: {appointed.password}")
    return 0


def _settings(_options: argparse.Namespace, _in_force: settings_module.Settings) -> int:
    print(settings_module.table())
    return 0


def _openapi(_options: argparse.Namespace, _settings: settings_module.Settings) -> int:
    from api.openapi import document

    print(document(), end="")
    return 0


def _provision(options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from onecall.provision import provision

    provision(settings, options.purpose)
    return 0


def _simulate(options: argparse.Namespace, _settings: settings_module.Settings) -> int:
    from acd.simulator.cli import run

    return run(options.file, seeds=options.seeds, json=options.json, html=options.html, compare=options.compare)


def _record_day(options: argparse.Namespace, settings: settings_module.Settings) -> int:
    from acd.simulator.yesterday import write_day
    from core.db import Database

    async def write() -> int:
        database = Database(settings.database)
        try:
            return await write_day(database, options.day, options.zone, options.file)
        finally:
            await database.close()

    print(f"{asyncio.run(write())} calls of {options.day} are in {options.file}.")
    return 0
