"""Time zones by their names, as programmes have them."""

from zoneinfo import ZoneInfo

_DEFAULT = "Europe/Rome"


def zone(name: str) -> ZoneInfo:
    """The time zone of that name; a damaged name falls back to the default rather than stopping figures."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return ZoneInfo(_DEFAULT)
