"""Fixtures of the end-to-end tests: a real Asterisk and real SIP phones (see harness/README.md)."""

from tests.e2e.harness.fixtures import asterisk, make_asterisk, phones

__all__ = ["asterisk", "make_asterisk", "phones"]
