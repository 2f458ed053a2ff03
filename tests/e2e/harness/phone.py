"""Moved to phones.phone."""

from phones.phone import *  # noqa: F403
