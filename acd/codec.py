"""Events, effects and configuration as JSON-able data and back: for journals, snapshots and replays.

Encoding the same thing always gives the same data, in the same order.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from acd.config import Agent, Queue, RoutingConfig
from acd.effects import Effect
from acd.events import Event
from core.errors import Invalid

_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*get_args(Event), *get_args(Effect))}


def encode(value: Any) -> Any:
    """Data of dataclasses, mappings, sets, tuples, enums and time zones."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(encode(item) for item in value)
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, ZoneInfo):
        return value.key
    return value


def to_data(thing: Event | Effect) -> dict[str, Any]:
    """An event or effect, with its name under `kind`."""
    return {"kind": type(thing).__name__, **encode(thing)}


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _decode(kind: type, data: Any) -> Any:
    try:
        return _adapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Invalid(
            f"{kind.__name__}: {place}: {first['msg']}.", "Use data that this version has written.", code="codec"
        ) from None


def from_data(data: Mapping[str, Any]) -> Event | Effect:
    """The event or effect that `to_data` described. Raises `Invalid`, naming the place."""
    kind = _KINDS.get(str(data.get("kind")))
    if kind is None:
        raise Invalid(
            f"{data.get('kind')!r} is no event or effect.", f"Known: {', '.join(sorted(_KINDS))}.", code="codec"
        )
    found: Event | Effect = _decode(kind, {name: item for name, item in data.items() if name != "kind"})
    return found


def config_from_data(data: Mapping[str, Any]) -> RoutingConfig:
    """The configuration that `encode` described. Raises `Invalid`, naming the place."""
    found: RoutingConfig = _decode(RoutingConfig, data)
    return found


def agent_from_data(data: Mapping[str, Any]) -> Agent:
    """One agent of a configuration."""
    found: Agent = _decode(Agent, data)
    return found


def queue_from_data(data: Mapping[str, Any]) -> Queue:
    """One queue of a configuration."""
    found: Queue = _decode(Queue, data)
    return found
