"""A day that really was, as the recorded day of a scenario: from the facts of the journal to a CSV file.

Of an answered call talk and wrap-up are known, and its patience is drawn again; of an abandoned one the patience is
known, and its talk is drawn. The topic is the queue that the call entered first.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.exc import OperationalError

from acd.simulator.setup import RecordedCall
from core.db import Database
from core.errors import Invalid, NotFound, Unavailable
from core.facts import facts_since
from core.journal import Fact

COLUMNS = ("at", "topic", "talk", "wrap_up", "patience")


async def write_day(database: Database, day: date, zone: ZoneInfo, path: Path) -> int:
    """Write the inbound calls that entered a queue on this day to a CSV file; gives their number.

    Raises `NotFound` when there were none, `Unavailable` without a usable database and `Invalid` when the file cannot
    be written.
    """
    start = datetime.combine(day, time(), zone).timestamp()
    end = datetime.combine(day + timedelta(days=1), time(), zone).timestamp()
    try:
        facts = await facts_since(database, start)
    except OperationalError as error:
        raise Unavailable(
            f"The database cannot be read: {error.orig}.", "Start OneCall once, or check the setting of the database."
        ) from error
    calls = calls_of(facts, start, end)
    if not calls:
        raise NotFound(f"No call entered a queue on {day}.", "Choose another day.")
    try:
        path.write_text(as_csv(calls, zone), encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written: {error.strerror}.", "Name a file in a folder you may write."
        ) from error
    return len(calls)


def calls_of(facts: Iterable[Fact], start: float, end: float) -> list[RecordedCall]:
    """The calls queued from `start` to `end` (epoch seconds); their `at` is epoch seconds too."""
    calls: dict[str, RecordedCall] = {}
    outbound: set[str] = set()
    for fact in sorted(facts, key=lambda fact: fact.at):
        key = fact.interaction_id
        if key is None:
            continue
        if fact.kind == "call.arrived" and fact.data.get("direction", "inbound") != "inbound":
            outbound.add(key)
        elif fact.kind == "queue.entered" and key not in calls and key not in outbound and start <= fact.at < end:
            calls[key] = RecordedCall(fact.at, str(fact.data["queue_id"]))
        elif key in calls:
            calls[key] = _told(calls[key], fact)
    return sorted(calls.values(), key=lambda call: (call.at, call.topic_id))


def _told(call: RecordedCall, fact: Fact) -> RecordedCall:
    """The call with what this fact adds. Several agents' parts of one call add up."""
    data = fact.data
    if fact.kind == "agent.left":
        return replace(call, talk=(call.talk or 0.0) + float(data.get("talk", 0.0)) + float(data.get("hold", 0.0)))
    if fact.kind == "wrap_up.ended":
        return replace(call, wrap_up=(call.wrap_up or 0.0) + float(data.get("seconds", 0.0)))
    if fact.kind == "call.ended" and data.get("abandoned"):
        return replace(call, patience=fact.at - call.at)
    return call


def as_csv(calls: Sequence[RecordedCall], zone: ZoneInfo) -> str:
    """The file's text: instants with offset in `zone`, durations in seconds, empty where unknown."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for call in calls:
        at = datetime.fromtimestamp(call.at, zone).isoformat(timespec="milliseconds")
        known = ("" if value is None else f"{value:.1f}" for value in (call.talk, call.wrap_up, call.patience))
        writer.writerow((at, call.topic_id, *known))
    return text.getvalue()
