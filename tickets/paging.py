"""Where a page of a list ended, as an opaque text: the next page begins behind it, whatever came or went meanwhile."""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any, TypeVar

from core.errors import Invalid

Row = TypeVar("Row")
Key = tuple[Any, ...]
_LARGEST = 1_000_000_000_000.0
"""Beyond any rank and any instant (epoch seconds) of ours."""


def cursor(key: Key) -> str:
    """The place behind the row with these values of the list's order."""
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(given: str, kinds: Sequence[type]) -> Key:
    """The values that `cursor` was made of, one of each kind (float, str). Raises Invalid for any other text."""
    try:
        key = json.loads(base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != len(kinds) or not all(map(_fits, key, kinds)):
        raise Invalid(
            f"The cursor {given[:40]!r} is not one of this list.",
            "Send the `next` of the page before, with the same view and filters; without a cursor the list begins.",
            code="cursor_wrong",
        )
    return tuple(value if kind is str else float(value) for value, kind in zip(key, kinds, strict=True))


def split(rows: Sequence[Row], limit: int) -> tuple[list[Row], Row | None]:
    """Of `limit` + 1 rows asked for: the page, and its last row if the list goes on behind it."""
    page = list(rows[:limit])
    return page, page[-1] if len(rows) > limit and page else None


def _fits(value: object, kind: type) -> bool:
    if kind is str:
        # Neither of these can be in a database of ours, and a driver would stumble over them.
        return isinstance(value, str) and "\0" not in value and _is_text(value)
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_number(value)


def _is_number(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _LARGEST


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
