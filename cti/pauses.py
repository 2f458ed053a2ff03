"""The pauses of a recording as the caller's channel remembers them (`OC_PAUSES`): `from-to from-to from-`."""

from core.log import get_logger
from cti.calls import Recording

_log = get_logger(__name__)


def write_pauses(recording: Recording) -> str:
    """The text for the channel; a pause that goes on has no end."""
    ended = [f"{begin:.3f}-{end:.3f}" for begin, end in recording.pauses]
    going_on = [] if recording.paused_since is None else [f"{recording.paused_since:.3f}-"]
    return " ".join(ended + going_on)


def recording_of(path: str, pauses: str) -> Recording:
    """The recording of which a channel says this; a pause that cannot be read is said in the log."""
    recording = Recording(path)
    for text in pauses.split():
        begin, _, end = text.partition("-")
        try:
            if end:
                recording.pauses.append((float(begin), float(end)))
            else:
                recording.paused_since = float(begin)
        except ValueError:
            _log.error("pause of a recording cannot be read", recording=path, pause=text)
    return recording
