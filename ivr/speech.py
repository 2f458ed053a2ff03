"""Makes sound files that Asterisk plays as they are: WAV, 8 kHz, 16 bit, one channel."""

import os
import subprocess
from pathlib import Path

from core.errors import Unavailable

_VOICES = {"it": ("it", "150"), "en": ("en-gb", "155")}
"""Voice of espeak-ng and words a minute, by language."""
_SECONDS = 60
_FORM = ["-r", "8000", "-c", "1", "-b", "16", "-e", "signed-integer"]


def synthesise(text: str, language: str, target: Path) -> None:
    """Speak `text` into `target` (whole or not at all). Raises Unavailable when espeak-ng or sox cannot."""
    voice, speed = _VOICES[language]
    spoken = _run(["espeak-ng", "-v", voice, "-s", speed, "--stdin", "--stdout"], text.encode())
    _write(["-t", "wav", "--ignore-length", "-"], spoken, target)


def convert(source: Path, target: Path) -> None:
    """Bring a recorded file into Asterisk's form. Raises Unavailable when sox cannot read it."""
    _write([str(source)], b"", target)


def _write(source: list[str], data: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        _run(["sox", *source, *_FORM, "-t", "wav", str(partial), "norm", "-4", "pad", "0.05", "0.2"], data)
        partial.rename(target)
    except OSError as error:
        raise Unavailable(f"The prompt {target.name} cannot be written: {error}.", "Free the disk.") from None
    finally:
        partial.unlink(missing_ok=True)


def _run(command: list[str], data: bytes) -> bytes:
    try:
        # Behind everything else: a machine busy with calls makes its prompts more slowly.
        # In a session of its own: Ctrl-C at the terminal is for OneCall, and no reason for half a prompt.
        done = subprocess.run(
            ["nice", "-n", "15", *command],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed.", f"Install the package {command[0]}.") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        told = (error.stderr or b"").decode(errors="replace").strip()[-300:]
        raise Unavailable(f"{command[0]} failed: {told or error}", "See its message.") from None
    return done.stdout
