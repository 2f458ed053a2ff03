"""What a caller meets when no OneCall process answers: an apology in both languages, and the offer of a call-back.

Asterisk starts this as a plain AGI script, one process a call. It needs Python, pyst2 and a folder to write into,
nothing else of OneCall. The folder comes by the environment: ONECALL_SURVIVAL_SPOOL. Its `prompts/<language>/` holds
the sounds; Asterisk's own stand in for missing ones. Each call leaves one JSON file, whatever the caller does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from asterisk.agi import AGI, AGIException

_LANGUAGES = ("it", "en")
_STOCK = {
    "apology": ("im-sorry", "vm-nobodyavail", "privacy-prompt"),
    "invalid": ("privacy-incorrect",),
    "taken": ("privacy-thankyou",),
    "sorry": ("im-sorry", "please-try-call-later"),
}
"""Asterisk's own sounds for each prompt of ours."""
_KEYS = "0123456789*#"
_SHORTEST, _LONGEST = 6, 16
_TRIES = 3
_KEY_MILLISECONDS = 7000
_GONE = (AGIException, ValueError, OSError)
"""How the library tells that the caller has gone: its own errors; ValueError at a HANGUP line or the end of input."""


class Survivor:
    """One caller and what is known of the wish to be called back."""

    def __init__(self, agi: Any, spool: str) -> None:
        env = agi.env
        self._agi = agi
        self._spool = spool
        self._id = re.sub(r"[^A-Za-z0-9._-]", "-", env.get("agi_uniqueid", "")).lstrip("._-") or str(time.time_ns())
        self._record: dict[str, Any] = {
            "id": self._id,
            "at": time.time(),
            "did": env.get("agi_dnid", "").replace("unknown", ""),
            "caller": env.get("agi_callerid", "").replace("unknown", ""),
            "presentation": env.get("agi_callingpres", "0"),
            "keyed": "",
            "wish": "missed",
            "language": _LANGUAGES[0],
            "interaction_id": "",
        }

    @property
    def shows_number(self) -> bool:
        """Whether the caller can be called back without keying a number."""
        restricted = self._record["presentation"].isdigit() and int(self._record["presentation"]) & 0x60 == 0x20
        return not restricted and sum(map(str.isdigit, self._record["caller"])) >= _SHORTEST

    def serve(self) -> None:
        """From the apology to the end. The record is on disk when this returns, also when the caller hangs up."""
        self._keep("pending")
        try:
            self._ask_channel()
            self._take_wish()
        except _GONE as error:
            _say(f"caller gone: {error!r}")
        kept = self._keep("json")
        try:
            self._end(kept)
        except _GONE as error:
            _say(f"caller gone: {error!r}")

    def _ask_channel(self) -> None:
        """What the IVR had found out before it was lost."""
        for field, variable in (("interaction_id", "OC_ID"), ("did", "OC_DID"), ("language", "OC_LANG")):
            value = self._agi.get_variable(variable)
            if value and (field != "language" or value in _LANGUAGES):
                self._record[field] = value[:64]

    def _take_wish(self) -> None:
        """Let the caller key a number. `#` alone means: at the number I am calling from."""
        spoken = sorted(_LANGUAGES, key=lambda language: language != self._record["language"])
        prompt, languages = "apology", spoken
        for _ in range(_TRIES):
            ended_by = self._key_number(self._play(prompt, languages))
            keyed = self._record["keyed"]
            if len(keyed) >= _SHORTEST or (not keyed and ended_by == "#" and self.shows_number):
                self._record["wish"] = "asked"
                return
            if not keyed and not ended_by:
                return
            prompt, languages = "invalid", spoken

    def _key_number(self, key: str) -> str:
        """Collect digits, the first of which may be `key`; returns `#`, or "" when the time was over."""
        self._record["keyed"] = ""
        key = key or self._wait()
        while key and key != "#":
            self._record["keyed"] = "" if key == "*" else self._record["keyed"] + key
            self._record["wish"] = "partial" if self._record["keyed"] else "missed"
            if len(self._record["keyed"]) >= _LONGEST:
                return "#"
            key = self._wait()
        return key

    def _wait(self) -> str:
        return str(self._agi.wait_for_digit(_KEY_MILLISECONDS))

    def _play(self, prompt: str, languages: Sequence[str]) -> str:
        """Say a prompt in these languages; returns the key that cut it short, or ""."""
        for language in languages:
            file = os.path.join(self._spool, "prompts", language, prompt)
            if os.path.isfile(file + ".wav"):
                files: Sequence[str] = [file]
            else:
                files = _STOCK[prompt]
                self._agi.set_variable("CHANNEL(language)", language)
            for name in files:
                # The library sends the name as it is: a space in it would end the argument.
                key = str(self._agi.stream_file('"' + name + '"', _KEYS))
                if key:
                    return key
        return ""

    def _end(self, kept: bool) -> None:
        """Promise only what is on disk. The flag tells the dialplan that the caller was not left in silence."""
        self._play("taken" if kept and self._record["wish"] == "asked" else "sorry", _LANGUAGES)
        self._agi.set_variable("OC_SURVIVED", "1")

    def _keep(self, ending: str) -> bool:
        """Write the record aside and rename it. A `pending` one serves a script that dies: it is taken when old."""
        target = os.path.join(self._spool, self._id + "." + ending)
        partial = os.path.join(self._spool, f".{self._id}.{os.getpid()}.tmp")
        try:
            with open(partial, "w", encoding="utf-8") as file:
                json.dump(self._record, file)
                file.flush()
                os.fsync(file.fileno())
            os.rename(partial, target)
        except OSError as error:
            _say(f"a caller's wish cannot be kept: {error}")
            return False
        if ending == "json":
            # The importer may have been quicker, with both; what it took is kept all the same.
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._spool, self._id + ".pending"))
        return True


def _say(text: str) -> None:
    """To Asterisk's own log."""
    sys.stderr.write(f"survival: {text}\n")


class _Nowhere:
    """The library writes every line it reads to its error stream: numbers of callers do not belong there."""

    def write(self, _text: str) -> None:
        """Nothing is kept."""


def main() -> None:
    """Serve the call on standard input and output."""
    # The caller may hang up before the library listens for it; that must not end us before the wish is kept.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    spool = os.environ.get("ONECALL_SURVIVAL_SPOOL", "")
    if not spool:
        _say("ONECALL_SURVIVAL_SPOOL is not set: nothing can be kept")
    Survivor(AGI(sys.stdin, sys.stdout, _Nowhere()), spool).serve()


if __name__ == "__main__":
    main()
