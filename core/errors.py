"""Errors for the reader: what was wrong, with what value, what to do. One small hierarchy that a caller can act on."""

from collections.abc import Mapping


class OneCallError(Exception):
    """Base of all errors that may reach a user.

    `code` is a stable word the screens translate by; `what` says what was wrong and with what value; `remedy` what
    to do. `values` are the numbers and names of the sentence, for translation.
    """

    code = "error"

    def __init__(
        self,
        what: str,
        remedy: str = "",
        *,
        code: str | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy
        if code is not None:
            self.code = code
        self.values = dict(values or {})

    def as_dict(self) -> dict[str, object]:
        """The form in which it crosses the bus and the API."""
        return {
            "code": self.code,
            "what": self.what,
            "remedy": self.remedy,
            "values": self.values,
            "kind": self.kind(),
        }

    @classmethod
    def kind(cls) -> str:
        """The class in the hierarchy, by which the far end of the bus raises the same kind again."""
        return next(name for name, known in _KINDS.items() if issubclass(cls, known))


class Invalid(OneCallError):
    """A value given from outside is not acceptable."""

    code = "invalid"


class NotFound(OneCallError):
    """The thing named does not exist (any more)."""

    code = "not_found"


class Conflict(OneCallError):
    """The thing changed meanwhile, or its state does not allow this."""

    code = "conflict"


class Forbidden(OneCallError):
    """Known, but not allowed."""

    code = "forbidden"


class SignInNeeded(OneCallError):
    """Nobody is signed in, or the session has ended."""

    code = "sign_in_needed"


class Unavailable(OneCallError):
    """Something this needs (Asterisk, database, another process) does not answer now."""

    code = "unavailable"


_KINDS: dict[str, type[OneCallError]] = {
    "invalid": Invalid,
    "not_found": NotFound,
    "conflict": Conflict,
    "forbidden": Forbidden,
    "sign_in_needed": SignInNeeded,
    "unavailable": Unavailable,
    "error": OneCallError,
}


def error_from_dict(told: Mapping[str, object]) -> OneCallError:
    """The error that `as_dict` described, of the same kind."""
    values = told.get("values")
    return _KINDS.get(str(told.get("kind")), OneCallError)(
        str(told.get("what", "unknown error")),
        str(told.get("remedy", "")),
        code=str(told.get("code", "error")),
        values=values if isinstance(values, Mapping) else None,
    )
