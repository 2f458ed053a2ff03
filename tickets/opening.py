"""The first sentence an agent may say: it shows the caller that we know the story. Pure text, no database."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from tickets.views import OpeningView

_EVENING = 17
_DAYS_IT = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Before:
    """The earlier call of a recall: when it ended (epoch seconds, UTC), with whom, on what, and our word since then."""

    at: float
    agent_name: str | None
    topic_it: str | None
    topic_en: str | None
    promise: Literal["broken", "open"] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known while the phone rings. `customer` is None unless exactly one is certain."""

    at: float
    zone: ZoneInfo
    programme: str
    customer: str | None
    before: Before | None = None
    open_title: str | None = None


def opening(scene: Scene) -> OpeningView:
    """The sentence in Italian and English."""
    return {"it": _italian(scene), "en": _english(scene)}


def _italian(scene: Scene) -> str:
    now = datetime.fromtimestamp(scene.at, scene.zone)
    hello = "Buonasera" if now.hour >= _EVENING else "Buongiorno"
    if scene.customer is None:
        return f"{hello}, {scene.programme}. Con chi parlo?"
    hello = f"{hello} {scene.customer}"
    if scene.before is None:
        about = f" Chiama per «{scene.open_title}»?" if scene.open_title else " Come posso aiutarla?"
        return f"{hello}, sono di {scene.programme}.{about}"
    before = scene.before
    text = f"{hello}, vedo che ci ha chiamato {_when_it(before.at, now.date(), scene.zone)}"
    text += f" e ha parlato con {before.agent_name}" if before.agent_name else ""
    text += f" per «{before.topic_it}»" if before.topic_it else ""
    if before.promise == "broken":
        return f"{text}. Non abbiamo mantenuto quanto promesso: mi scusi, me ne occupo subito."
    if before.promise == "open":
        return f"{text}. Verifico subito a che punto è quanto le abbiamo promesso."
    return f"{text}. È ancora per questo?"


def _english(scene: Scene) -> str:
    now = datetime.fromtimestamp(scene.at, scene.zone)
    hello = "Good evening" if now.hour >= _EVENING else "Good morning" if now.hour < 12 else "Good afternoon"
    if scene.customer is None:
        return f"{hello}, {scene.programme}. Who am I speaking with?"
    hello = f"{hello} {scene.customer}"
    if scene.before is None:
        about = f" Are you calling about “{scene.open_title}”?" if scene.open_title else " How can I help you?"
        return f"{hello}, this is {scene.programme}.{about}"
    before = scene.before
    text = f"{hello}, I see that you called us {_when_en(before.at, now.date(), scene.zone)}"
    text += f" and spoke with {before.agent_name}" if before.agent_name else ""
    text += f" about “{before.topic_en}”" if before.topic_en else ""
    if before.promise == "broken":
        return f"{text}. We did not do what we promised: I am sorry, and I will deal with it now."
    if before.promise == "open":
        return f"{text}. Let me check at once where our promise stands."
    return f"{text}. Is it still about this?"


def _when_it(at: float, today: date, zone: ZoneInfo) -> str:
    then = datetime.fromtimestamp(at, zone)
    clock = f"{then:%H:%M}"
    if then.date() == today:
        return f"oggi alle {clock}"
    if then.date() == today - timedelta(days=1):
        return f"ieri alle {clock}"
    return f"{_DAYS_IT[then.weekday()]} alle {clock}"


def _when_en(at: float, today: date, zone: ZoneInfo) -> str:
    then = datetime.fromtimestamp(at, zone)
    clock = f"{then:%H:%M}"
    if then.date() == today:
        return f"today at {clock}"
    if then.date() == today - timedelta(days=1):
        return f"yesterday at {clock}"
    return f"on {_DAYS_EN[then.weekday()]} at {clock}"
