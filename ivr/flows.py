"""Which flow a dialled number runs, read anew for each call so that a change is live at once."""

import asyncio
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from core.db import Database
from core.journal import Alarm
from core.log import get_logger
from ivr.flow import Flow
from ivr.flow_check import FlowInvalid, Known, Problem, read_calendar, read_flow
from ivr.hours import Calendar
from ivr.model import CalendarRow, DialledNumber, FlowRow
from ivr.ports import NumberPlan
from ivr.prompts import PromptStore

_log = get_logger(__name__)
_ANY_NUMBER = "*"
_PATIENCE = 2.0
"""Seconds that a caller who hears nothing yet waits for the database."""


class StoredFlows:
    """Numbers, flows and calendars from the database; flows also from a folder of YAML files. A row wins over a file.

    While the database is away, or slower than a caller can wait, the last plan read of each number goes on.
    """

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        self._database = database
        self._folder = folder
        self._last: dict[str, NumberPlan] = {}
        self._reading: set[asyncio.Task[NumberPlan | None]] = set()

    async def for_number(self, did: str) -> NumberPlan | None:
        """The plan in force now, or None for a number that nobody has set up. Raises when it cannot be known."""
        try:
            plan = await self._read_in_time(did)
        except (SQLAlchemyError, OSError) as error:
            _log.error("number cannot be looked up; the last plan is used", did=did, error=repr(error))
            if did not in self._last:
                raise
            return self._last[did]
        if plan is not None:
            self._last[did] = plan
        return plan

    async def _read_in_time(self, did: str) -> NumberPlan | None:
        """Raises TimeoutError. The driver takes seconds more to give up a silent connection: nobody waits for that."""
        reading = asyncio.get_running_loop().create_task(self._look_up(did))
        self._reading.add(reading)
        reading.add_done_callback(self._end_reading)
        done, _ = await asyncio.wait({reading}, timeout=_PATIENCE)
        if not done:
            reading.cancel()
            raise TimeoutError(f"no answer within {_PATIENCE:g} s")
        return reading.result()

    def _end_reading(self, reading: asyncio.Task[NumberPlan | None]) -> None:
        self._reading.discard(reading)
        if not reading.cancelled():
            reading.exception()  # of one that nobody waits for any more

    async def _look_up(self, did: str) -> NumberPlan | None:
        async with self._database.reading() as session:
            return await self._read(session, did)

    async def _read(self, session: AsyncSession, did: str) -> NumberPlan | None:
        spellings = [did, did.removeprefix("+"), f"+{did}", _ANY_NUMBER]
        found = await session.execute(
            select(DialledNumber, Programme, FlowRow)
            .join(Programme, Programme.id == DialledNumber.programme_id)
            .join(FlowRow, FlowRow.id == DialledNumber.flow_id, isouter=True)
            .where(DialledNumber.did.in_(spellings))
        )
        rows = sorted(found.all(), key=lambda row: spellings.index(row[0].did))
        if not rows:
            return None
        number, programme, row = rows[0]
        file = "" if row is not None else f"{number.flow_id}.yaml"
        version, text = (str(row.version), row.yaml) if row is not None else self._read_file(file)
        calendars = {one.id: one.yaml for one in await session.scalars(select(CalendarRow))}
        return NumberPlan(
            programme_id=programme.id,
            region=programme.region,
            time_zone=programme.time_zone,
            language=programme.language,
            flow_id=number.flow_id,
            flow_version=version,
            flow_yaml=text,
            calendars=calendars,
            flow_file=file,
        )

    def _read_file(self, name: str) -> tuple[str, str]:
        """Version and text of a flow file. Raises OSError, which names it."""
        path = (self._folder or Path()) / name
        told = path.stat()
        try:
            return f"{told.st_mtime_ns}-{told.st_size}", path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise OSError(f"{path} is not text in UTF-8; save it so") from None

    async def check_files(self, prompts: Collection[str], queues: Collection[str]) -> None:
        """Read every flow of the folder that no row replaces. Raises FlowInvalid: file, step, remedy of each fault."""
        async with self._database.reading() as session:
            rows = set(await session.scalars(select(FlowRow.id)))
            calendars = set(await session.scalars(select(CalendarRow.id)))
        known = Known(queues=queues, prompts=prompts, calendars=calendars)
        problems: list[Problem] = []
        for path in sorted(self._folder.glob("*.yaml")) if self._folder is not None else ():
            if path.stem in rows:
                _log.warning("flow file is not used: the database has a flow of that name", file=path.name)
                continue
            try:
                read_flow(self._read_file(path.name)[1], path.name, known)
            except FlowInvalid as error:
                problems += error.problems
            except OSError as error:
                problems.append(Problem(path.name, "", "", f"cannot be read: {error}", "Correct or remove it"))
        if problems:
            raise FlowInvalid(problems)


class FlowReader:
    """Turns plans into flows, each version once; an invalid new version leaves the last good one in force."""

    def __init__(self, prompts: PromptStore, alarm: Alarm) -> None:
        self._prompts = prompts
        self._alarm = alarm
        self._read: dict[str, tuple[str, Flow]] = {}
        self._refused: dict[str, str] = {}

    def flow(self, plan: NumberPlan) -> Flow:
        """The flow of `plan`. Raises FlowInvalid when it is not right and no earlier version was."""
        last = self._read.get(plan.flow_id)
        if last is not None and plan.flow_version in (last[0], self._refused.get(plan.flow_id)):
            return last[1]
        known = Known(prompts=self._prompts.texts.plain, calendars=plan.calendars)
        try:
            flow = read_flow(plan.flow_yaml, plan.flow_file or plan.flow_id, known)
        except FlowInvalid as error:
            _log.error("flow is not valid", flow=plan.flow_id, version=plan.flow_version, problems=error.what)
            self._alarm(f"flow:{plan.flow_id}", "major", {"problem": str(error.problems[0])}, True)
            if last is None:
                raise
            self._refused[plan.flow_id] = plan.flow_version
            return last[1]
        self._alarm(f"flow:{plan.flow_id}", "major", {}, False)
        self._read[plan.flow_id] = (plan.flow_version, flow)
        self._prompts.warm(flow)
        return flow

    def calendars(self, plan: NumberPlan, flow: Flow) -> dict[str, Calendar]:
        """The calendars a flow may use, its own before those of the house. One that is not valid is left out."""
        found: dict[str, Calendar] = {}
        for name, text in plan.calendars.items():
            try:
                found[name] = _calendar(text, name)
            except FlowInvalid as error:
                _log.error("calendar is not valid", calendar=name, problems=error.what)
        return found | flow.calendars


@lru_cache(maxsize=256)
def _calendar(text: str, name: str) -> Calendar:
    return read_calendar(text, name)
