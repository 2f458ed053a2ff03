"""Moved to phones.audio."""

from phones.audio import *  # noqa: F403
