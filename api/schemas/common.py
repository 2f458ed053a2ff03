"""Building blocks of all schemas: instants, checked text, pages and the error body."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)


def _as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    PlainSerializer(_as_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment: ISO 8601 with a zone in, UTC ending in `Z` out."""


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character is not allowed in text")
    return text


_CLEAN = AfterValidator(_no_nul)
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@?-]+$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _CLEAN]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), _CLEAN]
"""The name of something that is configured."""
MaybeLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _CLEAN]
City = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80), _CLEAN]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), _CLEAN]
"""A customer's code, or a word by which customers are grouped."""
Prose = Annotated[str, StringConstraints(max_length=20_000), _CLEAN]
Search = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), _CLEAN]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,2000}$")]
Language = Literal["it", "en"]
Role = Literal["agent", "team_leader", "supervisor", "back_office", "quality", "administrator"]


class Given(BaseModel):
    """Base of everything that a client sends: an unknown field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """Base of everything that the server sends; it can be read from a table row."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


class ErrorBody(Told):
    """What was wrong, with which value, and what to do. `code` is stable; screens translate by it."""

    code: str
    what: str
    remedy: str
    values: dict[str, object] = {}


class ErrorAnswer(Told):
    """Body of every answer that is not a success."""

    error: ErrorBody


class Done(Told):
    """It is done and there is nothing to add."""

    ok: Literal[True] = True


class Named(Told):
    """A reference for people: id and name."""

    id: str
    name: str


class Bilingual(Told):
    """One text in both languages of the product."""

    it: str
    en: str
