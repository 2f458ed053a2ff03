"""SIP phones made of Python: outside callers and desk phones for tests, benches and the demo."""

PATIENCE = 30.0
"""Seconds that a phone waits for what must come, unless told otherwise: long, because waiting costs only a failure."""
