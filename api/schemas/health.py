"""Health of the server and its parts."""

from typing import Literal

from api.schemas.common import Instant, Told


class Part(Told):
    """One part: whether it works, and if not, why. `milliseconds` it took to find out."""

    ok: bool
    detail: str | None = None
    milliseconds: float


class Health(Told):
    """All parts; `status` is `ok` only when every part is."""

    status: Literal["ok", "failing"]
    at: Instant
    version: str
    parts: dict[str, Part]
