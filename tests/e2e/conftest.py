"""Fixtures of the end-to-end tests: a real Asterisk, real SIP phones, the whole product (see harness/README.md)."""

from tests.e2e.harness.fixtures import asterisk, make_asterisk, phones
from tests.e2e.product_fixtures import chromium, product

__all__ = ["asterisk", "chromium", "make_asterisk", "phones", "product"]
