"""The state folder, made before anything else, and errors of the system as people can understand them."""

from core.errors import Invalid, OneCallError, Unavailable
from onecall.asterisk_config import check_socket_path
from onecall.asterisk_settings import asterisk_home
from onecall.settings import Settings


def make_state_folder(settings: Settings) -> None:
    """Make it where it is missing.

    Raises Unavailable when that cannot be, and Invalid when its path is too long for an Asterisk inside.
    """
    if settings.asterisk == "own":
        check_socket_path(asterisk_home(settings))
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The state folder {settings.state} cannot be used: {_reason(error)}.",
            "Set ONECALL_STATE to a folder that this user may write.",
        ) from None


def told(error: Exception) -> OneCallError | None:
    """What went wrong, for people; None for an error that can only be a fault of ours."""
    if isinstance(error, OneCallError):
        return error
    if isinstance(error, OSError):
        file = f"{error.filename}: " if error.filename else ""
        return Unavailable(
            f"The system refused: {file}{_reason(error)}.",
            "Look at the free disk, and whether this user may read and write the files named and the state folder.",
        )
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError  # only who fails pays for it

    if isinstance(error, ArgumentError):
        return Invalid("The database URL cannot be read.", "Correct ONECALL_DATABASE_URL.")
    if isinstance(error, SQLAlchemyError):
        why = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Unavailable(f"The database refused: {why}.", "Look at its log, its disk and ONECALL_DATABASE_URL.")
    return None


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
