"""Moved to phones.media."""

from phones.media import *  # noqa: F403
