"""Moved to phones.sip."""

from phones.sip import *  # noqa: F403
