"""Expected calls by piece of time from the volumes, rates, shares and peaks of a scenario."""

from datetime import datetime, timedelta

from acd.simulator.scenario import PeakForm, ScenarioForm, TopicForm
from acd.simulator.setup import Stream
from acd.simulator.shifts import DAYS
from core.errors import Invalid

_RATE_PIECE = 15


def streams_of(checked: ScenarioForm) -> tuple[Stream, ...]:
    """The streams of all topics that have any calls of their own."""
    streams = [_stream(topic_id, topic, checked) for topic_id, topic in checked.topics.items()]
    return tuple(stream for stream in streams if sum(stream.volumes) > 0)


def _stream(topic_id: str, topic: TopicForm, checked: ScenarioForm) -> Stream:
    """Volumes begin at the scenario's start and repeat until its end."""
    arrivals = checked.arrivals
    minutes = arrivals.every_minutes
    volumes: tuple[float, ...] = ()
    if topic.per_hour is not None:
        minutes = min(minutes, _RATE_PIECE) if arrivals.peaks else minutes
        volumes = (topic.per_hour * minutes / 60.0,)
    elif topic.volumes is not None:
        volumes = topic.volumes
    elif topic.share is not None and arrivals.volumes is not None:
        volumes = tuple(volume * topic.share for volume in arrivals.volumes)
    if not volumes:
        return Stream(topic_id, minutes * 60.0, ())
    given = topic.volumes is not None or topic.share is not None
    if given and len(volumes) * minutes < min(checked.hours, 24.0) * 60.0:
        raise Invalid(
            f"topics.{topic_id}: {len(volumes)} volumes of {minutes:g} minutes do not fill the day.",
            f"Give {min(checked.hours, 24.0) * 60.0 / minutes:g}, or change arrivals.every_minutes.",
        )
    pieces = int(-(-checked.hours * 60.0 // minutes))
    return Stream(
        topic_id,
        minutes * 60.0,
        tuple(arrivals.scale * volumes[n % len(volumes)] * _peak(topic_id, n, minutes, checked) for n in range(pieces)),
        arrivals.process == "steady",
    )


def _peak(topic_id: str, piece: int, minutes: float, checked: ScenarioForm) -> float:
    """The product of the peaks that hold in the middle of this piece."""
    at = checked.start + timedelta(minutes=(piece + 0.5) * minutes)
    factor = 1.0
    for peak in checked.arrivals.peaks:
        if (not peak.topics or topic_id in peak.topics) and _holds(peak, at):
            factor *= peak.factor
    return factor


def _holds(peak: PeakForm, at: datetime) -> bool:
    if peak.days and DAYS[at.weekday()] not in peak.days:
        return False
    if peak.start <= peak.end:
        return peak.start <= at.time() < peak.end
    return at.time() >= peak.start or at.time() < peak.end
