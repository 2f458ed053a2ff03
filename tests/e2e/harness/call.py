"""Moved to phones.call."""

from phones.call import *  # noqa: F403
